//! Entry points: dispatch only.

use crate::{execute as on, permission, query as ask, state};
use crate::{CONTRACT_NAME, CONTRACT_VERSION};
#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response};
use wattpool_contract_common::migration;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};

/// Creates the pool with its roles, tariffs and zone terms.
///
/// # Errors
/// `BAD_INPUT` names the field that is out of bounds; `BAD_FUNDS` when coins are sent.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, MarketError> {
    on::instantiate(deps, &env, &info, msg)
}

/// Carries out a message. Only `FundReserve` takes coins.
///
/// # Errors
/// The refusals documented at each message; `UNAUTHORIZED` names who may send it.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn execute(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, MarketError> {
    let settings = state::settings(deps.storage)?;
    permission::check_coins(&info, &msg)?;
    permission::check(deps.storage, &settings, &info.sender, msg.permission())?;
    let call = on::Call {
        deps,
        env,
        info,
        settings,
    };
    match msg {
        ExecuteMsg::Wire { escrow } => on::wire(call, &escrow),
        ExecuteMsg::ProposeAdmin { admin } => on::propose_admin(call, admin),
        ExecuteMsg::AcceptAdmin {} => on::accept_admin(call),
        ExecuteMsg::SetRole { role, address } => on::set_role(call, role, &address),
        ExecuteMsg::Pause {} => on::set_pause(call, true),
        ExecuteMsg::Unpause {} => on::set_pause(call, false),
        ExecuteMsg::RegisterMeter { registration } => on::register_meter(call, registration),
        ExecuteMsg::UpdateMeter {
            meter,
            zone,
            kind,
            max_export,
            max_import,
        } => on::update_meter(call, meter, zone, kind, max_export, max_import),
        ExecuteMsg::SetDevice { meter, device } => on::set_device(call, meter, device),
        ExecuteMsg::SetAgent { meter, agent } => on::set_agent(call, meter, agent),
        ExecuteMsg::ProposeOwner { meter, owner } => on::propose_owner(call, meter, owner),
        ExecuteMsg::AcceptOwner { meter } => on::accept_owner(call, meter),
        ExecuteMsg::RetireMeter { meter } => on::retire_meter(call, meter),
        ExecuteMsg::Object { meter } => on::object(call, meter),
        ExecuteMsg::Decide { meter, uphold } => on::decide(call, meter, uphold),
        ExecuteMsg::State { statements } => on::state(call, statements),
        ExecuteMsg::Cover { covers } => on::cover(call, covers),
        ExecuteMsg::Redeem { redeem } => on::redeem(call, redeem),
        ExecuteMsg::SetTariffs {
            from_window,
            tariffs,
        } => on::set_tariffs(call, from_window, tariffs),
        ExecuteMsg::SetZonePair { from_window, terms } => {
            on::set_zone_pair(call, from_window, terms)
        }
        ExecuteMsg::FundReserve {} => on::fund_reserve(call),
        ExecuteMsg::TakeBack { amount } => on::take_back(call, amount),
        ExecuteMsg::ConfirmFeedIn { through } => on::confirm_feed_in(call, through),
        ExecuteMsg::ClaimFeedIn { owner, limit } => on::claim_feed_in(call, &owner, limit),
        ExecuteMsg::HoldCredit {
            owner,
            from,
            through,
            reason,
        } => on::hold_credit(call, &owner, (from, through), reason),
        ExecuteMsg::ConfirmHold { owner, from } => on::confirm_hold(call, &owner, from),
        ExecuteMsg::ReleaseHold { owner, from } => on::release_hold(call, &owner, from),
        ExecuteMsg::StrikeOut { owner, from, limit } => on::strike_out(call, &owner, from, limit),
    }
}

/// Answers a question.
///
/// # Errors
/// `UNKNOWN_METER`, `BAD_INPUT`
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> Result<Binary, MarketError> {
    ask::answer(deps, &env, msg)
}

/// Moves to this code; keeps everything.
///
/// # Errors
/// `WRONG_CONTRACT` when the stored state is another contract's, `DOWNGRADE` when it is of a newer version.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn migrate(deps: DepsMut, _env: Env, _msg: MigrateMsg) -> Result<Response, MarketError> {
    migration::migrate(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    Ok(Response::new())
}
