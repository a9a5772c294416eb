//! The first screen: what trading brings a home and the street, and what it costs, in words.

use wattpool_scenario::model::{HomeKind, Neighbourhood};

use super::words::{counted, dates, is_extrapolation, length, money, round_percent, rounded, Per};
use crate::gains::Group;
use crate::measures::fee_warning;
use crate::summary::Summary;
use crate::time::wall;

/// A question that people ask, and the answer.
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// Figures with what they are, the most important first.
    pub figures: Vec<Amount>,
    /// Sentences below.
    pub remarks: Vec<String>,
}

/// A figure with its words.
pub struct Amount {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// More about it.
    pub detail: String,
}

/// The first screen.
pub struct Story {
    /// `32 homes, 7 days, 4–10 May 2026`.
    pub title: String,
    /// What trading does to all of them.
    pub lead: String,
    /// The three questions.
    pub answers: Vec<Answer>,
    /// Fees eat too much: what is said about it.
    pub warning: Option<String>,
}

/// What homes with generation are called.
pub fn producers(neighbourhood: &Neighbourhood) -> &'static str {
    let other = |kind| !matches!(kind, HomeKind::Pv | HomeKind::Consumer);
    if neighbourhood.homes.iter().any(|home| other(home.kind)) {
        "generation of its own"
    } else {
        "panels"
    }
}

fn title(neighbourhood: &Neighbourhood, s: &Summary) -> String {
    let homes = counted(s.meters, "home", "homes");
    if s.windows == 0 {
        return format!("{homes}, no window finished");
    }
    let seconds = s.windows.saturating_mul(u64::from(s.window_s));
    let first = neighbourhood.start();
    let last = first.saturating_add(wattpool_schema::Seconds(seconds.saturating_sub(1)));
    let clock = neighbourhood.clock;
    let dates = dates(wall(first, clock), wall(last, clock));
    format!("{homes}, {}, {dates}", length(s))
}

fn lead(s: &Summary) -> String {
    if s.trades == 0 {
        return "Nothing was traded, so nothing was gained: see the notes at the end for the reasons.".into();
    }
    if s.welfare <= 0 {
        return format!(
            "Trading does not pay here: after fees these homes together lose {} in {}.",
            money(s, s.welfare.saturating_neg()),
            length(s)
        );
    }
    let share = if s.bill_without_trading > 0 {
        let share = s.welfare as f64 / s.bill_without_trading as f64;
        format!(", {:.0} % of what they would pay without it", share * 100.0)
    } else {
        String::new()
    };
    format!(
        "By trading among themselves these homes save {} in {}{share}. Fees are already taken off.",
        money(s, s.welfare),
        length(s)
    )
}

fn of_group(s: &Summary, group: &Group, who: String) -> Amount {
    let per = Per::usual(s);
    let each = |micro| money(s, per.of(s, micro));
    let verb = if group.gain_median < 0 {
        "loses"
    } else {
        "saves"
    };
    let among = if group.homes == 1 {
        "one home".to_owned()
    } else {
        format!(
            "the middle of {} homes: from {} to {}",
            crate::format::grouped(group.homes),
            each(group.gain_least),
            each(group.gain_most)
        )
    };
    Amount {
        label: format!("{who} {verb} about"),
        value: format!(
            "{} {}",
            money(s, per.of(s, group.gain_median.saturating_abs())),
            per.words()
        ),
        detail: among,
    }
}

fn my_home(neighbourhood: &Neighbourhood, s: &Summary) -> Answer {
    let (with, without) = (&s.producers, &s.consumers);
    let word = producers(neighbourhood);
    let plain = if word == "panels" {
        "panels"
    } else {
        "generation"
    };
    let mut figures = Vec::new();
    if without.homes > 0 {
        figures.push(of_group(s, without, format!("A home without {plain}")));
    }
    let mut remarks = Vec::new();
    if with.homes > 0 {
        figures.push(of_group(s, with, format!("A home with {word}")));
        let whole = with.from_selling.saturating_add(with.from_buying);
        if whole > 0 {
            let word = if word == "panels" {
                word
            } else {
                "generation of their own"
            };
            remarks.push(format!(
                "Of what homes with {word} gain, {} comes from selling to neighbours instead of to the grid, the rest \
                 from buying.",
                round_percent(Some(with.from_selling as f64 / whole as f64))
            ));
        }
    }
    let losers = with.losers.saturating_add(without.losers);
    if losers > 0 {
        let verb = if losers == 1 { "loses" } else { "lose" };
        remarks.push(format!(
            "{} {verb} by taking part, because of fees or prices.",
            counted(losers, "home", "homes")
        ));
    }
    Answer {
        question: "What does my home gain?",
        figures,
        remarks,
    }
}

fn street(s: &Summary) -> Answer {
    let mut remarks = vec![format!(
        "Of the electricity that the homes use, {} comes from their own roofs and neighbours; without trading {}.",
        round_percent(s.self_sufficiency),
        round_percent(s.self_sufficiency_without_trading)
    )];
    if is_extrapolation(s) && s.windows > 0 {
        remarks.push(format!(
            "Extrapolated: about {} a year, if every {} were like {}. Summer and winter differ, so a run over a year tells \
             more.",
            rounded(s, Per::Year.of(s, s.welfare)),
            if s.days < 6.99 { "day" } else { "week" },
            if s.windows.saturating_mul(u64::from(s.window_s)) == 86_400 {
                "this one".to_owned()
            } else {
                format!("these {}", length(s))
            }
        ));
    }
    Answer {
        question: "What does the street gain?",
        figures: vec![Amount {
            label: "All homes together, after fees".into(),
            value: money(s, s.welfare),
            detail: format!(
                "bills {} instead of {}",
                money(s, s.bill),
                money(s, s.bill_without_trading)
            ),
        }],
        remarks,
    }
}

fn costs(s: &Summary) -> Answer {
    let fees = &s.machinery;
    let share = fees.share_of_welfare.map_or_else(String::new, |share| {
        format!("{:.1} % of what trading brings", share * 100.0)
    });
    let mut remarks = Vec::new();
    if let Some(each) = fees.per_traded_kwh {
        let unit = s.currency.as_deref().unwrap_or("money");
        remarks.push(format!(
            "That is {:.4} {unit} for every kWh that changes hands ({} of gas).",
            each / 1e6,
            fees.gas_per_traded_kwh
                .map_or_else(String::new, |gas| format!("{:.2} million units", gas / 1e6))
        ));
    }
    if s.network_charges != 0 {
        remarks.push(format!(
            "Network charges of {} are in the bills too.",
            money(s, s.network_charges)
        ));
    }
    Answer {
        question: "What does it cost?",
        figures: vec![Amount {
            label: "Fees for the market's ledger, already taken off".into(),
            value: money(s, fees.fees),
            detail: share,
        }],
        remarks,
    }
}

/// Tells the first screen of a measured run.
pub fn story(neighbourhood: &Neighbourhood, s: &Summary) -> Story {
    Story {
        title: title(neighbourhood, s),
        lead: lead(s),
        answers: vec![my_home(neighbourhood, s), street(s), costs(s)],
        warning: s.machinery.is_warning().then(|| fee_warning(&s.machinery)),
    }
}
