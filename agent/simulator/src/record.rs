//! What is recorded on demand: offers, requests with their answers, events of the chain.

use crate::world::World;
use anyhow::Result;
use cosmwasm_std::Addr;
use std::collections::BTreeMap;
use wattpool_audit::export::{Account, FeedIn, Held, Reserve, State, WindowBooks};
use wattpool_audit::opening::{self, Opening, Openings, Registers};
use wattpool_audit::subjects::Subjects;
use wattpool_core::io::{BlockRef, Reading};
use wattpool_core::ports::Signer;
use wattpool_report::record::{Chain, EventRow, Offer, Reply, Request};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{
    Answer, DenialReason, Record, SignedRecord, TradeAnswer, TradeRequest,
};
use wattpool_schema::{Seconds, Wh};

impl World<'_> {
    /// A home announces something; statuses are no offers.
    pub fn record_offer(&mut self, now: u64, home: u32, record: &SignedRecord) {
        let (Some(recorded), Record::Offer(offer)) = (&mut self.recorded, &record.record) else {
            return;
        };
        recorded.offer(
            offer.sequence,
            Offer {
                at: Seconds(now / 1000),
                home,
                window: offer.window,
                wh: offer.wh,
                price: offer.price,
            },
        );
    }

    /// A home asks another.
    pub fn record_request(
        &mut self,
        now: u64,
        buyer: u32,
        seller: Option<u32>,
        request: &TradeRequest,
    ) {
        let Some(recorded) = &mut self.recorded else {
            return;
        };
        recorded.request(
            request.id,
            Request {
                at: Seconds(now / 1000),
                buyer,
                seller,
                kind: request.kind,
                window: request.first_window,
                count: request.count,
                wh: request.wh,
                max_price: request.max_price,
                answer: None,
            },
        );
    }

    /// The other answers; where the answer is lost on its way it stands here all the same.
    pub fn record_answer(&mut self, now: u64, buyer: Option<u32>, answer: &TradeAnswer) {
        let (Some(recorded), Some(buyer)) = (&mut self.recorded, buyer) else {
            return;
        };
        let at = Seconds(now / 1000);
        let reply = match &answer.answer {
            Answer::Approved(signed) => Reply {
                at,
                what: "approved".to_owned(),
                wh: signed.approval.wh,
                price: Some(signed.approval.price),
            },
            Answer::Denied { reason, available } => Reply {
                at,
                what: word(*reason).to_owned(),
                wh: *available,
                price: None,
            },
            Answer::Waiting { .. } => Reply {
                at,
                what: "waiting".to_owned(),
                wh: Wh::ZERO,
                price: None,
            },
        };
        recorded.answer(buyer, answer.id, reply);
    }

    /// A home journals a reading: what its owner can open later.
    pub fn record_opening(&mut self, number: u32, reading: &Reading) {
        if self.recorded.is_none() {
            return;
        }
        let keys = self.home_mut(number).map(|home| home.keys.clone());
        let (Some(recorded), Some(keys)) = (&mut self.recorded, keys) else {
            return;
        };
        let all = recorded.openings.entry(number).or_default();
        let previous = all.last().map(Opening::commitment).unwrap_or_default();
        all.push(Opening {
            window: reading.window,
            registers: Registers {
                import: reading.import_register,
                export: reading.export_register,
            },
            salt: keys.salt(reading.window),
            previous,
        });
    }

    /// What owners can open, with the registers that their meters were installed with.
    fn openings(&self, of: BTreeMap<u32, Vec<Opening>>) -> Vec<Openings> {
        let first = self.n.first_window.prev();
        let one = |(number, openings): (u32, Vec<Opening>)| {
            let index = usize::try_from(number).ok()?;
            let home = self.homes.get(index)?;
            let installed = self.meters.truth(self.n, index, first);
            Some(Openings {
                version: opening::VERSION,
                meter: home.identity.meter,
                home: self.n.homes.get(index).map(|h| h.name.clone()),
                installed: installed.map(|r| Registers {
                    import: r.import_register,
                    export: r.export_register,
                }),
                openings,
            })
        };
        of.into_iter().filter_map(one).collect()
    }

    /// The whole chain, at its end.
    ///
    /// # Errors
    /// A contract does not answer.
    pub fn record_chain(&mut self) -> Result<()> {
        let Some(recorded) = &mut self.recorded else {
            return Ok(());
        };
        let (header, rows) = self.ledger.take_history();
        let mut subjects = Subjects::default();
        rows.iter().for_each(|row| subjects.see(row));
        let ledger = &self.ledger;
        let (escrow, pool) = ledger.coins_held()?;
        let reserve = ledger.reserve()?;
        let mut state = vec![
            State::Book(ledger.book()?),
            State::Held(Held { escrow, pool }),
            State::Reserve(Reserve {
                funded: reserve.funded,
                paid: reserve.paid,
            }),
        ];
        for owner in subjects.accounts {
            let there = ledger.account(&Addr::unchecked(&owner))?;
            state.push(State::Account(Account {
                owner,
                free: there.free,
                locked: there.locked,
            }));
        }
        for owner in subjects.fed_in {
            let there = ledger.feed_in(&Addr::unchecked(&owner))?;
            state.push(State::FeedIn(FeedIn {
                owner,
                owed: there.owed,
                held: there.held,
                paid: there.paid,
            }));
        }
        for window in subjects.windows {
            state.push(State::Window(Box::new(WindowBooks {
                window,
                token: ledger.token_window(window)?,
                pool: ledger.pool_window(window)?,
                tariffs: Some(ledger.tariffs(window)?),
            })));
        }
        for meter in subjects.meters {
            state.push(State::Meter(ledger.meter(meter)?.into()));
        }
        state.push(State::Roles(ledger.pool_config()?.into()));
        let to_height = ledger.block().height;
        let opened = std::mem::take(&mut recorded.openings);
        let openings = self.openings(opened);
        let Some(recorded) = &mut self.recorded else {
            return Ok(());
        };
        recorded.chain = Some(Chain {
            openings,
            header,
            rows,
            state,
            to_height,
        });
        Ok(())
    }

    /// The chain tells of something.
    pub fn record_event(&mut self, block: BlockRef, sender: Option<u32>, event: &MarketEvent) {
        if let Some(recorded) = &mut self.recorded {
            recorded.events.push(EventRow {
                height: block.height,
                time: block.time.0,
                sender,
                event: event.clone(),
            });
        }
    }
}

const fn word(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::SoldOut => "sold_out",
        DenialReason::Price => "price",
        DenialReason::Policy => "policy",
        DenialReason::Window => "window",
        DenialReason::Invalid => "invalid",
        DenialReason::Busy => "busy",
        DenialReason::Later => "later",
    }
}
