//! What every use of a seller's approval checks before anybody else is asked.

use cosmwasm_std::{Api, Env};
use wattpool_schema::error::MarketError;
use wattpool_schema::signing::digest;
use wattpool_schema::{
    AgentKey, Approval, MeterId, SignedApproval, SignedCover, TradeKind, Wh, Window, RECORD_VERSION,
};

/// Refuses a record of another version.
pub fn check_version(found: u16) -> Result<(), MarketError> {
    if found == RECORD_VERSION {
        return Ok(());
    }
    Err(MarketError::UnknownVersion {
        found,
        known: RECORD_VERSION,
    })
}

/// Version, kind, chain, escrow, parties, amount and expiry, in this order.
pub fn check(approval: &Approval, kind: TradeKind, wh: Wh, env: &Env) -> Result<(), MarketError> {
    let mismatch = |field: &str| MarketError::ApprovalMismatch {
        field: field.to_owned(),
    };
    check_version(approval.version)?;
    if approval.kind != kind {
        return Err(mismatch("kind"));
    }
    if approval.chain != env.block.chain_id {
        return Err(MarketError::WrongChain {
            found: approval.chain.clone(),
        });
    }
    if approval.escrow != env.contract.address.as_str() {
        return Err(MarketError::WrongContract {
            found: approval.escrow.clone(),
        });
    }
    if approval.seller == approval.buyer {
        return Err(MarketError::SelfTrade);
    }
    if wh.is_zero() {
        return Err(MarketError::BadInput {
            field: "wh".to_owned(),
            expected: "at least 1 Wh".to_owned(),
        });
    }
    if wh > approval.wh || wh < approval.min_wh {
        return Err(mismatch("wh"));
    }
    let now = env.block.time.seconds();
    if now > approval.expires_at.0 {
        return Err(MarketError::ApprovalExpired {
            expired: approval.expires_at.0,
            now,
        });
    }
    Ok(())
}

/// The signature must be by the seller's agent key as registered now.
pub fn check_signature(
    api: &dyn Api,
    approval: &SignedApproval,
    agent: &AgentKey,
) -> Result<(), MarketError> {
    let hash = digest(&approval.approval.sign_bytes());
    match api.secp256k1_verify(&hash, &approval.signature.0, &agent.0) {
        Ok(true) => Ok(()),
        // A malformed key or signature is no signature by the agent either.
        Ok(false) | Err(_) => Err(MarketError::BadSignature {
            by: "seller's agent".to_owned(),
        }),
    }
}

/// What of a cover can be checked without the device's key; the pool checks the rest when it redeems.
pub fn check_cover(
    cover: &SignedCover,
    env: &Env,
    pool: &str,
    buyer: MeterId,
    live: Window,
) -> Result<(), MarketError> {
    let cover = &cover.cover;
    check_version(cover.version)?;
    if cover.chain != env.block.chain_id {
        return Err(MarketError::WrongChain {
            found: cover.chain.clone(),
        });
    }
    if cover.pool != pool {
        return Err(MarketError::WrongContract {
            found: cover.pool.clone(),
        });
    }
    if cover.meter != buyer {
        return Err(MarketError::BadInput {
            field: "cover.meter".to_owned(),
            expected: format!("the buying meter {buyer}"),
        });
    }
    if cover.window != live {
        return Err(MarketError::WindowClosed {
            window: cover.window,
            live,
        });
    }
    Ok(())
}
