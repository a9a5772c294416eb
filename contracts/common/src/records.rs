//! Binary records ([`Packed`]) in a contract's storage.

use cosmwasm_std::{StdError, StdResult, Storage};
use wattpool_schema::packed::{self, Packed};

/// Loads a record, if there is one.
///
/// # Errors
/// What is stored is no such record.
pub fn load<T: Packed>(storage: &dyn Storage, key: &[u8]) -> StdResult<Option<T>> {
    storage.get(key).map(|bytes| read(&bytes)).transpose()
}

/// A record that is there from instantiation on.
///
/// # Errors
/// It is not, or is no such record.
pub fn must<T: Packed>(storage: &dyn Storage, key: &[u8]) -> StdResult<T> {
    load(storage, key)?
        .ok_or_else(|| StdError::msg(format!("{} not found", String::from_utf8_lossy(key))))
}

/// Reads a record that must be all of `bytes`.
///
/// # Errors
/// The bytes are no such record.
pub fn read<T: Packed>(bytes: &[u8]) -> StdResult<T> {
    packed::read(bytes).ok_or_else(|| {
        StdError::msg(format!(
            "{} is no record of this version",
            std::any::type_name::<T>()
        ))
    })
}

/// Stores a record.
pub fn save<T: Packed>(storage: &mut dyn Storage, key: &[u8], value: &T) {
    storage.set(key, &packed::bytes(value));
}
