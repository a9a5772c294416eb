//! Signatures for runs that trust themselves: a keyed checksum in place of curve arithmetic.
//!
//! A simulation of thousands of meters would spend most of its time in signatures that it made itself. With
//! [`crate::MarketApi`] the very same contract code checks [`sign`]'s checksum over public key and message
//! instead: an altered message or another key is still refused, but anybody can sign for anybody. Never
//! for a chain.

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
