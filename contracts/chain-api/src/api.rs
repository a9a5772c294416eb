//! The chain's functions for contracts under test: real signatures, or trusted ones.

use crate::trusted::verify;
use cosmwasm_std::{
    Addr, Api, CanonicalAddr, HashFunction, RecoverPubkeyError, StdError, StdResult,
    VerificationError,
};
use cw_multi_test::MockApiBech32;
use std::cell::RefCell;
use std::collections::HashMap;

/// Address prefix of the chain under test.
pub const PREFIX: &str = wattpool_schema::ADDRESS_PREFIX;

/// Addresses remembered, at most; beyond it the memory starts afresh.
const REMEMBERED: usize = 200_000;

/// Addresses are checked as a chain checks them, and remembered; signatures really or by trust.
pub struct MarketApi {
    inner: MockApiBech32,
    real: bool,
    /// Valid addresses and the bytes behind them.
    known: RefCell<HashMap<String, CanonicalAddr>>,
}

impl MarketApi {
    /// `real`: signatures are verified by curve arithmetic.
    pub fn new(real: bool) -> Self {
        Self {
            inner: MockApiBech32::new(PREFIX),
            real,
            known: RefCell::default(),
        }
    }

    /// An address made from a name.
    pub fn make(&self, name: &str) -> Addr {
        self.inner.addr_make(name)
    }

    fn remember(&self, human: &str, canonical: CanonicalAddr) {
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(human.to_owned(), canonical);
    }
}

impl Api for MarketApi {
    fn addr_validate(&self, human: &str) -> StdResult<Addr> {
        if self.known.borrow().contains_key(human) {
            return Ok(Addr::unchecked(human));
        }
        let address = self.inner.addr_validate(human)?;
        if address.as_str() != human {
            return Err(StdError::generic_err(
                "Invalid input: address not normalized",
            ));
        }
        self.remember(human, self.inner.addr_canonicalize(human)?);
        Ok(address)
    }

    fn addr_canonicalize(&self, human: &str) -> StdResult<CanonicalAddr> {
        if let Some(known) = self.known.borrow().get(human) {
            return Ok(known.clone());
        }
        let canonical = self.inner.addr_canonicalize(human)?;
        // Only the way a chain writes it is valid, too.
        if self.inner.addr_humanize(&canonical)?.as_str() == human {
            self.remember(human, canonical.clone());
        }
        Ok(canonical)
    }

    fn addr_humanize(&self, canonical: &CanonicalAddr) -> StdResult<Addr> {
        self.inner.addr_humanize(canonical)
    }

    fn secp256k1_verify(
        &self,
        message_hash: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<bool, VerificationError> {
        if self.real {
            return self
                .inner
                .secp256k1_verify(message_hash, signature, public_key);
        }
        Ok(verify(public_key, message_hash, signature))
    }

    fn ed25519_verify(
        &self,
        message: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<bool, VerificationError> {
        if self.real {
            return self.inner.ed25519_verify(message, signature, public_key);
        }
        Ok(verify(public_key, message, signature))
    }

    fn ed25519_batch_verify(
        &self,
        messages: &[&[u8]],
        signatures: &[&[u8]],
        public_keys: &[&[u8]],
    ) -> Result<bool, VerificationError> {
        self.inner
            .ed25519_batch_verify(messages, signatures, public_keys)
    }

    fn secp256k1_recover_pubkey(
        &self,
        message_hash: &[u8],
        signature: &[u8],
        recovery_param: u8,
    ) -> Result<Vec<u8>, RecoverPubkeyError> {
        self.inner
            .secp256k1_recover_pubkey(message_hash, signature, recovery_param)
    }

    fn bls12_381_aggregate_g1(&self, g1s: &[u8]) -> Result<[u8; 48], VerificationError> {
        self.inner.bls12_381_aggregate_g1(g1s)
    }

    fn bls12_381_aggregate_g2(&self, g2s: &[u8]) -> Result<[u8; 96], VerificationError> {
        self.inner.bls12_381_aggregate_g2(g2s)
    }

    fn bls12_381_pairing_equality(
        &self,
        ps: &[u8],
        qs: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<bool, VerificationError> {
        self.inner.bls12_381_pairing_equality(ps, qs, r, s)
    }

    fn bls12_381_hash_to_g1(
        &self,
        hash_function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 48], VerificationError> {
        self.inner.bls12_381_hash_to_g1(hash_function, msg, dst)
    }

    fn bls12_381_hash_to_g2(
        &self,
        hash_function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 96], VerificationError> {
        self.inner.bls12_381_hash_to_g2(hash_function, msg, dst)
    }

    fn debug(&self, message: &str) {
        self.inner.debug(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_must_be_as_a_chain_writes_them() {
        let mock = MockApiBech32::new(PREFIX);
        let address = mock.addr_make("somebody");
        let api = MarketApi::new(false);
        for _ in 0..2 {
            assert_eq!(api.addr_validate(address.as_str()).unwrap(), address);
            let canonical = api.addr_canonicalize(address.as_str()).unwrap();
            assert_eq!(api.addr_humanize(&canonical).unwrap(), address);
        }
        assert!(api.addr_validate(&address.as_str().to_uppercase()).is_err());
        let foreign = MockApiBech32::new("other").addr_make("somebody");
        assert!(api.addr_validate(foreign.as_str()).is_err());
    }
}
