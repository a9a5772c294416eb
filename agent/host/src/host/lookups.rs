//! Look-ups: what was found, and the sellers that nothing is known of yet.

use super::{Host, Looked, Tools};
use crate::io::Effect;
use crate::status::add;
use std::sync::Arc;
use wattpool_core::genuine::{admissible, Genuine};
use wattpool_core::io::{Event, Millis, Notice};
use wattpool_schema::peer::{Record, SignedRecord};
use wattpool_schema::{MeterId, RECORD_VERSION};

impl Host {
    /// A look-up has ended. Sellers never met before are read up first; without their records they count as new ones.
    pub(super) fn looked(
        &mut self,
        now: Millis,
        lookup: u32,
        records: Vec<Arc<SignedRecord>>,
        complete: bool,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        let Some(at) = self.looking.iter().position(|(l, _)| *l == lookup) else {
            return;
        };
        let (_, deadline) = self.looking.swap_remove(at);
        let c = &mut self.counters;
        add(&mut c.lookups, 1);
        add(&mut c.lookups_partial, u64::from(!complete));
        add(
            &mut c.records_found,
            u64::try_from(records.len()).unwrap_or(u64::MAX),
        );
        let other = records.iter().map(|r| r.version());
        if let Some(found) = other.into_iter().find(|v| *v != RECORD_VERSION) {
            self.tell(Notice::OtherVersion { found }, out);
        }
        let mut unknown: Vec<MeterId> = records
            .iter()
            .filter(|r| matches!(r.record, Record::Offer(_)))
            .map(|r| r.meter())
            .filter(|m| !tools.meters.knows_seller(m))
            .collect();
        let network = &self.market.network;
        let records = records.into_iter().filter(|r| admissible(r, network));
        let looked = Looked {
            lookup,
            records: records.map(Genuine::vouched).collect(),
            complete,
            until: deadline.max(now.plus(self.market.timing.lookup_ms / 2)),
        };
        if unknown.is_empty() {
            self.lookup_done(now, looked, tools, out);
            return;
        }
        unknown.sort_unstable();
        unknown.dedup();
        out.push(Effect::FetchSellers {
            lookup,
            meters: unknown,
            deadline: looked.until,
        });
        self.looked.push(looked);
    }

    pub(super) fn lookup_done(
        &mut self,
        now: Millis,
        done: Looked,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        let event = Event::LookupDone {
            lookup: done.lookup,
            records: done.records,
            complete: done.complete,
        };
        self.feed(now, event, tools, out);
    }
}
