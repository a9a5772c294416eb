//! Answers to questions.

use crate::state::{self, Account};
use cosmwasm_std::{to_json_binary, Addr, Binary, Deps, Env, Uint128};
use wattpool_contract_common::page::entries as page;
use wattpool_contract_common::Holder;
use wattpool_schema::cw20::{
    AllAccountsResponse, AllAllowancesResponse, AllSpenderAllowancesResponse, AllowanceInfo,
    AllowanceResponse, BalanceResponse, DownloadLogoResponse, EmbeddedLogo, MinterResponse,
    SpenderAllowanceInfo, TokenInfoResponse,
};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::{
    CreditsResponse, HoldingResponse, QueryMsg, TokenConfig, TokenWindow, WindowWh,
};
use wattpool_schema::{Wh, Window};

/// Decimals: a token shows as kWh, its base unit is 1 Wh.
const DECIMALS: u8 = 3;

/// Answers a question.
pub fn answer(deps: Deps, env: &Env, msg: QueryMsg) -> Result<Binary, MarketError> {
    let json = match msg {
        QueryMsg::Balance { address } => {
            let account = live_account(deps, env, &address)?;
            to_json_binary(&BalanceResponse {
                balance: amount(account.total()?),
            })
        }
        QueryMsg::TokenInfo {} => to_json_binary(&token_info(deps, env)?),
        QueryMsg::Minter {} => to_json_binary(&minter(deps)?),
        QueryMsg::Allowance { owner, spender } => {
            to_json_binary(&allowance(deps, &owner, &spender)?)
        }
        QueryMsg::AllAllowances {
            owner,
            start_after,
            limit,
        } => to_json_binary(&allowances(deps, &owner, start_after, limit)?),
        QueryMsg::AllSpenderAllowances {
            spender,
            start_after,
            limit,
        } => to_json_binary(&spender_allowances(deps, &spender, start_after, limit)?),
        QueryMsg::AllAccounts { start_after, limit } => {
            to_json_binary(&accounts(deps, start_after, limit)?)
        }
        QueryMsg::MarketingInfo {} => {
            to_json_binary(&state::marketing(deps.storage)?.unwrap_or_default())
        }
        QueryMsg::DownloadLogo {} => to_json_binary(&logo(deps)?),
        QueryMsg::Holding { address } => {
            let account = live_account(deps, env, &address)?;
            to_json_binary(&HoldingResponse {
                window: account.window,
                own: account.own,
                received: account.received,
            })
        }
        QueryMsg::Credits {
            address,
            after,
            through,
            limit,
        } => to_json_binary(&CreditsResponse {
            credits: credits(deps, env, &address, after, through, limit)?,
        }),
        QueryMsg::Window { window } => to_json_binary(&state::books(deps.storage, window)?),
        QueryMsg::Config {} => to_json_binary(&config(deps)?),
    };
    Ok(json?)
}

fn amount(wh: Wh) -> Uint128 {
    Uint128::from(wh.0)
}

fn start(deps: Deps, start_after: Option<String>) -> Result<Option<Addr>, MarketError> {
    Ok(start_after
        .map(|a| deps.api.addr_validate(&a))
        .transpose()?)
}

/// An account's tokens of the live window.
fn live_account(deps: Deps, env: &Env, address: &str) -> Result<Account, MarketError> {
    let live = state::config(deps.storage)?.live(&env.block);
    let account = state::account(deps.storage, &Holder::of(deps.api, address)?)?;
    Ok(account
        .filter(|a| a.window == live)
        .unwrap_or(Account::empty(live)))
}

fn token_info(deps: Deps, env: &Env) -> Result<TokenInfoResponse, MarketError> {
    let (name, symbol) = state::label(deps.storage)?;
    let live = state::config(deps.storage)?.live(&env.block);
    let TokenWindow {
        minted,
        redeemed,
        lost,
        ..
    } = state::books(deps.storage, live)?;
    Ok(TokenInfoResponse {
        name,
        symbol,
        decimals: DECIMALS,
        total_supply: amount(minted.try_sub(redeemed)?.try_sub(lost)?),
    })
}

fn minter(deps: Deps) -> Result<Option<MinterResponse>, MarketError> {
    Ok(state::config(deps.storage)?
        .pool
        .map(|pool| MinterResponse {
            minter: pool.into_string(),
            cap: None,
        }))
}

