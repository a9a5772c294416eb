//! Instantiation: roles, settings, the first tariffs and zone terms.

use super::bad_input;
use super::terms::{check_pair, check_tariffs};
use crate::state::{self, Live, Payments, Roles, Settings};
use crate::{
    CONTRACT_NAME, CONTRACT_VERSION, MAX_CREDIT_DAYS, MAX_NOTICE_DAYS, MAX_WINDOW_SECONDS,
};
use cosmwasm_std::{DepsMut, Env, MessageInfo, Response};
use wattpool_contract_common::{coins, migration};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AdminChanged, RoleSet, TariffsSet, ZonePairSet};
use wattpool_schema::pool::{InstantiateMsg, PoolWindow, Role, ZonePairTerms};
use wattpool_schema::{Seconds, Window};

/// Creates the pool. Tariffs and zone terms hold from window 0 on.
pub fn instantiate(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, MarketError> {
    check(info, &msg)?;
    let address = |text: &str| deps.api.addr_validate(text);
    let roles = Roles {
        admin: address(&msg.admin)?,
        proposed_admin: None,
        registrar: address(&msg.registrar)?,
        grid_operator: address(&msg.grid_operator)?,
        regulator: address(&msg.regulator)?,
    };
    let settings = Settings {
        token: address(&msg.token)?,
        escrow: None,
        window_seconds: msg.window_seconds,
        halt_seconds: msg.halt_seconds,
        block_seconds: msg.block_seconds,
        paused: false,
    };
    let time = Seconds(env.block.time.seconds());
    let live = Live {
        window: settings.live(&env.block),
        height: env.block.height,
        time,
        since: time,
        books: PoolWindow::default(),
    };
    let storage = deps.storage;
    migration::begin(storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    state::save_roles(storage, &roles);
    state::save_settings(storage, &settings);
    state::save_live(storage, &live);
    let payments = Payments {
        denom: msg.denom,
        credit_delay_days: msg.credit_delay_days,
        confirmed_through: None,
        first_part_seconds: msg.first_part_seconds,
        notice_days: msg.notice_days,
    };
    state::save_payments(storage, &payments);
    state::save_tariffs(storage, Window::ZERO, &msg.tariffs);
    let mut response = Response::new()
        .add_event(AdminChanged {
            admin: roles.admin.to_string(),
        })
        .add_events(
            [
                (Role::Registrar, roles.registrar),
                (Role::GridOperator, roles.grid_operator),
                (Role::Regulator, roles.regulator),
            ]
            .map(|(role, address)| RoleSet {
                role,
                address: address.into_string(),
            }),
        )
        .add_event(TariffsSet {
            from_window: Window::ZERO,
            import: msg.tariffs.import,
            feed_in: msg.tariffs.feed_in,
        });
    for terms in &msg.zone_pairs {
        state::save_pair(storage, Window::ZERO, terms);
        response = response.add_event(pair_set(Window::ZERO, terms));
    }
    Ok(response)
}

fn check(info: &MessageInfo, msg: &InstantiateMsg) -> Result<(), MarketError> {
    coins::none(info)?;
    if msg.window_seconds == 0 || msg.window_seconds > MAX_WINDOW_SECONDS {
        let expected = format!("1 to {MAX_WINDOW_SECONDS}");
        return Err(bad_input("window_seconds", expected));
    }
    check_parts(msg)?;
    for (field, days, most) in [
        ("credit_delay_days", msg.credit_delay_days, MAX_CREDIT_DAYS),
        ("notice_days", msg.notice_days, MAX_NOTICE_DAYS),
    ] {
        if days > most {
            return Err(bad_input(field, format!("at most {most}")));
        }
    }
    if msg.denom.is_empty() {
        return Err(bad_input("denom", "the denomination of payments"));
    }
    check_tariffs(&msg.tariffs)?;
    for (i, terms) in msg.zone_pairs.iter().enumerate() {
        check_pair(terms)?;
        let mut before = msg.zone_pairs.iter().take(i);
        if before.any(|t| (t.from, t.to) == (terms.from, terms.to)) {
            let expected = format!("the pair {} to {} once", terms.from, terms.to);
            return Err(bad_input("zone_pairs", expected));
        }
    }
    Ok(())
}

/// The parts of a window: four blocks fit into the first one, it is at most half of it, and a halt is noticed within half of it.
fn check_parts(msg: &InstantiateMsg) -> Result<(), MarketError> {
    let half = msg.window_seconds / 2;
    let four = msg.block_seconds.saturating_mul(4);
    if msg.block_seconds == 0 || msg.block_seconds > msg.window_seconds {
        let expected = format!("1 to {}", msg.window_seconds);
        return Err(bad_input("block_seconds", expected));
    }
    let part = msg.first_part_seconds;
    if part != 0 && (part < four || part > half) {
        let expected = if four > half {
            "0: the window has no four blocks to spare".to_owned()
        } else {
            format!("0, or {four} (four blocks) to {half} (half a window)")
        };
        return Err(bad_input("first_part_seconds", expected));
    }
    let most = if part == 0 { half.max(1) } else { part / 2 };
    if msg.halt_seconds == 0 || msg.halt_seconds > most {
        return Err(bad_input("halt_seconds", format!("1 to {most}")));
    }
    Ok(())
}

/// The event for a pair's terms.
pub fn pair_set(from_window: Window, terms: &ZonePairTerms) -> ZonePairSet {
    ZonePairSet {
        from_window,
        from: terms.from,
        to: terms.to,
        loss: terms.loss,
        charge: terms.charge,
        capacity: terms.capacity,
    }
}
