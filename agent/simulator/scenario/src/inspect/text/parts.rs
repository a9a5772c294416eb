//! What belongs to the homes of a scenario: their roofs, tariffs, the intensity of the grid.

use super::{beside, path, some, time_of, Making};
use crate::inspect::mapping::{quoted, Reading, Taken};
use std::collections::{BTreeMap, BTreeSet};

impl<'a> Making<'a> {
    /// Which roof is whose: by the names, else in turn.
    pub(super) fn roofs_of(
        &mut self,
        named: &[(String, &'a Reading)],
        names: &[String],
    ) -> BTreeMap<String, &'a Reading> {
        let mut found: BTreeMap<String, &'a Reading> = BTreeMap::new();
        let mut all: Vec<String> = names.to_vec();
        all.extend(
            named
                .iter()
                .map(|(n, _)| n.clone())
                .filter(|n| !names.contains(n)),
        );
        let generates = |name: &String| {
            named
                .iter()
                .any(|(n, r)| n == name && !(r.generation.is_empty() && r.net.is_empty()))
        };
        let free: Vec<String> = all.into_iter().filter(|n| !generates(n)).collect();
        let words = |text: &str| -> Vec<String> {
            let lower = text.to_lowercase();
            lower
                .split(|c: char| !c.is_alphanumeric())
                .map(str::to_string)
                .collect()
        };
        let mut left: Vec<&'a Reading> = Vec::new();
        for roof in self.roofs.clone() {
            let own = words(&roof.stem());
            let fits = |name: &&String| {
                let name = words(name);
                own.windows(name.len().max(1)).any(|w| w == name)
            };
            match free.iter().filter(fits).collect::<Vec<_>>()[..] {
                [name] if !found.contains_key(name) => {
                    found.insert(name.clone(), roof);
                }
                _ => left.push(roof),
            }
        }
        let mut without = free
            .iter()
            .filter(|n| !found.contains_key(*n))
            .cloned()
            .collect::<Vec<_>>()
            .into_iter();
        let (mut guessed, mut spare) = (Vec::new(), Vec::new());
        for roof in left {
            match without.next() {
                Some(name) => {
                    guessed.push(path(roof, self.base));
                    found.insert(name, roof);
                }
                None => spare.push(path(roof, self.base)),
            }
        }
        if !guessed.is_empty() {
            self.remarks.push(format!(
                "the names do not say whose roofs {} are: given to the first homes, a guess; change it at [[homes]]",
                some(&guessed)
            ));
        }
        if !spare.is_empty() {
            self.remarks.push(format!(
                "no home is left for the generation in {}",
                some(&spare)
            ));
        }
        found
    }

    /// Tariffs and intensity. Prices that do not cover the homes' time are left out.
    pub(super) fn tariffs(&mut self, out: &mut Vec<String>, general: Option<&Reading>) {
        let covers = |reading: &Reading| {
            let extents = || self.placed().filter_map(|r| r.extent);
            let late = extents().map(|e| e.0).max();
            let homes = late.zip(extents().map(|e| e.1).min());
            match (homes, reading.extent) {
                (Some(homes), Some(own)) => own.0 <= homes.0 && own.1 >= homes.1,
                // Rows without stamps: as many as the homes' are.
                (_, None) => self
                    .placed()
                    .all(|r| r.extent.is_none() && r.steps <= reading.steps),
                (None, Some(_)) => self.homes.is_empty(),
            }
        };
        let prices: Vec<&Reading> = self.prices.iter().copied().filter(|r| covers(r)).collect();
        let carbon = self.carbon.filter(|r| covers(r));
        let unfit = self
            .prices
            .iter()
            .chain(&self.carbon)
            .filter(|r| !covers(r));
        let unfit: Vec<String> = unfit.map(|r| path(r, self.base)).collect();
        if !unfit.is_empty() {
            let unfit: BTreeSet<String> = unfit.into_iter().collect();
            let unfit: Vec<String> = unfit.into_iter().collect();
            self.remarks.push(format!(
                "{} does not cover the homes' time and is left out",
                some(&unfit)
            ));
        }
        out.push(String::new());
        out.push("[tariff.import]".into());
        match prices.first().and_then(|r| Some((*r, r.price.as_ref()?))) {
            Some((reading, price)) => self.series(out, reading, price, general),
            None => out.push("flat = 300_000                    # 0.30 a kWh: your tariff".into()),
        }
        out.push(String::new());
        out.push("[tariff.feed_in]".into());
        out.push("flat = 80_000                     # 0.08 a kWh: what feeding in earns".into());
        if let Some((reading, carbon)) = carbon.and_then(|r| Some((r, r.carbon.as_ref()?))) {
            out.push(String::new());
            out.push("[carbon]".into());
            self.series(out, reading, carbon, general);
        }
        let others: Vec<String> = prices.iter().skip(1).map(|r| path(r, self.base)).collect();
        if !others.is_empty() {
            self.remarks
                .push(format!("prices in {} are not used", some(&others)));
        }
    }

    fn series(
        &self,
        out: &mut Vec<String>,
        reading: &Reading,
        column: &Taken,
        general: Option<&Reading>,
    ) {
        out.push(format!("file = {}", quoted(&path(reading, self.base))));
        out.extend(column.lines());
        let same = general.is_some_and(|g| std::ptr::eq(g, reading));
        match general {
            _ if same => {}
            Some(general) => out.extend(beside(reading, general, false)),
            None => out.extend(reading.written.iter().map(|(k, v)| format!("{k} = {v}"))),
        }
        if reading.missing {
            out.push("missing = \"previous\"".into());
        }
        if general.is_none_or(|g| g.time != reading.time) {
            out.push(format!("time = {{ {} }}", time_of(reading)));
        }
    }
}
