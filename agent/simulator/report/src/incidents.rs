//! Incidents of a run in words.

use crate::format::grouped;
use crate::summary::Summary;

/// What the incidents are, by their names in the summary; those that are injected say so.
const WORDS: [(&str, &str); 12] = [
    (
        "crashes",
        "agents killed in the middle of their work (injected)",
    ),
    ("late_restarts", "agents started again late (injected)"),
    (
        "sellers_without_tokens",
        "sellers that gave promised tokens away (injected)",
    ),
    ("halts", "halts of the chain (injected)"),
    (
        "requests_to_silent_sellers",
        "requests to sellers that do not answer (injected)",
    ),
    ("wrong_readings", "wrong readings of meters (injected)"),
    (
        "readings_not_believed",
        "readings that an agent did not believe",
    ),
    (
        "metering_gaps_left",
        "gaps in the readings that an agent went on after",
    ),
    ("heard_twice", "events of the chain heard twice (injected)"),
    (
        "forged_requests",
        "requests of attackers for energy that they do not settle (injected)",
    ),
    (
        "transactions_kept_back",
        "transactions that attackers kept back (injected)",
    ),
    ("messages_lost", "messages lost on the way (injected)"),
];

/// Incidents that are none: a limit of the grid gate that is lower than the demand lifts itself, so that no home stands
/// in the dark.
const HARMLESS: &str = "gate_lifted";

/// Each incident in words, as far as something is wrong.
pub fn incidents(s: &Summary) -> Vec<String> {
    let told = s.faults.iter().filter(|(name, _)| *name != HARMLESS);
    told.map(|(name, count)| {
        let count = grouped(*count);
        if let Some(code) = name.strip_prefix("refused ") {
            return format!("{count} transactions that the contracts refused ({code})");
        }
        let words = WORDS.iter().find(|(known, _)| known == name);
        format!(
            "{count} {}",
            words.map_or(name.as_str(), |(_, words)| *words)
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::measure;
    use crate::outcome::Outcome;

    fn of(faults: &[(&str, u64)]) -> Vec<String> {
        let street = wattpool_scenario::neighbourhood(&wattpool_scenario::GenerateOptions {
            homes: 1,
            days: 1,
            ..wattpool_scenario::GenerateOptions::default()
        });
        let outcome = Outcome {
            faults: faults.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect(),
            ..Outcome::default()
        };
        incidents(&measure(&street.unwrap(), &outcome).unwrap().summary)
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let said = of(&[
            ("crashes", 1_200),
            ("gate_lifted", 7),
            ("refused expired", 2),
        ]);
        assert_eq!(
            said,
            [
                "1,200 agents killed in the middle of their work (injected)",
                "2 transactions that the contracts refused (expired)"
            ]
        );
        assert!(of(&[("gate_lifted", 7)]).is_empty());
    }
}
