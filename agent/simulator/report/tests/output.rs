//! The tables parse back, the page is self-contained and complete, and files appear whole or not at all.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use common::*;
use serde::de::DeserializeOwned;
use wattpool_report::tables::{
    write_meters, write_trades, write_windows, MeterRow, TradeTableRow, WindowRow,
};
use wattpool_report::write::{
    DICTIONARY, EVENTS, METERS, PAGE, SCENARIO, SUMMARY, TRADES, WINDOWS,
};
use wattpool_report::{check_out_dir, human, measure, page, write_all, Outcome, WriteError};
use wattpool_scenario::model::Neighbourhood;

/// An empty directory of its own for a test; gone when the test passes.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{test}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> BTreeSet<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Vec<T> {
    csv::Reader::from_reader(bytes)
        .deserialize()
        .map(|row| row.unwrap())
        .collect()
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_string()).collect()
}

#[test]
fn tables_parse_back_and_add_up_to_the_summary() {
    let (n, o) = sample(2, 9);
    let m = measure(&n, &o).unwrap();
    let (mut windows, mut meters, mut trades) = (Vec::new(), Vec::new(), Vec::new());
    write_windows(&mut windows, n.clock, &m.accounts).unwrap();
    write_meters(&mut meters, &n, &m.accounts, &[]).unwrap();
    write_trades(&mut trades, &n, &o).unwrap();
    let windows: Vec<WindowRow> = parse(&windows);
    let meters: Vec<MeterRow> = parse(&meters);
    let trades: Vec<TradeTableRow> = parse(&trades);
    let s = &m.summary;
    assert_eq!(
        (windows.len(), meters.len(), trades.len()),
        (192, 9, o.trades.len())
    );
    assert!(s.traded_wh > 0);
    assert_eq!(
        windows.iter().map(|row| row.traded_wh).sum::<u64>(),
        s.traded_wh
    );
    assert_eq!(
        meters.iter().map(|row| row.bought_wh).sum::<u64>(),
        s.traded_wh
    );
    assert_eq!(
        trades.iter().map(|row| row.arrived_wh).sum::<u64>(),
        s.traded_wh
    );
    assert_eq!(trades.iter().map(|row| row.lost_wh).sum::<u64>(), s.lost_wh);
    assert_eq!(
        trades.iter().map(|row| row.charge_micro).sum::<u64>(),
        u64::try_from(s.network_charges).unwrap()
    );
    assert_eq!(
        windows.iter().map(|row| row.bill_micro).sum::<i64>(),
        s.bill
    );
    let fees = &s.machinery;
    assert!(fees.statements > 0 && fees.trades > 0 && fees.other == 0);
    assert_eq!(fees.fees, fees.statements + fees.trades + fees.other);
    assert_eq!(windows.iter().map(|r| r.fees_micro).sum::<i64>(), fees.fees);
    assert_eq!(meters.iter().map(|r| r.fees_micro).sum::<i64>(), fees.fees);
    assert_eq!(
        trades.iter().map(|r| r.fee_micro).sum::<u64>(),
        fees.trades.unsigned_abs()
    );
    assert_eq!(
        fees.messages.values().map(|m| m.fees).sum::<i64>(),
        fees.fees
    );
    assert_eq!(meters.iter().map(|r| r.gain_micro).sum::<i64>(), s.welfare);
    assert_eq!(s.welfare, s.welfare_before_fees - fees.fees);
    assert_eq!(
        meters
            .iter()
            .map(|row| row.bill_without_trading_micro)
            .sum::<i64>(),
        s.bill_without_trading
    );
    assert!(
        (windows.iter().map(|row| row.co2_avoided_g).sum::<f64>() - s.co2_avoided_g).abs() < 1e-6
    );
    assert!((windows.iter().map(|row| row.ceiling_wh).sum::<f64>() - s.ceiling_wh).abs() < 1e-6);
    assert_eq!(windows[1].start, "2026-06-01T00:15:00Z");
    let (row, trade) = (&trades[0], &o.trades[0]);
    assert_eq!(row.seller, n.homes[trade.seller as usize].name);
    assert_eq!(row.duration_s, trade.closed.0 - trade.requested.0);
    assert!(row.requested.starts_with("2026-06-01T") && row.requested.ends_with('Z'));
}

#[test]
fn tables_of_an_interrupted_run_end_where_it_ended() {
    let (n, mut o) = sample(2, 6);
    o.finished_windows = 50;
    let m = measure(&n, &o).unwrap();
    let (mut windows, mut trades) = (Vec::new(), Vec::new());
    write_windows(&mut windows, n.clock, &m.accounts).unwrap();
    write_trades(&mut trades, &n, &o).unwrap();
    let trades: Vec<TradeTableRow> = parse(&trades);
    assert_eq!(parse::<WindowRow>(&windows).len(), 50);
    assert!(trades.len() < o.trades.len());
    assert_eq!(trades.len() as u64, m.summary.trades);
    assert!(trades.iter().all(|row| row.window < FIRST.0 + 50));
}

