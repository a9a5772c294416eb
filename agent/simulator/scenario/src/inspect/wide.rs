//! Columns that belong together: one for each home, or one for each tariff of a meter.

use super::ColumnFound;

/// A table with a column for each home.
pub(super) struct Wide<'a> {
    pub(super) names: Vec<String>,
    pub(super) load: Option<(String, &'a ColumnFound)>,
    pub(super) generation: Option<(String, &'a ColumnFound)>,
    pub(super) net: Option<(String, &'a ColumnFound)>,
}

/// What names share at their beginning and at their end, cut where a word ends.
pub(super) fn shared(names: &[&str]) -> (String, String) {
    let Some(first) = names.first() else {
        return Default::default();
    };
    let chars: Vec<char> = first.chars().collect();
    let same = |from_end: bool, at: usize| {
        let of = |name: &str| match from_end {
            false => name.chars().nth(at),
            true => name.chars().rev().nth(at),
        };
        let own = of(first);
        own.is_some() && names.iter().all(|n| of(n) == own)
    };
    let shortest = names.iter().map(|n| n.chars().count()).min().unwrap_or(0);
    let mut head = (0..shortest).take_while(|i| same(false, *i)).count();
    let mut tail = (0..shortest.saturating_sub(head))
        .take_while(|i| same(true, *i))
        .count();
    // A name is not cut in the middle of a word or a number.
    let kind = |c: char| match c {
        c if c.is_ascii_digit() => 0,
        c if c.is_alphabetic() => 1,
        _ => 2,
    };
    let joined = |a: Option<char>, b: Option<char>| match (a, b) {
        (Some(a), Some(b)) => kind(a) == kind(b) && kind(a) != 2,
        _ => false,
    };
    let cuts = |at: usize, from_end: bool| {
        names.iter().any(|n| {
            let all: Vec<char> = n.chars().collect();
            let at = if from_end {
                all.len().saturating_sub(at)
            } else {
                at
            };
            joined(
                at.checked_sub(1).and_then(|i| all.get(i).copied()),
                all.get(at).copied(),
            )
        })
    };
    while head > 0 && cuts(head, false) {
        head = head.saturating_sub(1);
    }
    while tail > 0 && cuts(tail, true) {
        tail = tail.saturating_sub(1);
    }
    let length = chars.len();
    (
        chars.iter().take(head).collect(),
        chars.iter().skip(length.saturating_sub(tail)).collect(),
    )
}

/// The parts in which names differ; nothing where one of them has none, or two are the same.
pub(super) fn varying(names: &[&str]) -> Option<(String, Vec<String>, String)> {
    let (head, tail) = shared(names);
    let part = |name: &&str| -> Option<String> {
        let rest = name
            .strip_prefix(head.as_str())?
            .strip_suffix(tail.as_str())?;
        (!rest.trim().is_empty()).then(|| rest.to_string())
    };
    let parts: Vec<String> = names.iter().filter_map(part).collect();
    let different: std::collections::BTreeSet<&String> = parts.iter().collect();
    (parts.len() == names.len() && different.len() == parts.len()).then_some((head, parts, tail))
}

/// The homes of a table in which each has a column of its own.
pub(super) fn homes(columns: &[ColumnFound]) -> Option<Wide<'_>> {
    let of =
        |role: &str| -> Vec<&ColumnFound> { columns.iter().filter(|c| c.role == role).collect() };
    let (load, generation, net, unknown) = (of("load"), of("generation"), of("net"), of("unknown"));
    let alike = |all: &[&ColumnFound]| {
        let units = all
            .iter()
            .map(|c| c.unit)
            .collect::<std::collections::BTreeSet<_>>();
        all.len() > 1 && units.len() == 1
    };
    if load.is_empty() && generation.is_empty() && net.is_empty() {
        // Nothing but names of homes for headers.
        if !alike(&unknown) {
            return None;
        }
        let column = ("{home}".to_string(), *unknown.first()?);
        let signed = unknown.iter().any(|c| c.least < 0.0);
        let (load, net) = if signed {
            (None, Some(column))
        } else {
            (Some(column), None)
        };
        return Some(Wide {
            names: unknown.iter().map(|c| c.name.clone()).collect(),
            load,
            generation: None,
            net,
        });
    }
    // Headers that hold a home's name and what it is about.
    let (main, is_net) = if alike(&load) {
        (&load, false)
    } else {
        (&net, true)
    };
    if !alike(main) || !tariffs(main).is_empty() {
        return None;
    }
    let names: Vec<&str> = main.iter().map(|c| c.name.as_str()).collect();
    let (head, parts, tail) = varying(&names)?;
    // What is shared says what the columns are about: with no more than a unit they are parts of one home.
    let shared = (head + " " + &tail).to_lowercase();
    let mut words = shared.split(|c: char| !c.is_alphanumeric());
    if !words.any(|w| w.contains(char::is_alphabetic) && !UNITS.contains(&w)) {
        return None;
    }
    let pattern = |part: &str, name: &str| name.replacen(part, "{home}", 1);
    let first = *main.first()?;
    let column = (pattern(parts.first()?, &first.name), first);
    let roof = generation.first().and_then(|roof| {
        let part = parts.iter().find(|p| roof.name.contains(p.as_str()))?;
        let pattern = pattern(part, &roof.name);
        let fits = |c: &&ColumnFound| parts.iter().any(|p| pattern.replace("{home}", p) == c.name);
        generation.iter().all(fits).then_some((pattern, *roof))
    });
    if !generation.is_empty() && roof.is_none() {
        return None;
    }
    let (load, net) = if is_net {
        (None, Some(column))
    } else {
        (Some(column), None)
    };
    Some(Wide {
        names: parts,
        load,
        generation: roof,
        net,
    })
}

/// Words that say no more than a unit.
const UNITS: [&str; 7] = ["kwh", "wh", "kw", "w", "in", "value", "consumption"];
/// Words for the tariffs of one meter.
const TARIFFS: [&str; 20] = [
    "t", "t1", "t2", "tarif", "ht", "nt", "hp", "hc", "high", "low", "peak", "off", "offpeak",
    "day", "night", "normal", "laag", "hoog", "dal", "tariff",
];

/// Columns that differ by the tariff only: they are added up. Empty where there are none.
pub(super) fn tariffs<'a>(columns: &[&'a ColumnFound]) -> Vec<&'a str> {
    let Some(first) = columns.first() else {
        return Vec::new();
    };
    let plain = |name: &str| -> (String, bool) {
        let lower = name.to_lowercase();
        let words = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty());
        let (tariff, mut rest): (Vec<&str>, Vec<&str>) = words.partition(|w| TARIFFS.contains(w));
        if !tariff.is_empty() {
            rest.retain(|w| !w.bytes().all(|b| b.is_ascii_digit()));
        }
        (rest.join(" "), !tariff.is_empty())
    };
    let (own, tariff) = plain(&first.name);
    let same = |c: &&&'a ColumnFound| plain(&c.name) == (own.clone(), true) && c.unit == first.unit;
    let all: Vec<&str> = columns
        .iter()
        .filter(same)
        .map(|c| c.name.as_str())
        .collect();
    // More than four are homes by number.
    if tariff && !own.is_empty() && (2..=4).contains(&all.len()) {
        all
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, role: &'static str) -> ColumnFound {
        ColumnFound {
            name: name.into(),
            role,
            unit: "kWh",
            scale: 1.0,
            least: 0.0,
            most: 1.0,
            mean: 0.5,
            kwh: None,
            day: String::new(),
        }
    }

    #[test]
    fn names_are_cut_between_words() {
        let cut =
            |names: &[&str]| varying(names).map(|(h, p, t)| format!("{h}|{}|{t}", p.join(",")));
        assert_eq!(
            cut(&["hh_2012_3", "hh_2262_0"]).as_deref(),
            Some("hh_|2012_3,2262_0|")
        );
        assert_eq!(
            cut(&["home10", "home11", "home2"]).as_deref(),
            Some("home|10,11,2|")
        );
        assert_eq!(
            cut(&["anna_load", "bert_load"]).as_deref(),
            Some("|anna,bert|_load")
        );
        assert_eq!(
            cut(&["anna", "annabell"]).as_deref(),
            Some("|anna,annabell|")
        );
        assert_eq!(cut(&["a", "a"]), None);
    }

    #[test]
    fn homes_beside_one_another_and_tariffs_of_one_meter() {
        let wide = |columns: &[ColumnFound]| {
            homes(columns).map(|w| (w.names, w.load.map(|l| l.0), w.generation.map(|g| g.0)))
        };
        let names = |all: &[&str]| all.iter().map(|n| (*n).to_string()).collect::<Vec<_>>();
        let all = ["anna", "bert"].map(|n| column(n, "unknown"));
        assert_eq!(
            wide(&all),
            Some((names(&["anna", "bert"]), Some("{home}".into()), None))
        );
        let all = [
            column("anna load", "load"),
            column("anna pv", "generation"),
            column("bert load", "load"),
        ];
        assert_eq!(
            wide(&all),
            Some((
                names(&["anna", "bert"]),
                Some("{home} load".into()),
                Some("{home} pv".into())
            ))
        );
        let all = ["Import T1 kWh", "Import T2 kWh"].map(|n| column(n, "load"));
        assert_eq!(wide(&all), None);
        assert_eq!(
            tariffs(&[&all[0], &all[1]]),
            ["Import T1 kWh", "Import T2 kWh"]
        );
        let all = ["heating kWh", "cooking kWh"].map(|n| column(n, "load"));
        assert_eq!(wide(&all), None);
        assert!(tariffs(&[&all[0], &all[1]]).is_empty());
    }
}
