//! Who is in the neighbourhood: names, groups, and what the file says about each home.

use crate::errors::ScenarioError;
use crate::file::{GroupTable, HomeTable, ScenarioFile};
use crate::model::HomeKind;
use crate::policy;
use crate::source::{keys, Key, Source};
use std::collections::{BTreeMap, BTreeSet};
use wattpool_core::policy::Policy;

/// A home and what the scenario file says about it.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: String,
    /// Its own table and that table's index.
    pub(crate) table: Option<(usize, &'a HomeTable)>,
    group: Option<(&'a str, &'a GroupTable)>,
}

/// Name of the group that homes of a kind belong to by themselves.
fn kind_name(kind: HomeKind) -> &'static str {
    match kind {
        HomeKind::Pv => "pv",
        HomeKind::Wind => "wind",
        HomeKind::Battery => "battery",
        HomeKind::Mixed => "mixed",
        HomeKind::Consumer => "consumer",
    }
}

const KINDS: [HomeKind; 5] = [
    HomeKind::Pv,
    HomeKind::Wind,
    HomeKind::Battery,
    HomeKind::Mixed,
    HomeKind::Consumer,
];

impl<'a> Member<'a> {
    /// Path of a key of the home's own table, or of its name where the profiles list it.
    pub(crate) fn at(&self, key: &'a str) -> Vec<Key<'a>> {
        match self.table {
            Some((index, _)) => keys!["homes", index, key].to_vec(),
            None => keys!["profiles", "homes"].to_vec(),
        }
    }

    /// Installed photovoltaics in kWp: its own, its group's, or the general ones.
    pub(crate) fn kwp(&self, general: Option<f64>) -> Option<f64> {
        self.table
            .and_then(|(_, t)| t.kwp)
            .or_else(|| self.group.and_then(|(_, g)| g.kwp))
            .or(general)
    }

    /// The group it belongs to: by name, else by kind.
    fn group(&self, file: &'a ScenarioFile, kind: HomeKind) -> Option<(&'a str, &'a GroupTable)> {
        self.group.or_else(|| {
            file.groups
                .get_key_value(kind_name(kind))
                .map(|(n, g)| (n.as_str(), g))
        })
    }

    /// Zone that the file gives it.
    pub(crate) fn zone(&self, file: &'a ScenarioFile, kind: HomeKind) -> Option<u16> {
        self.table
            .and_then(|(_, t)| t.zone)
            .or_else(|| self.group(file, kind).and_then(|(_, g)| g.zone))
    }

    /// Its owner's policy: the general one, changed by its group, changed by itself.
    pub(crate) fn policy(
        &self,
        source: &Source,
        file: &'a ScenarioFile,
        kind: HomeKind,
    ) -> Result<Policy, ScenarioError> {
        let group = self.group(file, kind);
        let group_at = group
            .map(|(name, _)| keys!["groups", name, "policy"].to_vec())
            .unwrap_or_default();
        let own_at = self.at("policy");
        let general_at = keys!["policy"];
        let mut layers = vec![(general_at, &file.policy)];
        layers.extend(group.map(|(_, g)| (&group_at[..], &g.policy)));
        layers.extend(self.table.map(|(_, t)| (&own_at[..], &t.policy)));
        policy::merged(source, &layers)
    }
}

/// Puts the homes with these names together with what the file says about them. Names that only have a
/// table of their own come last (`open`), or are refused where the names are fixed.
pub(crate) fn roster<'a>(
    source: &Source,
    file: &'a ScenarioFile,
    names: Vec<String>,
    open: bool,
) -> Result<Vec<Member<'a>>, ScenarioError> {
    policy::check(source, keys!["policy"], &file.policy)?;
    let mut tables: BTreeMap<&str, (usize, &HomeTable)> = BTreeMap::new();
    for (i, home) in file.homes.iter().enumerate() {
        let refuse = |key: &'static str, problem: String, expected: &str| {
            Err(source.refuse(keys!["homes", i, key], problem, expected))
        };
        if home.name.trim().is_empty() {
            return refuse("name", "it is empty".into(), "a name");
        }
        if tables.insert(&home.name, (i, home)).is_some() {
            return refuse(
                "name",
                format!("'{}' is there twice", home.name),
                "names that differ",
            );
        }
        if home.kwp.is_some_and(|k| !(k.is_finite() && k > 0.0)) {
            return refuse(
                "kwp",
                format!("found {}", home.kwp.unwrap_or_default()),
                "more than 0 kWp",
            );
        }
        policy::check(source, keys!["homes", i, "policy"], &home.policy)?;
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    if let Some(twice) = names.iter().find(|n| !seen.insert(n)) {
        return Err(source.refuse(
            keys!["profiles", "homes"],
            format!("'{twice}' is there twice"),
            "names that differ",
        ));
    }
    let fixed: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let extra = file
        .homes
        .iter()
        .enumerate()
        .filter(|(_, h)| !fixed.contains(h.name.as_str()));
    let mut all = names.clone();
    for (i, home) in extra {
        if !open {
            let problem = format!("no home is called '{}'", home.name);
            let last = names.last().map_or("home-0001", String::as_str);
            let expected = format!(
                "a generated name from {} to {last}",
                names.first().map_or("", String::as_str)
            );
            return Err(source.refuse(keys!["homes", i, "name"], problem, expected));
        }
        all.push(home.name.clone());
    }
    let groups = memberships(source, file, &all)?;
    Ok(all
        .into_iter()
        .map(|name| Member {
            table: tables.get(name.as_str()).copied(),
            group: groups
                .get(&name)
                .and_then(|g| file.groups.get_key_value(*g))
                .map(|(n, g)| (n.as_str(), g)),
            name,
        })
        .collect())
}