fn html(n: &Neighbourhood, o: &Outcome) -> String {
    page::render(n, o, &measure(n, o).unwrap()).unwrap()
}

/// Text as a browser shows it.
fn unescaped(html: &str) -> String {
    html.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

#[test]
fn the_page_refers_to_nothing_outside() {
    let (n, o) = sample(3, 40);
    let page = html(&n, &o);
    for reference in [
        "http:", "https:", "src=", "url(", "@import", "<link", "<iframe", "//", "fetch(", "import(",
    ] {
        assert!(!page.contains(reference), "the page contains {reference}");
    }
    // Links lead to places on the page, and the browser is told to load nothing.
    assert_eq!(
        page.matches("href=").count(),
        page.matches("href=\"#").count()
    );
    assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'"));
}

#[test]
fn the_page_holds_every_figure_of_the_summary() {
    let (n, o) = sample(3, 8);
    let m = measure(&n, &o).unwrap();
    let shown = unescaped(&page::render(&n, &o, &m).unwrap());
    let json = serde_json::to_value(&m.summary).unwrap();
    for (name, value) in json.as_object().unwrap() {
        let line = match value {
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => format!("\"{name}\": "),
            plain => format!("\"{name}\": {plain}"),
        };
        assert!(shown.contains(&line), "{line}");
    }
    for text in [
        "Two streets",
        "seed 7",
        "signature arithmetic was skipped",
        "8 homes, 3 days, 1–3 June 2026",
        "31 messages lost on the way (injected)",
    ] {
        assert!(shown.contains(text), "{text}");
    }
    for figure in [
        m.summary.self_sufficiency,
        m.summary.self_sufficiency_ceiling,
        m.summary.ceiling_share,
    ] {
        assert!(shown.contains(&format!("{:.2} %", figure.unwrap() * 100.0)));
    }
    for note in &m.summary.notes {
        assert!(shown.contains(note.as_str()));
    }
}

#[test]
fn charts_are_accessible_and_their_ids_unique() {
    let (n, o) = sample(3, 8);
    let page = html(&n, &o);
    // Four charts over time, two histograms and the map of flows, each for wide and for narrow screens.
    assert_eq!(page.matches("<svg").count(), 14);
    assert_eq!(page.matches("</svg>").count(), 14);
    assert_eq!(page.matches("role=\"img\"").count(), 14);
    assert_eq!(page.matches("<desc ").count(), 14);
    assert_eq!(
        page.matches("<table").count(),
        page.matches("<caption>").count()
    );
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for label in page
        .split("aria-labelledby=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(label.split(' ').all(|id| ids.contains(&id)), "{label}");
    }
}

#[test]
fn names_cannot_inject_markup() {
    let (mut n, o) = sample(1, 3);
    n.name = "<script>alert('n')</script>".into();
    n.homes[0].name = "<script>\"&".into();
    n.notes = vec!["<b>note</b>".into()];
    let page = html(&n, &o);
    // The page's own scripts: two of data, one that acts.
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script").count(), 3);
    assert!(!page.contains("<script>alert") && !page.contains("<b>note"));
    assert!(unescaped(&page).contains("<script>alert('n')</script>"));
    // Whatever a name holds, the data stay JSON.
    for id in ["hints", "pages"] {
        let data = page.split(&format!("id=\"{id}\">")).nth(1).unwrap();
        let data = data.split("</script").next().unwrap();
        let value: serde_json::Value = serde_json::from_str(data).unwrap();
        if id == "pages" {
            assert_eq!(value["homes"]["0"]["name"], "<script>\"&");
        }
    }
}

#[test]
fn degenerate_runs_have_a_page_too() {
    let empty = neighbourhood(3);
    assert!(html(&empty, &idle(&empty)).contains("0 homes"));

    let mut still = neighbourhood(1);
    still.homes = vec![home("A", 0, &[0], &[0])];
    assert!(html(&still, &idle(&still)).contains("self-consumption is not defined"));

    let (n, mut o) = sample(2, 4);
    o.finished_windows = 0;
    o.trades.clear();
    assert!(html(&n, &o).contains("0 of 192 windows were finished"));

    let (mut n, o) = sample(1, 3);
    n.import_tariff.fill(wattpool_schema::Tariff(-50_000));
    n.feed_in_tariff.fill(wattpool_schema::Tariff(-60_000));
    assert!(html(&n, &o).contains("Price over the whole period"));
}

#[test]
fn violations_and_interruption_are_said_on_top() {
    let (n, mut o) = sample(2, 4);
    o.finished_windows = 100;
    o.invariant_violations = vec!["window 3: money is not conserved".into()];
    let page = html(&n, &o);
    let head = page.split("<main>").next().unwrap();
    assert!(head.contains("1 invariant violated") && head.contains("money is not conserved"));
    assert!(head.contains("100 of 192 windows were finished"));
}

#[test]
fn the_first_screen_answers_in_money() {
    let (n, o) = sample(7, 12);
    let m = measure(&n, &o).unwrap();
    let s = &m.summary;
    let page = unescaped(&page::render(&n, &o, &m).unwrap());
    let (head, rest) = page.split_once("How much of its electricity").unwrap();
    assert!(rest.contains("What each home gains"));
    let money = |micro: i64| format!("{:.2} EUR", micro as f64 / 1e6);
    for text in [
        "12 homes, 7 days, 1–7 June 2026".to_owned(),
        format!("save {} in 7 days", money(s.welfare)),
        "What does my home gain?".to_owned(),
        format!("{} a week", money(s.consumers.gain_median)),
        format!("{} a week", money(s.producers.gain_median)),
        "What does the street gain?".to_owned(),
        "Extrapolated: about".to_owned(),
        "What does it cost?".to_owned(),
        money(s.machinery.fees),
        format!(
            "{:.1} % of what trading brings",
            s.machinery.share_of_welfare.unwrap() * 100.0
        ),
    ] {
        assert!(head.contains(&text), "{text}");
    }
    assert!(!head.contains("coins"));
}

#[test]
fn homes_are_sorted_by_gain_and_have_a_page_each() {
    let (n, o) = sample(2, 60);
    let m = measure(&n, &o).unwrap();
    let page = page::render(&n, &o, &m).unwrap();
    let body = page.split("<tbody id=\"rows\">").nth(1).unwrap();
    let body = body.split("</tbody>").next().unwrap();
    let order: Vec<usize> = body
        .split("#home=")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(order.len(), 60);
    let gains: Vec<i128> = order
        .iter()
        .map(|home| m.accounts.homes[*home].money.gain())
        .collect();
    assert!(gains.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!(gains[0] > gains[59]);
    let data = page.split("id=\"pages\">").nth(1).unwrap();
    let data = data.split("</script").next().unwrap();
    let pages: serde_json::Value = serde_json::from_str(data).unwrap();
    for (number, home) in n.homes.iter().enumerate() {
        let own = &pages["homes"][number.to_string()];
        assert_eq!(own["name"], home.name.as_str());
        assert_eq!(
            own["figures"].as_array().unwrap().len(),
            pages["labels"].as_array().unwrap().len()
        );
        assert_eq!(own["day"].as_array().unwrap().len(), 24);
    }
    // An hour's watts, added up over the day, are the home's demand on an average day.
    let day = pages["homes"]["0"]["day"].as_array().unwrap();
    let watts = |part: usize| day.iter().map(|h| h[part].as_f64().unwrap()).sum::<f64>();
    let demand = m.accounts.homes[0].energy.demand as f64 / 2.0;
    assert!((watts(0) + watts(1) + watts(2) - demand).abs() < 40.0);
}

#[test]
fn fees_that_eat_the_gain_are_warned_of() {
    let (n, o) = sample(1, 6);
    // Whatever a message costs at present: a quarter of it.
    let mut cheap = o.clone();
    for fee in &mut cheap.fees {
        *fee /= 4;
    }
    let calm = measure(&n, &cheap).unwrap();
    assert!(!calm.summary.machinery.is_warning());
    assert!(!html(&n, &cheap).contains("Warning:"));
    let mut dear = o;
    // As if every message were sent twenty times.
    for fee in &mut dear.fees {
        *fee *= 20;
    }
    let m = measure(&n, &dear).unwrap();
    assert!(m.summary.machinery.share_of_welfare.unwrap() > 0.1);
    assert!(html(&n, &dear).contains("Warning: fees eat"));
    assert!(m.summary.notes.iter().any(|note| note.contains("fees eat")));
    assert!(m.summary.consumers.losers + m.summary.producers.losers > 0);
    assert!(html(&n, &dear).contains("by taking part"));
}

#[test]
fn the_documents_hold_the_dictionary_of_this_version() {
    let page = include_str!("../../../../docs/data-dictionary.md");
    assert!(
        page == wattpool_report::dictionary::markdown(),
        "cargo run -p wattpool-report --example dictionary > docs/data-dictionary.md"
    );
    for table in wattpool_report::dictionary::tables() {
        for column in table.columns {
            assert!(
                !column.meaning.is_empty(),
                "{}: {}",
                table.name,
                column.name
            );
        }
    }
}

#[test]
fn the_terminal_text_is_aligned_and_plain_about_signatures() {
    let (n, mut o) = sample(1, 6);
    let m = measure(&n, &o).unwrap();
    let text = human(&m.summary);
    assert!(text.contains("trusted: signature arithmetic was skipped"));
    assert!(text.contains(&format!(
        "{:.2} %",
        m.summary.self_sufficiency.unwrap() * 100.0
    )));
    assert!(text.contains("Incidents         2 agents killed in the middle of their work (injected), 31 messages lost"));
    assert!(text
        .lines()
        .all(|line| line.chars().nth(17) == Some(' ') && line.chars().nth(18) != Some(' ')));
    assert!(!text.contains("INTERRUPTED"));
    o.signatures = "verified".into();
    o.finished_windows = 10;
    let text = human(&measure(&n, &o).unwrap().summary);
    assert!(!text.contains("skipped") && text.contains("INTERRUPTED"));
}

#[test]
fn all_files_are_written_and_nothing_else_is_touched() {
    let scratch = Scratch::new("all-files");
    fs::write(scratch.0.join("notes.txt"), "mine").unwrap();
    fs::write(scratch.0.join(SUMMARY), "old").unwrap();
    fs::write(scratch.0.join(EVENTS), "of an earlier run").unwrap();
    let (n, o) = sample(1, 4);
    let m = measure(&n, &o).unwrap();
    write_all(&scratch.0, &n, &o, &m).unwrap();
    assert_eq!(
        scratch.names(),
        names(&[
            SUMMARY,
            WINDOWS,
            METERS,
            TRADES,
            PAGE,
            DICTIONARY,
            SCENARIO,
            "notes.txt"
        ])
    );
    assert_eq!(
        fs::read_to_string(scratch.0.join("notes.txt")).unwrap(),
        "mine"
    );
    let text = fs::read_to_string(scratch.0.join(SUMMARY)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["traded_wh"], m.summary.traded_wh);
    assert_eq!(json["bill"], m.summary.bill);
    // The fields keep their order.
    assert!(text.find("\"meters\"") < text.find("\"self_sufficiency\""));
    assert!(text.find("\"bill\"") < text.find("\"state_hash\""));

    // The same run gives the same bytes.
    let before: Vec<Vec<u8>> = [WINDOWS, METERS, TRADES, PAGE]
        .iter()
        .map(|f| fs::read(scratch.0.join(f)).unwrap())
        .collect();
    write_all(&scratch.0, &n, &o, &m).unwrap();
    let after: Vec<Vec<u8>> = [WINDOWS, METERS, TRADES, PAGE]
        .iter()
        .map(|f| fs::read(scratch.0.join(f)).unwrap())
        .collect();
    assert!(before == after);
}

#[test]
fn a_failed_write_leaves_no_summary_and_no_partial_files() {
    let scratch = Scratch::new("failed");
    fs::write(scratch.0.join(SUMMARY), "of an earlier run").unwrap();
    fs::create_dir_all(scratch.0.join(PAGE).join("in-the-way")).unwrap();
    let (n, o) = sample(1, 3);
    let error = write_all(&scratch.0, &n, &o, &measure(&n, &o).unwrap()).unwrap_err();
    assert!(
        matches!(&error, WriteError::Io { path, .. } if path.ends_with(PAGE)),
        "{error}"
    );
    let left = scratch.names();
    assert!(
        !left.contains(SUMMARY) && left.iter().all(|name| !name.starts_with('.')),
        "{left:?}"
    );
}

#[test]
fn the_output_directory_is_checked_before_a_run() {
    let scratch = Scratch::new("check");
    let fresh = scratch.0.join("a/b");
    check_out_dir(&fresh).unwrap();
    assert_eq!(fs::read_dir(&fresh).unwrap().count(), 0);

    let file = scratch.0.join("file");
    fs::write(&file, "x").unwrap();
    let error = check_out_dir(&file).unwrap_err();
    assert!(matches!(&error, WriteError::NotADirectory { path } if *path == file));
    assert!(
        error.to_string().contains("is not a directory") && error.to_string().lines().count() == 1
    );

    let below = file.join("results");
    let error = check_out_dir(&below).unwrap_err();
    assert!(matches!(&error, WriteError::Io { .. }));
    assert!(error.to_string().starts_with(&below.display().to_string()));
    assert_eq!(error.to_string().lines().count(), 1);
}
