//! The summary as a short text block for a terminal.

use crate::format::{
    duration, grouped, kilograms, kilowatts, kwh, mebibytes, number, percent, price, rate,
};
use crate::incidents::incidents;
use crate::page::words::{counted, length, money, Per};
use crate::summary::Summary;

/// Width of the label column in characters.
const LABEL: usize = 18;

fn line(text: &mut String, label: &str, value: &str) {
    text.push_str(&format!("{label:<LABEL$}{value}\n"));
}

/// A sentence on what the signatures of the run were.
pub fn signature_note(summary: &Summary) -> String {
    if summary.signatures_trusted() {
        "trusted: signature arithmetic was skipped to save time; every other check was made, and the trades are the same"
            .into()
    } else {
        summary.signatures.clone()
    }
}

/// The attack as it is written in a scenario.
pub(crate) fn attack(s: &Summary) -> String {
    let written = s.attack.and_then(|a| serde_json::to_value(a).ok());
    let name = written.as_ref().and_then(|v| v.as_str());
    name.unwrap_or("in no known way").to_owned()
}

/// The summary as aligned lines, ending with a newline. Money is in the scenario's currency, 1,000,000 micro-units a unit.
pub fn human(summary: &Summary) -> String {
    let s = summary;
    let mut text = String::new();
    let t = &mut text;
    line(
        t,
        "Scenario",
        &format!(
            "{}, seed {}: {}, {} of {} windows of {}",
            s.scenario,
            s.seed,
            counted(s.meters, "meter", "meters"),
            grouped(s.windows),
            grouped(s.windows_planned),
            duration(s.window_s.into())
        ),
    );
    if !s.finished {
        line(t, "", "INTERRUPTED: only the finished windows count");
    }
    line(
        t,
        "Gain of all homes",
        &format!(
            "{} after fees in {}: bills {} instead of {}",
            money(s, s.welfare),
            length(s),
            money(s, s.bill),
            money(s, s.bill_without_trading)
        ),
    );
    for (who, group) in [
        ("  no generation", &s.consumers),
        ("  generation", &s.producers),
    ] {
        if group.homes > 0 {
            let per = Per::usual(s);
            let each = |micro| money(s, per.of(s, micro));
            let text = format!(
                "{}: the one in the middle gains {} {} ({} to {})",
                counted(group.homes, "home", "homes"),
                each(group.gain_median),
                per.words(),
                each(group.gain_least),
                each(group.gain_most)
            );
            line(t, who, &text);
        }
    }
    if let (Some(attackers), Some(honest)) = (&s.attackers, &s.honest) {
        let text = format!(
            "{} attack ({}) and gain {}; the other {} gain {} ({} to {} each, {} lose)",
            counted(attackers.homes, "home", "homes"),
            attack(s),
            money(s, attackers.gain),
            grouped(honest.homes),
            money(s, honest.gain),
            money(s, honest.gain_least),
            money(s, honest.gain_most),
            grouped(honest.losers)
        );
        line(t, "Attackers", &text);
    }
    let fees = &s.machinery;
    line(
        t,
        "Fees",
        &format!(
            "{}, {} of what trading brings; {} {} and {} gas per traded kWh",
            money(s, fees.fees),
            percent(fees.share_of_welfare),
            price(fees.per_traded_kwh),
            s.currency.as_deref().unwrap_or("money"),
            rate(fees.gas_per_traded_kwh)
        ),
    );
    line(
        t,
        "Self-sufficiency",
        &format!(
            "{} (without trading {}, ceiling {})",
            percent(s.self_sufficiency),
            percent(s.self_sufficiency_without_trading),
            percent(s.self_sufficiency_ceiling)
        ),
    );
    line(
        t,
        "Self-consumption",
        &format!(
            "{} (without trading {}, ceiling {})",
            percent(s.self_consumption),
            percent(s.self_consumption_without_trading),
            percent(s.self_consumption_ceiling)
        ),
    );
    line(t, "Share of ceiling", &percent(s.ceiling_share));
    line(
        t,
        "Demand",
        &format!("{}, generation {}", kwh(s.demand_wh), kwh(s.generation_wh)),
    );
    line(
        t,
        "Traded",
        &format!("{}, lost on the way {}", kwh(s.traded_wh), kwh(s.lost_wh)),
    );
    if let Some(wh) = s.line_loss_wh {
        let lost = format!(
            "{:.1} kWh of it, with the way between zones {} of what was traded",
            wh / 1_000.0,
            percent(s.lost_per_traded)
        );
        line(t, "Lost on lines", &lost);
    }
    line(
        t,
        "National grid",
        &format!(
            "supplied {}, took {}",
            kwh(s.grid_import_wh),
            kwh(s.feed_in_wh)
        ),
    );
    line(
        t,
        "Welfare",
        &format!(
            "{} before fees: sellers {}, buyers {}; network charges {}",
            money(s, s.welfare_before_fees),
            money(s, s.prosumer_gain),
            money(s, s.consumer_savings),
            money(s, s.network_charges)
        ),
    );
    line(
        t,
        "Mean price",
        &format!(
            "{} {} per kWh",
            price(s.mean_price),
            s.currency.as_deref().unwrap_or("money")
        ),
    );
    line(t, "CO2 avoided", &kilograms(s.co2_avoided_g));
    line(
        t,
        "Peak import",
        &format!(
            "{} (without trading {}), peak to average {} ({})",
            kilowatts(s.peak_import_w),
            kilowatts(s.peak_import_without_trading_w),
            number(s.peak_to_average, 2),
            number(s.peak_to_average_without_trading, 2)
        ),
    );
    line(
        t,
        "Trades",
        &format!(
            "{} ({} standing orders), {} sellers per need, {} s, fulfilment {}, promised and not delivered {}",
            grouped(s.trades),
            grouped(s.forward_trades),
            number(s.sellers_per_need, 2),
            number(s.mean_duration_s, 1),
            percent(s.quality),
            percent(s.shortfall)
        ),
    );
    line(
        t,
        "Fairness",
        &format!(
            "Gini of sales {} (per surplus {}, among like sellers {})",
            number(s.gini_sales, 3),
            number(s.gini_sales_share, 3),
            number(s.gini_like_sellers, 3)
        ),
    );
    line(
        t,
        "Messages",
        &format!(
            "{}, {} look-ups, {} messages per look-up",
            grouped(s.messages),
            grouped(s.lookups),
            number(s.messages_per_lookup, 2)
        ),
    );
    line(
        t,
        "Transactions",
        &format!(
            "{}, {} refused",
            grouped(s.transactions),
            grouped(s.refused_transactions)
        ),
    );
    let incidents = incidents(s);
    if !incidents.is_empty() {
        line(t, "Incidents", &incidents.join(", "));
    }
    line(
        t,
        "Invariants",
        &format!(
            "{} checked, {} violated",
            grouped(s.invariant_checks),
            grouped(s.invariant_violations)
        ),
    );
    for violation in &s.violations {
        line(t, "  violated", violation);
    }
    let rate = rate(s.meter_windows_per_second);
    let threads = if s.threads == 1 { "thread" } else { "threads" };
    line(
        t,
        "Speed",
        &format!(
            "{rate} meter-windows per second, {:.1} s on {} {threads}",
            s.elapsed_s, s.threads
        ),
    );
    if let Some(bytes) = s.peak_memory_bytes {
        line(t, "Peak memory", &mebibytes(bytes));
    }
    line(t, "Signatures", &signature_note(s));
    line(t, "State hash", &s.state_hash);
    for note in &s.notes {
        line(t, "Note", note);
    }
    text
}
