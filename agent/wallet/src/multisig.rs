//! Accounts of several keys: each member signs by itself, anybody combines the signatures.

use crate::error::{Result, WalletError};
use crate::key::{PublicKey, Secret};
use crate::tx::{Document, Mode, SignerData};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};

/// A member's signature, as `tx sign --multisig` of the Cosmos CLIs writes it.
///
/// # Errors
/// The multisig is not the transaction's signer, the key is not one of its members, or a part is malformed.
pub fn sign(
    document: &Document,
    account: &PublicKey,
    secret: &Secret,
    data: &SignerData,
) -> Result<Value> {
    document.check_signer(account)?;
    let public = secret.public()?;
    let member = match (account, &public) {
        (PublicKey::Multisig { keys, .. }, PublicKey::Secp256k1(key)) => keys.contains(key),
        _ => false,
    };
    if !member {
        return Err(WalletError::input(
            "multisig",
            "the signing key is not one of its members",
        ));
    }
    let signature = secret.sign(&document.sign_bytes(Mode::Amino, &public, data)?)?;
    Ok(json!({
        "signatures": [{
            "public_key": public.json(),
            "data": {"single": {
                "mode": Mode::Amino.name(),
                "signature": STANDARD.encode(signature),
            }},
            "sequence": data.sequence.to_string(),
        }],
    }))
}

/// Combines members' signatures (pairs of a file's name and its content).
///
/// # Errors
/// A signature is not of this transaction, chain and sequence or of no member, or they are fewer than the threshold.
pub fn combine(
    document: &Document,
    account: &PublicKey,
    data: &SignerData,
    signatures: &[(String, String)],
) -> Result<Document> {
    document.check_signer(account)?;
    let PublicKey::Multisig { threshold, keys } = account else {
        return Err(WalletError::input(
            "multisig",
            "expected the key of several members, found a single one",
        ));
    };
    let mut found: Vec<([u8; 33], Vec<u8>)> = Vec::new();
    for (file, text) in signatures {
        let bad = |why: String| WalletError::input(file.as_str(), why);
        let value: Value = serde_json::from_str(text)
            .map_err(|e| bad(format!("expected signatures in JSON: {e}")))?;
        let list = value.get("signatures").and_then(Value::as_array);
        let list = list.ok_or_else(|| bad("expected \"signatures\"".to_owned()))?;
        for one in list {
            let public = PublicKey::from_json(one.get("public_key").unwrap_or(&Value::Null))
                .map_err(|e| bad(e.to_string()))?;
            let PublicKey::Secp256k1(key) = public else {
                return Err(bad(
                    "expected a member's signature, found a multisig's".to_owned()
                ));
            };
            if !keys.contains(&key) {
                return Err(bad("it is of nobody who is a member".to_owned()));
            }
            let encoded = one
                .pointer("/data/single/signature")
                .and_then(Value::as_str);
            let signature = STANDARD
                .decode(encoded.unwrap_or_default())
                .map_err(|e| bad(format!("expected base64 under \"signature\" ({e})")))?;
            let member = PublicKey::Secp256k1(key);
            let bytes = document.sign_bytes(Mode::Amino, &member, data)?;
            if !PublicKey::verifies(&key, &bytes, &signature) {
                let sequence = data.sequence;
                return Err(bad(format!(
                    "the signature is not of this transaction on chain {:?} with account number {} and sequence {sequence}",
                    data.chain_id, data.account_number
                )));
            }
            if !found.iter().any(|(known, _)| *known == key) {
                found.push((key, signature));
            }
        }
    }
    let needed = usize::try_from(*threshold).unwrap_or(usize::MAX);
    if found.len() < needed {
        return Err(WalletError::input(
            "signatures",
            format!(
                "expected {needed} of different members, found {}",
                found.len()
            ),
        ));
    }
    join(document, account, data.sequence, &found)
}

/// The transaction with these members' signatures, which are not checked.
pub(crate) fn join(
    document: &Document,
    account: &PublicKey,
    sequence: u64,
    signatures: &[([u8; 33], Vec<u8>)],
) -> Result<Document> {
    let PublicKey::Multisig { keys, .. } = account else {
        return Err(WalletError::input("multisig", "expected several keys"));
    };
    let mut bits = vec![0_u8; keys.len().div_ceil(8)];
    let mut ordered = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        if let Some((_, signature)) = signatures.iter().find(|(of, _)| of == key) {
            let (byte, bit) = (place >> 3, place & 7);
            if let Some(byte) = bits.get_mut(byte) {
                *byte |= 0x80 >> bit;
            }
            ordered.push(signature.as_slice());
        }
    }
    let single = json!({"single": {"mode": Mode::Amino.name()}});
    let info = json!({
        "public_key": account.json(),
        "mode_info": {"multi": {
            "bitarray": {
                "extra_bits_stored": keys.len() & 7,
                "elems": STANDARD.encode(&bits),
            },
            "mode_infos": vec![single; ordered.len()],
        }},
        "sequence": sequence.to_string(),
    });
    let encoded: Vec<String> = ordered.iter().map(|s| STANDARD.encode(s)).collect();
    let all = crate::codec::encode(
        &crate::codec::SIGNATURES,
        &json!({"signatures": encoded}),
        "signatures",
    )?;
    Ok(document.signed_by(info, &all))
}
