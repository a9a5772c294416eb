//! Entry points: dispatch only.

use crate::state::{self, Config};
use crate::{execute as on, permission, query as ask};
use crate::{CONTRACT_NAME, CONTRACT_VERSION, MAX_WINDOW_SECONDS};
#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response};
use wattpool_contract_common::{coins, migration};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};
use wattpool_schema::Seconds;

/// Creates the token; the sender becomes the deployer, who may wire it once.
///
/// # Errors
/// `BAD_INPUT` for a name, symbol or window length outside their bounds, `BAD_FUNDS` when coins are sent.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, MarketError> {
    coins::none(&info)?;
    within("name", msg.name.len(), 3, 50)?;
    within("symbol", msg.symbol.len(), 2, 12)?;
    if msg.window_seconds == 0 || msg.window_seconds > MAX_WINDOW_SECONDS {
        return Err(MarketError::BadInput {
            field: "window_seconds".into(),
            expected: format!("1 to {MAX_WINDOW_SECONDS}"),
        });
    }
    let marketing = msg
        .marketing
        .map(|m| deps.api.addr_validate(&m))
        .transpose()?;
    migration::begin(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    state::save_label(deps.storage, &msg.name, &msg.symbol)?;
    if marketing.is_some() {
        let info = wattpool_schema::cw20::MarketingInfoResponse {
            marketing,
            ..Default::default()
        };
        state::save_marketing(deps.storage, &info)?;
    }
    state::save_config(
        deps.storage,
        &Config {
            deployer: info.sender,
            pool: None,
            escrow: None,
            window_seconds: msg.window_seconds,
            since: Seconds(env.block.time.seconds()),
        },
    );
    Ok(Response::new())
}

fn within(field: &str, len: usize, least: usize, most: usize) -> Result<(), MarketError> {
    if (least..=most).contains(&len) {
        Ok(())
    } else {
        Err(MarketError::BadInput {
            field: field.into(),
            expected: format!("{least} to {most} bytes"),
        })
    }
}

/// Carries out a message. Every message refuses coins.
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
    let config = state::config(deps.storage)?;
    coins::none(&info)?;
    permission::check(&deps.as_ref(), &config, &info.sender, msg.permission())?;
    let call = on::Call {
        deps,
        env,
        sender: info.sender,
        config,
    };
    match msg {
        ExecuteMsg::Transfer { recipient, amount } => on::transfer(call, &recipient, amount),
        ExecuteMsg::Send {
            contract,
            amount,
            msg,
        } => on::send(call, contract, amount, msg),
        ExecuteMsg::IncreaseAllowance {
            spender,
            amount,
            expires,
        } => on::increase_allowance(call, &spender, amount, expires),
        ExecuteMsg::DecreaseAllowance {
            spender,
            amount,
            expires,
        } => on::decrease_allowance(call, &spender, amount, expires),
        ExecuteMsg::TransferFrom {
            owner,
            recipient,
            amount,
        } => on::transfer_from(call, &owner, &recipient, amount),
        ExecuteMsg::SendFrom {
            owner,
            contract,
            amount,
            msg,
        } => on::send_from(call, &owner, contract, amount, msg),
        ExecuteMsg::Burn { .. } | ExecuteMsg::BurnFrom { .. } => Err(MarketError::BurnRefused),
        ExecuteMsg::Mint { .. } | ExecuteMsg::UpdateMinter { .. } => Err(MarketError::MinterFixed),
        ExecuteMsg::UpdateMarketing {
            project,
            description,
            marketing,
        } => on::update_marketing(call, project, description, marketing),
        ExecuteMsg::UploadLogo(logo) => on::upload_logo(call, logo),
        ExecuteMsg::Wire { pool, escrow } => on::wire(call, &pool, &escrow),
        ExecuteMsg::MintSurplus { window, items } => on::mint_surplus(call, window, items),
        ExecuteMsg::Settle { trade } => on::settle(call, trade),
    }
}

/// Answers a question.
///
/// # Errors
/// A malformed address.
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
