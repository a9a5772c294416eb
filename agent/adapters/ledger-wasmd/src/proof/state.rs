//! Where in the chain's state what counts is, and how to read it.

use super::store::{Entry, Shown};
use super::ProofError;
use cosmrs::proto::cosmos::auth::v1beta1::BaseAccount;
use cosmrs::proto::cosmwasm::wasm::v1::{CodeInfo, ContractInfo};
use cosmrs::proto::prost::Message;
use cosmrs::{AccountId, Any};
use std::str::FromStr;
use wattpool_schema::packed::{self, Packed};
use wattpool_schema::pool::Tariffs;
use wattpool_schema::stored::{escrow, pool};
use wattpool_schema::{MeterId, Window, Zone};

use crate::error::ChainError;
use crate::query::AccountState;

/// A place in the chain's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The module's store.
    pub store: &'static str,
    /// The key in it.
    pub key: Vec<u8>,
}

/// The bytes of an address.
///
/// # Errors
/// It is none.
pub fn bytes(address: &str) -> Result<Vec<u8>, ChainError> {
    let id = AccountId::from_str(address).map_err(|e| ChainError::input(address, e))?;
    Ok(id.to_bytes())
}

fn joined(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

impl Place {
    /// What a contract stores under a key.
    ///
    /// # Errors
    /// The address is none.
    pub fn stored(contract: &str, key: &[u8]) -> Result<Self, ChainError> {
        let key = joined(3, &[&bytes(contract)?, key]);
        Ok(Self { store: "wasm", key })
    }

    /// Which code a contract runs.
    ///
    /// # Errors
    /// The address is none.
    pub fn contract(contract: &str) -> Result<Self, ChainError> {
        let key = joined(2, &[&bytes(contract)?]);
        Ok(Self { store: "wasm", key })
    }

    /// A code's checksum.
    pub fn code(code_id: u64) -> Self {
        let key = joined(1, &[&code_id.to_be_bytes()]);
        Self { store: "wasm", key }
    }

    /// An account.
    ///
    /// # Errors
    /// The address is none.
    pub fn account(address: &str) -> Result<Self, ChainError> {
        let key = joined(1, &[&bytes(address)?]);
        Ok(Self { store: "acc", key })
    }

    /// What an account holds of a denomination.
    ///
    /// # Errors
    /// The address is none.
    pub fn balance(address: &str, denom: &str) -> Result<Self, ChainError> {
        let bytes = bytes(address)?;
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        let key = joined(2, &[&[length], &bytes, denom.as_bytes()]);
        Ok(Self { store: "bank", key })
    }
}

/// The code that a contract runs.
///
/// # Errors
/// There is no such contract, or it cannot be read.
pub fn code_id(shown: Shown) -> Result<u64, ProofError> {
    let Shown::Value(value) = shown else {
        return Err(ProofError::Absent("such contract"));
    };
    let info = ContractInfo::decode(value.as_slice());
    info.map(|i| i.code_id)
        .map_err(|_| ProofError::Format("the contract"))
}

/// SHA-256 of a code, hexadecimal.
///
/// # Errors
/// There is no such code, or it cannot be read.
pub fn checksum(shown: Shown) -> Result<String, ProofError> {
    let Shown::Value(value) = shown else {
        return Err(ProofError::Absent("such code"));
    };
    let info = CodeInfo::decode(value.as_slice());
    info.map(|i| hex::encode(i.code_hash))
        .map_err(|_| ProofError::Format("the code"))
}

/// An account; none: nothing was ever sent to it.
///
/// # Errors
/// It is no ordinary account.
pub fn account(shown: Shown) -> Result<Option<AccountState>, ProofError> {
    let Shown::Value(value) = shown else {
        return Ok(None);
    };
    let bad = || ProofError::Format("the account");
    let any = <cosmrs::proto::Any as Message>::decode(value.as_slice()).map_err(|_| bad())?;
    let any: Any = any;
    if any.type_url != "/cosmos.auth.v1beta1.BaseAccount" {
        return Err(bad());
    }
    let base = BaseAccount::decode(any.value.as_slice()).map_err(|_| bad())?;
    Ok(Some(AccountState {
        number: base.account_number,
        sequence: base.sequence,
    }))
}

/// What an account holds, base units.
///
/// # Errors
/// It cannot be read.
pub fn balance(shown: Shown) -> Result<u128, ProofError> {
    let Shown::Value(value) = shown else {
        return Ok(0);
    };
    let text = std::str::from_utf8(&value).ok();
    text.and_then(|t| t.parse().ok())
        .ok_or(ProofError::Format("the balance"))
}

/// A packed value; none where nothing is stored.
///
/// # Errors
/// It is of another layout.
pub fn packed<T: Packed>(shown: Shown, what: &'static str) -> Result<Option<T>, ProofError> {
    match shown {
        Shown::Value(value) => packed::read(&value)
            .map(Some)
            .ok_or(ProofError::Format(what)),
        Shown::Nothing { .. } => Ok(None),
    }
}

/// The value under the last key of a kind at or before the one that was asked for: terms hold from a window on. `length`: of the part of the keys
/// that all of a kind share, the place's store prefix included.
///
/// # Errors
/// There is none, or it is of another layout.
pub fn in_force<T: Packed>(
    place: &Place,
    shown: Shown,
    what: &'static str,
) -> Result<T, ProofError> {
    // The window is the last eight bytes.
    let shared = place
        .key
        .get(..place.key.len().saturating_sub(8))
        .unwrap_or_default();
    let value = match shown {
        Shown::Value(value) => value,
        Shown::Nothing {
            before: Some(Entry { key, value }),
        } if key.len() == place.key.len() && key.starts_with(shared) => value,
        Shown::Nothing { .. } => return Err(ProofError::Absent(what)),
    };
    packed::read(&value).ok_or(ProofError::Format(what))
}

/// Place of the tariffs of a window; read them by [`in_force`].
///
/// # Errors
/// The address is none.
pub fn tariffs(pool: &str, window: Window) -> Result<Place, ChainError> {
    Place::stored(pool, &pool::tariffs(window))
}

/// Tariffs as the rest of the program has them.
pub const fn as_tariffs((import, feed_in): pool::Rates) -> Tariffs {
    Tariffs { import, feed_in }
}

/// Place of the terms between two zones in a window; read them by [`in_force`].
///
/// # Errors
/// The address is none.
pub fn pair(pool: &str, from: Zone, to: Zone, window: Window) -> Result<Place, ChainError> {
    Place::stored(pool, &pool::pair(from, to, window))
}

/// Place of a meter.
///
/// # Errors
/// The address is none.
pub fn meter(pool: &str, meter: MeterId) -> Result<Place, ChainError> {
    Place::stored(pool, &pool::meter(meter))
}

/// Place of a meter's position.
///
/// # Errors
/// The address is none.
pub fn position(pool: &str, meter: MeterId) -> Result<Place, ChainError> {
    Place::stored(pool, &pool::position(meter))
}

/// Place of a meter's limits and counters at the escrow.
///
/// # Errors
/// The address is none.
pub fn book(escrow: &str, meter: MeterId) -> Result<Place, ChainError> {
    Place::stored(escrow, &escrow::meter(&meter))
}

/// Place of a closed trade's record at the escrow.
///
/// # Errors
/// The address is none.
pub fn record(escrow: &str, sequence: u64) -> Result<Place, ChainError> {
    Place::stored(escrow, &escrow::record(sequence))
}
