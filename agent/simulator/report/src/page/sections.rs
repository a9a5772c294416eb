//! The page's tables: figures by subject.

use crate::format::{
    coins, grouped, kilowatts, kwh, mebibytes, number, percent, price, rate, UNDEFINED,
};
use crate::incidents::incidents;
use crate::summary::Summary;

/// One table of figures.
pub struct Section {
    /// Its caption.
    pub title: &'static str,
    /// Names of the value columns.
    pub columns: Vec<&'static str>,
    /// Label and one value per column.
    pub rows: Vec<(&'static str, Vec<String>)>,
}

/// Every figure of the summary by subject.
pub fn sections(s: &Summary) -> Vec<Section> {
    vec![compared(s), money(s), market(s), machinery(s), run(s)]
}

fn compared(s: &Summary) -> Section {
    let none = || UNDEFINED.to_string();
    let best = |wh: f64| format!("{:.2} kWh", wh / 1_000.0);
    let row = |label, without: String, with: String, ceiling: String| {
        (label, vec![without, with, ceiling])
    };
    Section {
        title: "Energy",
        columns: vec!["without trading", "with trading", "ceiling"],
        rows: vec![
            row(
                "Self-sufficiency",
                percent(s.self_sufficiency_without_trading),
                percent(s.self_sufficiency),
                percent(s.self_sufficiency_ceiling),
            ),
            row(
                "Self-consumption",
                percent(s.self_consumption_without_trading),
                percent(s.self_consumption),
                percent(s.self_consumption_ceiling),
            ),
            row("Demand", kwh(s.demand_wh), kwh(s.demand_wh), none()),
            row(
                "Generation",
                kwh(s.generation_wh),
                kwh(s.generation_wh),
                none(),
            ),
            row("Own use", kwh(s.own_use_wh), kwh(s.own_use_wh), none()),
            row(
                "Arrived by trade",
                kwh(0),
                kwh(s.traded_wh),
                best(s.ceiling_wh),
            ),
            row("Lost on the way", kwh(0), kwh(s.lost_wh), none()),
            row(
                "From the national grid",
                kwh(s.grid_import_without_trading_wh),
                kwh(s.grid_import_wh),
                none(),
            ),
            row(
                "Fed into the grid",
                kwh(s.feed_in_without_trading_wh),
                kwh(s.feed_in_wh),
                none(),
            ),
            row(
                "Peak import",
                kilowatts(s.peak_import_without_trading_w),
                kilowatts(s.peak_import_w),
                none(),
            ),
            row(
                "Peak import over mean import",
                number(s.peak_to_average_without_trading, 2),
                number(s.peak_to_average, 2),
                none(),
            ),
        ],
    }
}

fn single(title: &'static str, column: &'static str, rows: Vec<(&'static str, String)>) -> Section {
    let rows = rows
        .into_iter()
        .map(|(label, value)| (label, vec![value]))
        .collect();
    Section {
        title,
        columns: vec![column],
        rows,
    }
}

fn money(s: &Summary) -> Section {
    single(
        "Money",
        "amount",
        vec![
            ("Bill of all homes, fees included", coins(s.bill)),
            ("Without trading", coins(s.bill_without_trading)),
            ("Gain after fees", coins(s.welfare)),
            ("Fees", coins(s.machinery.fees)),
            (
                "of which for statements of energy",
                coins(s.machinery.statements),
            ),
            ("of which for trades", coins(s.machinery.trades)),
            ("of which for everything else", coins(s.machinery.other)),
            (
                "Fees over what trading brings",
                percent(s.machinery.share_of_welfare),
            ),
            ("Fees per traded kWh", price(s.machinery.per_traded_kwh)),
            (
                "Welfare: what trading brings before fees",
                coins(s.welfare_before_fees),
            ),
            (
                "of which sellers gained over the feed-in tariff",
                coins(s.prosumer_gain),
            ),
            (
                "of which buyers saved against the grid",
                coins(s.consumer_savings),
            ),
            ("Income of sellers from trades", coins(s.prosumer_income)),
            ("Network charges paid", coins(s.network_charges)),
            ("Mean price per kWh", price(s.mean_price)),
        ],
    )
}

fn market(s: &Summary) -> Section {
    single(
        "Market",
        "value",
        vec![
            ("Closed trades", grouped(s.trades)),
            ("of which standing orders", grouped(s.forward_trades)),
            ("Needs served", grouped(s.needs_served)),
            ("Sellers per need", number(s.sellers_per_need, 2)),
            ("Mean duration, s", number(s.mean_duration_s, 1)),
            ("Fulfilment", percent(s.quality)),
            ("Gini of sales", number(s.gini_sales, 3)),
            ("Gini of sales per surplus", number(s.gini_sales_share, 3)),
            ("Requests", grouped(s.requests)),
            ("Approvals", grouped(s.approvals)),
        ],
    )
}

fn machinery(s: &Summary) -> Section {
    let mut rows = vec![
        ("Look-ups", grouped(s.lookups)),
        ("Messages", grouped(s.messages)),
        ("Messages per look-up", number(s.messages_per_lookup, 2)),
        ("Transactions", grouped(s.transactions)),
        ("Transactions refused", grouped(s.refused_transactions)),
        ("Gas of the homes' messages", grouped(s.machinery.gas)),
        ("Gas per traded kWh", rate(s.machinery.gas_per_traded_kwh)),
        ("Invariants checked", grouped(s.invariant_checks)),
        ("Invariants violated", grouped(s.invariant_violations)),
        ("Signatures", s.signatures.clone()),
    ];
    if let (Some(attackers), Some(honest)) = (&s.attackers, &s.honest) {
        rows.push((
            "Homes that attack",
            format!("{} ({})", grouped(attackers.homes), crate::human::attack(s)),
        ));
        let gain = crate::page::words::money(s, honest.gain);
        rows.push(("What trading brings the others", gain));
    }
    let incidents = incidents(s);
    if !incidents.is_empty() {
        rows.push(("Incidents", incidents.join(", ")));
    }
    rows.push(("State hash", s.state_hash.clone()));
    single("Machinery", "value", rows)
}

fn run(s: &Summary) -> Section {
    let seconds = |seconds: f64| format!("{seconds:.2}");
    let mut rows = vec![
        ("Meter-windows per second", rate(s.meter_windows_per_second)),
        ("Elapsed, s", seconds(s.elapsed_s)),
        ("Threads", grouped(s.threads)),
        ("Ledger, s over all threads", seconds(s.timings.ledger_s)),
        ("Network, s over all threads", seconds(s.timings.network_s)),
        (
            "Choice of trades, s over all threads",
            seconds(s.timings.choice_s),
        ),
        (
            "Agents otherwise, s over all threads",
            seconds(s.timings.agent_s),
        ),
        (
            "Everything else, s over all threads",
            seconds(s.timings.rest_s),
        ),
    ];
    if let Some(bytes) = s.peak_memory_bytes {
        rows.push(("Peak memory", mebibytes(bytes)));
    }
    single("Run", "value", rows)
}
