//! Entry points: dispatch only. Permissions by role are checked here, by what the message declares;
//! owners and agents of meters in the handlers, where the meters are known.

#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Reply, Response};
use wattpool_contract_common::permission::allow;
use wattpool_contract_common::{coins, migration};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{
    ExecuteMsg, InstantiateMsg, MigrateMsg, OpenOrder, Permission, QueryMsg,
};

use crate::execute::{
    cancel_order, close_order, deliver, deposit, open_order, set_limits, settle, settle_batch,
    withdraw, withdraw_charges,
};
use crate::state::{self, Book, Config};
use crate::{market, query};

const NAME: &str = "wattpool:trade-escrow";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Sets the wiring. Denomination and window length must be the pool's.
///
/// # Errors
/// `BAD_INPUT` for an address, denomination or window length that is not the pool's; `BAD_FUNDS` for coins.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, MarketError> {
    coins::none(&info)?;
    migration::begin(deps.storage, NAME, VERSION)?;
    let at = deps.api.addr_validate(&msg.pool)?;
    let pool = market::pool_config(deps.querier, &at)?;
    let config = Config {
        token: deps.api.addr_validate(&msg.token)?,
        pool: at,
        denom: msg.denom,
        window_seconds: msg.window_seconds,
        first_part_seconds: pool.first_part_seconds,
        chain: env.block.chain_id,
    };
    let expect = |field: &str, same: bool, expected: String| {
        let field = field.to_owned();
        same.then_some(())
            .ok_or(MarketError::BadInput { field, expected })
    };
    expect("token", pool.token == config.token.as_str(), pool.token)?;
    expect("denom", pool.denom == config.denom, pool.denom)?;
    let seconds = pool.window_seconds;
    expect(
        "window_seconds",
        seconds == config.window_seconds,
        seconds.to_string(),
    )?;
    state::save_config(deps.storage, &config);
    state::save_book(deps.storage, &Book::default());
    Ok(Response::new())
}

/// Carries out a message.
///
/// # Errors
/// Any refusal of the escrow, see the messages.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn execute(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, MarketError> {
    check_role(&deps, &env, &info, msg.permission())?;
    if !matches!(msg, ExecuteMsg::Deposit {}) {
        coins::none(&info)?;
    }
    let sender = info.sender.as_str();
    match msg {
        ExecuteMsg::Deposit {} => deposit::execute(deps, &info),
        ExecuteMsg::Withdraw { amount } => withdraw::execute(deps, &info, amount),
        ExecuteMsg::SetLimits { meter, set, remove } => {
            set_limits::execute(deps, &info, meter, set, &remove)
        }
        ExecuteMsg::Settle { trade } => settle::execute(deps, &env, sender, trade),
        ExecuteMsg::SettleBatch { trades } => settle_batch::execute(deps, &env, sender, trades),
        ExecuteMsg::SettleItem { sender, trade } => {
            settle_batch::execute_item(deps, &env, &sender, trade)
        }
        ExecuteMsg::OpenOrder { order } => {
            let OpenOrder {
                trade_id,
                wh,
                approval,
            } = order;
            open_order::execute(deps, &env, sender, trade_id, wh, &approval)
        }
        ExecuteMsg::Deliver {
            buyer,
            trade_id,
            cover,
        } => deliver::execute(deps, &env, sender, (buyer, trade_id), cover),
        ExecuteMsg::CancelOrder { buyer, trade_id } => {
            cancel_order::execute(deps, &env, sender, (buyer, trade_id))
        }
        ExecuteMsg::CloseOrder { buyer, trade_id } => {
            close_order::execute(deps, &env, (buyer, trade_id))
        }
        ExecuteMsg::WithdrawCharges {} => withdraw_charges::execute(deps, &info),
    }
}

/// The one place where permissions by role are checked.
fn check_role(
    deps: &DepsMut,
    env: &Env,
    info: &MessageInfo,
    permission: Permission,
) -> Result<(), MarketError> {
    let (allowed, needs) = match permission {
        Permission::Itself => (info.sender == env.contract.address, "escrow itself"),
        Permission::GridOperator => {
            let config = state::config(deps.storage)?;
            let pool = market::pool_config(deps.querier, &config.pool)?;
            (pool.grid_operator == info.sender.as_str(), "grid operator")
        }
        Permission::Anyone
        | Permission::Holder
        | Permission::Owner
        | Permission::BuyerAgent
        | Permission::EitherAgent
        | Permission::EitherParty => return Ok(()),
    };
    allow(allowed, needs)
}

/// Answers a question.
///
/// # Errors
/// `UNKNOWN_TRADE` for what is not there.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> Result<Binary, MarketError> {
    query::answer(deps, &env, msg)
}

/// Hears how an item of a batch ended.
///
/// # Errors
/// Storage only.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> Result<Response, MarketError> {
    settle_batch::reply(deps, reply)
}

/// Takes over an older version of this contract; keeps everything.
///
/// # Errors
/// `WRONG_CONTRACT` when the stored state is another contract's, `DOWNGRADE` when it is of a newer version.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn migrate(deps: DepsMut, _env: Env, _msg: MigrateMsg) -> Result<Response, MarketError> {
    migration::migrate(deps.storage, NAME, VERSION)?;
    Ok(Response::new())
}