/// Group of each home that is in one by name.
fn memberships<'a>(
    source: &Source,
    file: &'a ScenarioFile,
    names: &[String],
) -> Result<BTreeMap<String, &'a str>, ScenarioError> {
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut member_of: BTreeMap<String, &'a str> = BTreeMap::new();
    for (i, home) in file.homes.iter().enumerate() {
        if let Some(group) = &home.group {
            if !file.groups.contains_key(group) {
                let expected = format!("[groups.{group}], or another group's name");
                return Err(source.refuse(
                    keys!["homes", i, "group"],
                    format!("no group is called '{group}'"),
                    expected,
                ));
            }
            member_of.insert(home.name.clone(), group);
        }
    }
    for (name, group) in &file.groups {
        let refuse = |key: &'static str, problem: String, expected: &str| {
            Err(source.refuse(keys!["groups", name.as_str(), key], problem, expected))
        };
        policy::check(
            source,
            keys!["groups", name.as_str(), "policy"],
            &group.policy,
        )?;
        if group.kwp.is_some_and(|k| !(k.is_finite() && k > 0.0)) {
            return refuse(
                "kwp",
                format!("found {}", group.kwp.unwrap_or_default()),
                "more than 0 kWp",
            );
        }
        for home in &group.homes {
            if !known.contains(home.as_str()) {
                return refuse(
                    "homes",
                    format!("no home is called '{home}'"),
                    "names of homes",
                );
            }
            if let Some(other) = member_of.insert(home.clone(), name) {
                if other != name {
                    return refuse(
                        "homes",
                        format!("'{home}' is in group '{other}' too"),
                        "one group for each home",
                    );
                }
            }
        }
        let named = member_of.values().any(|g| g == name);
        if !named && !KINDS.iter().any(|k| kind_name(*k) == name) {
            let expected = "homes, or a kind's name (pv, wind, battery, mixed, consumer)";
            return refuse("homes", format!("no home is in group '{name}'"), expected);
        }
        if !named && group.kwp.is_some() {
            return refuse(
                "kwp",
                "the kind of homes is not known before their data".into(),
                "kwp with homes",
            );
        }
    }
    Ok(member_of)
}
