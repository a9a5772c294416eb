//! `State`: what devices exported. Each statement is answered by itself.

use super::{check_batch, check_domain, Answers, Call};
use crate::position::{self, Horizon, Place};
use crate::state::{self, History, Live, MeterTerms};
use crate::{books, STATEMENT_DAYS};
use cosmwasm_std::{to_json_binary, Addr, Event, Response, WasmMsg};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{Stated, StatedTooOld};
use wattpool_schema::token::{ExecuteMsg as TokenMsg, MintItem};
use wattpool_schema::{SignedStatement, Wh, Window};

const DAY: u64 = 86_400;

/// What a statement came to.
enum Outcome {
    Taken(Stated),
    /// Genuine, but too old to earn anything: reported with every attempt, nothing changes.
    TooOld(StatedTooOld, MarketError),
}

/// One message's work.
struct Work<'a> {
    call: Call<'a>,
    live: Live,
    now: Window,
    /// The oldest window that still earns something.
    oldest: Window,
    mints: Vec<MintItem>,
}

/// Takes statements: surplus of the live window is minted (in one call of the token), that of earlier
/// windows, or while the market is paused, becomes feed-in credit of who owned the meter in its window.
pub fn state(mut call: Call, statements: Vec<SignedStatement>) -> Result<Response, MarketError> {
    check_batch("statements", &statements)?;
    let live = call.roll()?;
    let now = call.now();
    let horizon = STATEMENT_DAYS
        .saturating_mul(DAY)
        .checked_div(u64::from(call.settings.window_seconds));
    let oldest = Window(now.0.saturating_sub(horizon.unwrap_or(0)));
    let mut work = Work {
        call,
        live,
        now,
        oldest,
        mints: Vec::new(),
    };
    let mut answers = Answers::default();
    let mut events: Vec<Event> = Vec::with_capacity(statements.len());
    for signed in &statements {
        match work.take(signed) {
            Ok(Outcome::Taken(stated)) => {
                answers.taken();
                events.push(stated.into());
            }
            Ok(Outcome::TooOld(report, why)) => {
                events.push(report.into());
                events.push(answers.refused(&why)?.into());
            }
            Err(why) => events.push(answers.refused(&why)?.into()),
        }
    }
    let Work {
        call, live, mints, ..
    } = work;
    state::save_live(call.deps.storage, &live);
    let mut response = Response::new().add_events(events).set_data(answers.data()?);
    if !mints.is_empty() {
        response = response.add_message(WasmMsg::Execute {
            contract_addr: call.settings.token.into_string(),
            msg: to_json_binary(&TokenMsg::MintSurplus {
                window: live.window,
                items: mints,
            })?,
            funds: vec![],
        });
    }
    Ok(response)
}

impl Work<'_> {
    /// Takes one statement, or changes nothing. Cheap checks come before the signature.
    fn take(&mut self, signed: &SignedStatement) -> Result<Outcome, MarketError> {
        let s = &signed.statement;
        let storage = &mut *self.call.deps.storage;
        check_domain(&self.call.env, s.version, &s.chain, &s.pool)?;
        let meter = state::active_meter(storage, s.meter)?;
        let MeterTerms {
            owner, max_export, ..
        } = meter.terms_of(storage, s.meter, s.window)?;
        if s.export_wh > max_export {
            return Err(MarketError::AboveRegistered {
                wh: s.export_wh.0,
                registered: max_export.0,
            });
        }
        let mut position = state::position(storage, s.meter)?;
        let place = position::place(&position, s, self.now)?;
        let genuine = self.call.deps.api.ed25519_verify(
            &s.sign_bytes(),
            &signed.signature.0,
            &meter.device.0,
        );
        if !genuine.unwrap_or(false) {
            return Err(MarketError::BadSignature {
                by: "device".into(),
            });
        }
        let horizon = Horizon {
            now: self.now,
            oldest: self.oldest,
            since: meter.since,
        };
        let oldest = position::oldest(place, horizon);
        if s.window < oldest {
            let report = StatedTooOld {
                meter: s.meter,
                window: s.window,
                wh: s.export_wh,
            };
            let window = s.window;
            return Ok(Outcome::TooOld(
                report,
                MarketError::TooOld { window, oldest },
            ));
        }
        position::take(&mut position, place, s, horizon);
        let minted =
            place == Place::Next && s.window == self.live.window && !self.call.settings.paused;
        let stated = Stated {
            meter: s.meter,
            owner: owner.to_string(),
            window: s.window,
            sequence: s.sequence,
            wh: s.export_wh,
            commitment: s.commitment,
            minted,
        };
        if minted {
            position.minted_window = s.window;
            position.minted = s.export_wh;
            position.sold = Wh::ZERO;
            self.live.books.minted = self.live.books.minted.try_add(s.export_wh)?;
            self.live.books.statements = self.live.books.statements.saturating_add(1);
            if !s.export_wh.is_zero() {
                self.mints.push(MintItem {
                    meter: s.meter,
                    owner: owner.into_string(),
                    wh: s.export_wh,
                });
            }
        } else {
            self.credit(signed, &owner)?;
        }
        state::save_position(self.call.deps.storage, s.meter, &position);
        Ok(Outcome::Taken(stated))
    }

    fn credit(&mut self, signed: &SignedStatement, owner: &Addr) -> Result<(), MarketError> {
        let (window, wh) = (signed.statement.window, signed.statement.export_wh);
        let storage = &mut *self.call.deps.storage;
        if !wh.is_zero() {
            books::earn_late(storage, self.live.window, owner, (window, wh))?;
        }
        books::count_late(storage, &mut self.live, window, wh)
    }
}
