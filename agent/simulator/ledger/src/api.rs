//! The chain's cryptography: real, or with the arithmetic of signatures left out.

use cosmwasm_std::{Addr, Api, CanonicalAddr, RecoverPubkeyError, StdResult, VerificationError};
use cw_multi_test::MockApiBech32;
use std::cell::RefCell;
use std::collections::HashSet;
use wattpool_contract_harness::trusted::TrustedApi;

/// How signatures are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signatures {
    /// A keyed checksum stands for the arithmetic on curves; everything else is the same.
    #[default]
    Trusted,
    /// ed25519 and secp256k1.
    Verified,
}

/// Addresses remembered as valid.
const REMEMBERED: usize = 1 << 20;

/// The API that contracts see.
pub(crate) struct ChainApi {
    real: MockApiBech32,
    trusted: TrustedApi<MockApiBech32>,
    signatures: Signatures,
    valid: RefCell<HashSet<String>>,
}

impl ChainApi {
    pub fn new(prefix: &'static str, signatures: Signatures) -> Self {
        Self {
            real: MockApiBech32::new(prefix),
            trusted: TrustedApi::new(MockApiBech32::new(prefix)),
            signatures,
            valid: RefCell::new(HashSet::new()),
        }
    }

    /// An address made from a name.
    pub fn addr_make(&self, name: &str) -> Addr {
        self.real.addr_make(name)
    }
}

impl Api for ChainApi {
    fn addr_validate(&self, human: &str) -> StdResult<Addr> {
        if self.valid.borrow().contains(human) {
            return Ok(Addr::unchecked(human));
        }
        let addr = self.real.addr_validate(human)?;
        let mut valid = self.valid.borrow_mut();
        if valid.len() < REMEMBERED && addr.as_str() == human {
            valid.insert(human.to_owned());
        }
        Ok(addr)
    }
    fn addr_canonicalize(&self, human: &str) -> StdResult<CanonicalAddr> {
        self.real.addr_canonicalize(human)
    }
    fn addr_humanize(&self, canonical: &CanonicalAddr) -> StdResult<Addr> {
        self.real.addr_humanize(canonical)
    }
    fn secp256k1_verify(
        &self,
        hash: &[u8],
        signature: &[u8],
        key: &[u8],
    ) -> Result<bool, VerificationError> {
        match self.signatures {
            Signatures::Trusted => self.trusted.secp256k1_verify(hash, signature, key),
            Signatures::Verified => self.real.secp256k1_verify(hash, signature, key),
        }
    }
    fn secp256k1_recover_pubkey(
        &self,
        hash: &[u8],
        signature: &[u8],
        param: u8,
    ) -> Result<Vec<u8>, RecoverPubkeyError> {
        self.real.secp256k1_recover_pubkey(hash, signature, param)
    }
    fn ed25519_verify(
        &self,
        message: &[u8],
        signature: &[u8],
        key: &[u8],
    ) -> Result<bool, VerificationError> {
        match self.signatures {
            Signatures::Trusted => self.trusted.ed25519_verify(message, signature, key),
            Signatures::Verified => self.real.ed25519_verify(message, signature, key),
        }
    }
    fn ed25519_batch_verify(
        &self,
        messages: &[&[u8]],
        signatures: &[&[u8]],
        keys: &[&[u8]],
    ) -> Result<bool, VerificationError> {
        self.real.ed25519_batch_verify(messages, signatures, keys)
    }
    fn debug(&self, message: &str) {
        self.real.debug(message);
    }
}
