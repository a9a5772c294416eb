//! Signed messages that are no transactions (ADR-036): an account shows that it said something, off the chain.

use crate::codec::canonical;
use crate::error::{Result, WalletError};
use crate::key::{PublicKey, Secret};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};

/// What is signed: a transaction that no chain takes.
fn sign_bytes(signer: &str, data: &[u8]) -> Result<Vec<u8>> {
    let doc = json!({
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [{
            "type": "sign/MsgSignData",
            "value": {"data": STANDARD.encode(data), "signer": signer},
        }],
        "sequence": "0",
    });
    canonical(&doc).map(String::into_bytes)
}

/// Signs bytes as the account with this prefix: `{"pub_key": ..., "signature": ...}`, as browsers' wallets write it.
///
/// # Errors
/// The prefix is not one.
pub fn sign(secret: &Secret, prefix: &str, data: &[u8]) -> Result<Value> {
    let public = secret.public()?;
    let signature = secret.sign(&sign_bytes(&public.address(prefix)?, data)?)?;
    let PublicKey::Secp256k1(key) = public else {
        return Err(WalletError::input("key", "expected one of its own"));
    };
    Ok(json!({
        "pub_key": {"type": "tendermint/PubKeySecp256k1", "value": STANDARD.encode(key)},
        "signature": STANDARD.encode(signature),
    }))
}

/// Whether `signed` (what [`sign`] writes) is this account's signature of these bytes.
///
/// # Errors
/// It is not in that form, or the address is none.
pub fn verify(address: &str, data: &[u8], signed: &Value) -> Result<bool> {
    let bad = |why: &str| WalletError::input("signature", why);
    let bytes = |at: &str| {
        let text = signed.pointer(at).and_then(Value::as_str);
        text.and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| bad(&format!("expected base64 under {at}")))
    };
    let account = crate::address::parse("address", address)?;
    let key: [u8; 33] = bytes("/pub_key/value")?
        .try_into()
        .map_err(|_| bad("expected a key of 33 bytes"))?;
    let signature = bytes("/signature")?;
    let ours = PublicKey::secp256k1(&key)?.hash() == account.bytes.as_slice();
    Ok(ours && PublicKey::verifies(&key, &sign_bytes(address, data)?, &signature))
}
