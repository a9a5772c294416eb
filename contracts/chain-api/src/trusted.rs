//! Signatures for runs that trust themselves: a keyed checksum in place of curve arithmetic.
//!
//! A simulation of thousands of meters would spend most of its time in signatures that it made itself. With
//! [`TrustedApi`] the very same contract code checks [`sign`]'s checksum over public key and message
//! instead: an altered message or another key is still refused, but anybody can sign for anybody. Never
//! for a chain.

use cosmwasm_std::{
    Addr, Api, CanonicalAddr, HashFunction, RecoverPubkeyError, StdError, StdResult,
    VerificationError,
};
use std::cell::RefCell;
use std::collections::HashSet;

/// Addresses remembered as valid, at most; beyond it the memory starts afresh.
const REMEMBERED: usize = 200_000;

/// The 64-byte stand-in for the signature of `public_key`'s holder over `message`. What a secp256k1 key
/// signs is the 32-byte hash, as with a real signature.
pub fn sign(public_key: &[u8], message: &[u8]) -> [u8; 64] {
    let mut state = absorb(absorb(SEED, public_key), message);
    let mut signature = [0; 64];
    for lane in signature.chunks_exact_mut(8) {
        state = mix(state.wrapping_add(STEP));
        lane.copy_from_slice(&state.to_le_bytes());
    }
    signature
}

/// Whether `signature` is [`sign`]'s for this key and message.
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    sign(public_key, message).as_slice() == signature
}

const SEED: u64 = 0x5741_5454_504f_4f4c;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Eight bytes at a time; the length first, so that key and message cannot run into each other.
fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(state ^ (bytes.len() as u64).wrapping_mul(STEP));
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word.iter_mut()
            .zip(chunk)
            .for_each(|(to, from)| *to = *from);
        state = mix(state ^ u64::from_le_bytes(word)).wrapping_add(STEP);
    }
    state
}

/// An [`Api`] that takes [`sign`]'s checksums for signatures, remembers which addresses are valid, and
/// refuses addresses that are not in the form in which a chain writes them (as a chain does).
pub struct TrustedApi<A> {
    inner: A,
    valid: RefCell<HashSet<String>>,
}

impl<A: Api> TrustedApi<A> {
    /// Everything else is left to `inner`.
    pub fn new(inner: A) -> Self {
        Self {
            inner,
            valid: RefCell::default(),
        }
    }

    /// What everything else is left to.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

impl<A: Api> Api for TrustedApi<A> {
    fn addr_validate(&self, human: &str) -> StdResult<Addr> {
        let mut valid = self.valid.borrow_mut();
        if valid.contains(human) {
            return Ok(Addr::unchecked(human));
        }
        let address = self.inner.addr_validate(human)?;
        if address.as_str() != human {
            return Err(StdError::generic_err(
                "Invalid input: address not normalized",
            ));
        }
        if valid.len() >= REMEMBERED {
            valid.clear();
        }
        valid.insert(human.to_owned());
        Ok(address)
    }

    fn addr_canonicalize(&self, human: &str) -> StdResult<CanonicalAddr> {
        self.inner.addr_canonicalize(human)
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
        Ok(verify(public_key, message_hash, signature))
    }

    fn ed25519_verify(
        &self,
        message: &[u8],
        signature: &[u8],
        public_key: &[u8],
    ) -> Result<bool, VerificationError> {
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
    use cw_multi_test::MockApiBech32;

    #[test]
    fn altered_messages_and_other_keys_are_refused() {
        let (key, message) = (b"key of somebody".as_slice(), b"so many Wh".as_slice());
        let signature = sign(key, message);
        assert!(verify(key, message, &signature));
        assert!(!verify(b"key of sombeody", message, &signature));
        assert!(!verify(b"key of somebodyso", b" many Wh", &signature));
        for i in 0..message.len() {
            let mut other = message.to_vec();
            other[i] ^= 1;
            assert!(!verify(key, &other, &signature), "byte {i}");
        }
        for i in 0..64 {
            let mut other = signature;
            other[i] ^= 1;
            assert!(!verify(key, message, &other), "byte {i} of the signature");
        }
    }

    #[test]
    fn addresses_must_be_as_a_chain_writes_them() {
        let mock = MockApiBech32::new("watt");
        let address = mock.addr_make("somebody");
        let api = TrustedApi::new(mock);
        for _ in 0..2 {
            assert_eq!(api.addr_validate(address.as_str()).unwrap(), address);
        }
        assert!(api.addr_validate(&address.as_str().to_uppercase()).is_err());
        let foreign = MockApiBech32::new("other").addr_make("somebody");
        assert!(api.addr_validate(foreign.as_str()).is_err());
    }
}
