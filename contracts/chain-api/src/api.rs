//! The chain's functions for contracts under test: real signatures, or trusted ones.

use crate::trusted::TrustedApi;
use cosmwasm_std::{
    Addr, Api, CanonicalAddr, HashFunction, RecoverPubkeyError, StdResult, VerificationError,
};
use cw_multi_test::MockApiBech32;

/// Address prefix of the chain under test.
pub const PREFIX: &str = "watt";

/// Addresses are checked as a chain checks them; signatures really or by trust.
pub struct MarketApi {
    trusted: TrustedApi<MockApiBech32>,
    real: bool,
}

impl MarketApi {
    /// `real`: signatures are verified by curve arithmetic.
    pub fn new(real: bool) -> Self {
        Self {
            trusted: TrustedApi::new(MockApiBech32::new(PREFIX)),
            real,
        }
    }

    /// An address made from a name.
    pub fn make(&self, name: &str) -> Addr {
        self.trusted.inner().addr_make(name)
    }
}

impl Api for MarketApi {
    fn addr_validate(&self, human: &str) -> StdResult<Addr> {
        self.trusted.addr_validate(human)
    }
    fn addr_canonicalize(&self, human: &str) -> StdResult<CanonicalAddr> {
        self.trusted.addr_canonicalize(human)
    }
    fn addr_humanize(&self, canonical: &CanonicalAddr) -> StdResult<Addr> {
        self.trusted.addr_humanize(canonical)
    }
    fn secp256k1_verify(
        &self,
        message_hash: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<bool, VerificationError> {
        if self.real {
            let inner = self.trusted.inner();
            return inner.secp256k1_verify(message_hash, signature, public_key);
        }
        self.trusted
            .secp256k1_verify(message_hash, signature, public_key)
    }
    fn ed25519_verify(
        &self,
        message: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<bool, VerificationError> {
        if self.real {
            let inner = self.trusted.inner();
            return inner.ed25519_verify(message, signature, public_key);
        }
        self.trusted.ed25519_verify(message, signature, public_key)
    }
    fn ed25519_batch_verify(
        &self,
        messages: &[&[u8]],
        signatures: &[&[u8]],
        public_keys: &[&[u8]],
    ) -> Result<bool, VerificationError> {
        self.trusted
            .ed25519_batch_verify(messages, signatures, public_keys)
    }
    fn secp256k1_recover_pubkey(
        &self,
        message_hash: &[u8],
        signature: &[u8],
        recovery_param: u8,
    ) -> Result<Vec<u8>, RecoverPubkeyError> {
        self.trusted
            .secp256k1_recover_pubkey(message_hash, signature, recovery_param)
    }
    fn bls12_381_aggregate_g1(&self, g1s: &[u8]) -> Result<[u8; 48], VerificationError> {
        self.trusted.bls12_381_aggregate_g1(g1s)
    }
    fn bls12_381_aggregate_g2(&self, g2s: &[u8]) -> Result<[u8; 96], VerificationError> {
        self.trusted.bls12_381_aggregate_g2(g2s)
    }
    fn bls12_381_pairing_equality(
        &self,
        ps: &[u8],
        qs: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<bool, VerificationError> {
        self.trusted.bls12_381_pairing_equality(ps, qs, r, s)
    }
    fn bls12_381_hash_to_g1(
        &self,
        hash_function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 48], VerificationError> {
        self.trusted.bls12_381_hash_to_g1(hash_function, msg, dst)
    }
    fn bls12_381_hash_to_g2(
        &self,
        hash_function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 96], VerificationError> {
        self.trusted.bls12_381_hash_to_g2(hash_function, msg, dst)
    }
    fn debug(&self, message: &str) {
        self.trusted.debug(message);
    }
}