fn allowance(deps: Deps, owner: &str, spender: &str) -> Result<AllowanceResponse, MarketError> {
    let (owner, spender) = (
        deps.api.addr_validate(owner)?,
        deps.api.addr_validate(spender)?,
    );
    let (allowance, expires) =
        state::allowance(deps.storage, &owner, &spender)?.unwrap_or_default();
    Ok(AllowanceResponse { allowance, expires })
}

fn allowances(
    deps: Deps,
    owner: &str,
    start_after: Option<String>,
    limit: Option<u32>,
) -> Result<AllAllowancesResponse, MarketError> {
    let owner = deps.api.addr_validate(owner)?;
    let after = start(deps, start_after)?;
    let list = state::allowances_of(deps.storage, &owner, after.as_ref(), page(limit))?;
    let allowances = list
        .into_iter()
        .map(|(spender, (allowance, expires))| AllowanceInfo {
            spender: spender.into_string(),
            allowance,
            expires,
        })
        .collect();
    Ok(AllAllowancesResponse { allowances })
}

fn spender_allowances(
    deps: Deps,
    spender: &str,
    start_after: Option<String>,
    limit: Option<u32>,
) -> Result<AllSpenderAllowancesResponse, MarketError> {
    let spender = deps.api.addr_validate(spender)?;
    let after = start(deps, start_after)?;
    let mut allowances = Vec::new();
    for owner in state::owners_for(deps.storage, &spender, after.as_ref(), page(limit))? {
        let (allowance, expires) =
            state::allowance(deps.storage, &owner, &spender)?.unwrap_or_default();
        allowances.push(SpenderAllowanceInfo {
            owner: owner.into_string(),
            allowance,
            expires,
        });
    }
    Ok(AllSpenderAllowancesResponse { allowances })
}

fn accounts(
    deps: Deps,
    start_after: Option<String>,
    limit: Option<u32>,
) -> Result<AllAccountsResponse, MarketError> {
    let after = start_after
        .map(|address| Holder::of(deps.api, &address))
        .transpose()?;
    let accounts = state::accounts(deps.storage, deps.api, after.as_ref(), page(limit))?
        .into_iter()
        .map(Addr::into_string)
        .collect();
    Ok(AllAccountsResponse { accounts })
}

fn logo(deps: Deps) -> Result<DownloadLogoResponse, MarketError> {
    match state::logo(deps.storage)? {
        Some(EmbeddedLogo::Svg(data)) => Ok(DownloadLogoResponse {
            mime_type: "image/svg+xml".into(),
            data,
        }),
        Some(EmbeddedLogo::Png(data)) => Ok(DownloadLogoResponse {
            mime_type: "image/png".into(),
            data,
        }),
        None => Err(MarketError::Std {
            text: "no logo is embedded".into(),
        }),
    }
}

/// Credit of closed windows: what is booked, then what an account still holds of a window that is over.
/// The latter is always the latest, because touching an account books what it held before.
fn credits(
    deps: Deps,
    env: &Env,
    address: &str,
    after: Option<Window>,
    through: Window,
    limit: Option<u32>,
) -> Result<Vec<WindowWh>, MarketError> {
    let live = state::config(deps.storage)?.live(&env.block);
    let holder = Holder::of(deps.api, address)?;
    let limit = page(limit);
    if after.is_some_and(|after| after >= through) {
        return Ok(Vec::new());
    }
    let mut credits = state::credits(deps.storage, &holder, after, through, limit)?;
    if credits.len() < limit {
        if let Some(account) = state::account(deps.storage, &holder)? {
            let (window, wh) = (account.window, account.total()?);
            let wanted = after.is_none_or(|after| window > after) && window <= through;
            if window < live && wanted && !wh.is_zero() {
                credits.push(WindowWh { window, wh });
            }
        }
    }
    Ok(credits)
}

fn config(deps: Deps) -> Result<TokenConfig, MarketError> {
    let config = state::config(deps.storage)?;
    Ok(TokenConfig {
        deployer: config.deployer.into_string(),
        pool: config.pool.map(Addr::into_string),
        escrow: config.escrow.map(Addr::into_string),
        window_seconds: config.window_seconds,
        since: config.since,
    })
}
