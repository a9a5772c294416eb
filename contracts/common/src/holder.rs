//! Who holds an account in storage: the bytes behind an address, which are half as long as its text. On a chain every
//! byte of a key is paid for with every write.

use cosmwasm_std::{Addr, Api, CanonicalAddr, StdResult};

/// The bytes behind an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(CanonicalAddr);

impl Holder {
    /// The holder of an address.
    ///
    /// # Errors
    /// It is no address of this chain.
    pub fn of(api: &dyn Api, address: &str) -> StdResult<Self> {
        api.addr_canonicalize(address).map(Self)
    }

    /// The address of a holder's bytes.
    ///
    /// # Errors
    /// They are no address of this chain.
    pub fn address(api: &dyn Api, bytes: &[u8]) -> StdResult<Addr> {
        api.addr_humanize(&CanonicalAddr::from(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}
