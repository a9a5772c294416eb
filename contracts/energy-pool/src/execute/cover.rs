//! `Cover`: what devices say was imported at least. Each cover is answered by itself.

use super::{check_batch, check_domain, Answers, Call};
use crate::position;
use crate::state::{self, History, Live, Meter};
use cosmwasm_std::{Api, Env, Event, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Covered;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{SignedCover, Wh};

/// Takes covers of the live window. The highest counts.
pub fn cover(mut call: Call, covers: Vec<SignedCover>) -> Result<Response, MarketError> {
    check_batch("covers", &covers)?;
    let mut live = call.roll()?;
    let mut answers = Answers::default();
    let mut events: Vec<Event> = Vec::with_capacity(covers.len());
    for signed in &covers {
        match take(&mut call, &mut live, signed) {
            Ok(covered) => {
                answers.taken();
                events.extend(covered.map(Event::from));
            }
            Err(why) => events.push(answers.refused(&why)?.into()),
        }
    }
    state::save_live(call.deps.storage, &live);
    Ok(Response::new().add_events(events).set_data(answers.data()?))
}

fn take(
    call: &mut Call,
    live: &mut Live,
    signed: &SignedCover,
) -> Result<Option<Covered>, MarketError> {
    let id = signed.cover.meter;
    check_domain(
        &call.env,
        signed.cover.version,
        &signed.cover.chain,
        &signed.cover.pool,
    )?;
    let storage = &mut *call.deps.storage;
    let meter = state::active_meter(storage, id)?;
    let mut position = state::position(storage, id)?;
    let max_import = meter.terms_of(storage, id, live.window)?.max_import;
    let covered = raise(
        call.deps.api,
        &call.env,
        live,
        (&meter, max_import),
        &mut position,
        signed,
    )?;
    if covered.is_some() {
        state::save_position(storage, id, &position);
    }
    Ok(covered)
}

/// Raises a meter's cover of the live window. One that is not higher changes nothing, so its signature is
/// not even looked at.
pub fn raise(
    api: &dyn Api,
    env: &Env,
    live: &mut Live,
    (meter, max_import): (&Meter, Wh),
    position: &mut MeterPosition,
    signed: &SignedCover,
) -> Result<Option<Covered>, MarketError> {
    let c = &signed.cover;
    check_domain(env, c.version, &c.chain, &c.pool)?;
    if c.window != live.window {
        return Err(MarketError::WindowClosed {
            window: c.window,
            live: live.window,
        });
    }
    if c.import_wh > max_import {
        return Err(MarketError::AboveRegistered {
            wh: c.import_wh.0,
            registered: max_import.0,
        });
    }
    let known = position::covered(position, live.window);
    if c.import_wh <= known {
        return Ok(None);
    }
    let genuine = api.ed25519_verify(&c.sign_bytes(), &signed.signature.0, &meter.device.0);
    if !genuine.unwrap_or(false) {
        return Err(MarketError::BadSignature {
            by: "device".into(),
        });
    }
    live.books.covered = live.books.covered.try_add(c.import_wh.try_sub(known)?)?;
    if position.cover_window != live.window {
        position.cover_window = live.window;
        position.redeemed = Wh::ZERO;
    }
    position.covered = c.import_wh;
    Ok(Some(Covered {
        meter: c.meter,
        window: c.window,
        covered: c.import_wh,
    }))
}
