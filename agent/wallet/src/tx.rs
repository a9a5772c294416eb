//! Transactions as documents: made, signed, combined and broadcast on machines of their own, in the JSON of the Cosmos
//! SDK.

use crate::codec::{self, AUTH_INFO, TX_BODY};
use crate::error::{Result, WalletError};
use crate::key::{PublicKey, Secret};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use cosmrs::proto::cosmos::tx::v1beta1::{SignDoc, TxRaw};
use cosmrs::proto::prost::Message;
use serde_json::{json, Value};

/// Name of the way in which one key signs: over the transaction's bytes.
pub const DIRECT: &str = "SIGN_MODE_DIRECT";
/// Name of the way in which members of a multisig sign: over the older encoding's JSON.
pub const AMINO: &str = "SIGN_MODE_LEGACY_AMINO_JSON";
/// A document is far smaller; what it may be is what a node takes.
pub const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// [`DIRECT`].
    Direct,
    /// [`AMINO`].
    Amino,
}

impl Mode {
    /// Its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => DIRECT,
            Self::Amino => AMINO,
        }
    }
}

/// What a signature is valid for besides the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerData {
    /// Chain id.
    pub chain_id: String,
    /// The account's number.
    pub account_number: u64,
    /// The account's sequence.
    pub sequence: u64,
}

/// What a transaction pays, and for how much gas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Amounts and denominations, ascending by denomination.
    pub amount: Vec<(u128, String)>,
    /// Most gas it may use.
    pub gas_limit: u64,
    /// Who pays by a fee grant; empty: the signer.
    pub granter: String,
}

/// Coins in the form of documents.
pub fn coins(amounts: &[(u128, String)]) -> Value {
    let coin =
        |(amount, denom): &(u128, String)| json!({"denom": denom, "amount": amount.to_string()});
    amounts.iter().map(coin).collect()
}

/// A transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Document(Value);

impl Document {
    /// One that nobody has signed.
    pub fn new(messages: Vec<Value>, memo: &str, timeout_height: u64, fee: &Fee) -> Self {
        Self(json!({
            "body": {
                "messages": messages,
                "memo": memo,
                "timeout_height": timeout_height.to_string(),
                "extension_options": [],
                "non_critical_extension_options": [],
            },
            "auth_info": {
                "signer_infos": [],
                "fee": {
                    "amount": coins(&fee.amount),
                    "gas_limit": fee.gas_limit.to_string(),
                    "payer": "",
                    "granter": fee.granter,
                },
                "tip": null,
            },
            "signatures": [],
        }))
    }

    /// Reads a document. `what` names it in errors.
    ///
    /// # Errors
    /// It is no JSON, lacks a part, or has a message or field that is not known here.
    pub fn parse(what: &str, text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|e| {
            WalletError::input(what, format!("expected a transaction in JSON: {e}"))
        })?;
        for part in ["body", "auth_info"] {
            if !value.get(part).is_some_and(Value::is_object) {
                let why = format!("expected a transaction with {part:?}");
                return Err(WalletError::input(what, why));
            }
        }
        let document = Self(value);
        let named = |e: WalletError| WalletError::input(what, e);
        document.body_bytes().map_err(named)?;
        document.auth_info_bytes().map_err(named)?;
        document.signatures().map_err(named)?;
        Ok(document)
    }

    /// Reads a transaction's bytes, such as a block holds.
    ///
    /// # Errors
    /// They are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let raw = TxRaw::decode(bytes).map_err(|e| WalletError::input("transaction", e))?;
        let signatures: Vec<String> = raw.signatures.iter().map(|s| STANDARD.encode(s)).collect();
        Ok(Self(json!({
            "body": codec::decode(&TX_BODY, &raw.body_bytes)?,
            "auth_info": codec::decode(&AUTH_INFO, &raw.auth_info_bytes)?,
            "signatures": signatures,
        })))
    }

    /// As JSON.
    pub const fn json(&self) -> &Value {
        &self.0
    }

    fn part(&self, path: &str) -> &Value {
        self.0.pointer(path).unwrap_or(&Value::Null)
    }

    /// Its messages.
    pub fn messages(&self) -> &[Value] {
        let found = self.part("/body/messages").as_array();
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Its memo.
    pub fn memo(&self) -> &str {
        self.part("/body/memo").as_str().unwrap_or_default()
    }

    /// Most gas it may use.
    pub fn gas_limit(&self) -> u64 {
        let gas = self.part("/auth_info/fee/gas_limit").as_str();
        gas.and_then(|g| g.parse().ok()).unwrap_or_default()
    }

    /// Last height at which it may be executed; zero: any.
    pub fn timeout_height(&self) -> u64 {
        let height = self.part("/body/timeout_height").as_str();
        height.and_then(|h| h.parse().ok()).unwrap_or_default()
    }

    /// What it pays.
    pub fn fee(&self) -> Vec<(u128, String)> {
        let coins = self.part("/auth_info/fee/amount").as_array();
        let coin = |coin: &Value| {
            let amount = coin.get("amount")?.as_str()?.parse().ok()?;
            Some((amount, coin.get("denom")?.as_str()?.to_owned()))
        };
        coins
            .map(|list| list.iter().filter_map(coin).collect())
            .unwrap_or_default()
    }

    /// Address of the one account that has to sign.
    ///
    /// # Errors
    /// There is no message, one is unknown, or several accounts have to sign.
    pub fn signer(&self) -> Result<String> {
        let bad = |why: String| WalletError::input("transaction", why);
        let mut found: Option<(Vec<u8>, String)> = None;
        for message in self.messages() {
            let url = message.get("@type").and_then(Value::as_str);
            let field = url.and_then(codec::signer_field).ok_or_else(|| {
                bad(format!(
                    "nobody signs messages of type {}",
                    url.unwrap_or("none")
                ))
            })?;
            let text = message
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default();
            let address = crate::address::parse(field, text)?;
            match &found {
                Some((bytes, _)) if *bytes != address.bytes => {
                    return Err(bad(
                        "expected messages of one account, found several signers".to_owned(),
                    ))
                }
                Some(_) => {}
                None => {
                    let prefix = address.prefix.trim_end_matches(crate::address::OPERATOR);
                    let text = crate::address::encode(&address.bytes, prefix)?;
                    found = Some((address.bytes, text));
                }
            }
        }
        found
            .map(|(_, text)| text)
            .ok_or_else(|| bad("expected at least one message, found none".to_owned()))
    }

    fn body_bytes(&self) -> Result<Vec<u8>> {
        codec::encode(&TX_BODY, self.part("/body"), "body")
    }

    fn auth_info_bytes(&self) -> Result<Vec<u8>> {
        codec::encode(&AUTH_INFO, self.part("/auth_info"), "auth_info")
    }

    fn signatures(&self) -> Result<Vec<Vec<u8>>> {
        let list = self.part("/signatures").as_array();
        let read = |one: &Value| {
            STANDARD
                .decode(one.as_str().unwrap_or_default())
                .map_err(|e| WalletError::input("signatures", format!("expected base64 ({e})")))
        };
        list.map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(read)
            .collect()
    }

    /// The bytes that are broadcast.
    ///
    /// # Errors
    /// Nobody has signed it, or a part is malformed.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let signatures = self.signatures()?;
        let infos = self.part("/auth_info/signer_infos").as_array();
        if signatures.is_empty() || infos.is_none_or(|i| i.len() != signatures.len()) {
            let why = "expected as many signatures as signers, and at least one: sign it first";
            return Err(WalletError::input("transaction", why));
        }
        let raw = TxRaw {
            body_bytes: self.body_bytes()?,
            auth_info_bytes: self.auth_info_bytes()?,
            signatures,
        };
        Ok(raw.encode_to_vec())
    }

    /// The same with these signers and signatures.
    pub(crate) fn signed_by(&self, info: Value, signature: &[u8]) -> Self {
        let mut value = self.0.clone();
        if let Some(place) = value.pointer_mut("/auth_info/signer_infos") {
            *place = json!([info]);
        }
        if let Some(object) = value.as_object_mut() {
            object.insert("signatures".to_owned(), json!([STANDARD.encode(signature)]));
        }
        Self(value)
    }

    /// Who signs with one key, as documents say it.
    pub(crate) fn single(public: &PublicKey, mode: Mode, sequence: u64) -> Value {
        json!({
            "public_key": public.json(),
            "mode_info": {"single": {"mode": mode.name()}},
            "sequence": sequence.to_string(),
        })
    }

    /// What one key signs. `public`: who (it is part of what is signed directly).
    ///
    /// # Errors
    /// A part is malformed or has no form in the mode.
    pub fn sign_bytes(&self, mode: Mode, public: &PublicKey, data: &SignerData) -> Result<Vec<u8>> {
        match mode {
            Mode::Direct => {
                let info = Self::single(public, mode, data.sequence);
                let prepared = self.signed_by(info, &[]);
                let doc = SignDoc {
                    body_bytes: prepared.body_bytes()?,
                    auth_info_bytes: prepared.auth_info_bytes()?,
                    chain_id: data.chain_id.clone(),
                    account_number: data.account_number,
                };
                Ok(doc.encode_to_vec())
            }
            Mode::Amino => {
                self.body_bytes()?;
                self.auth_info_bytes()?;
                let messages = self.messages().iter().enumerate();
                let messages: Result<Vec<Value>> = messages
                    .map(|(n, message)| codec::amino(message, &format!("messages[{n}]")))
                    .collect();
                let mut fee = json!({
                    "amount": self.part("/auth_info/fee/amount"),
                    "gas": self.gas_limit().to_string(),
                });
                for name in ["granter", "payer"] {
                    let text = self.part(&format!("/auth_info/fee/{name}")).as_str();
                    if let (Some(text), Some(fee)) =
                        (text.filter(|t| !t.is_empty()), fee.as_object_mut())
                    {
                        fee.insert(name.to_owned(), text.into());
                    }
                }
                let mut doc = json!({
                    "account_number": data.account_number.to_string(),
                    "chain_id": data.chain_id,
                    "fee": fee,
                    "memo": self.memo(),
                    "msgs": messages?,
                    "sequence": data.sequence.to_string(),
                });
                if let (height, Some(doc)) = (self.timeout_height(), doc.as_object_mut()) {
                    if height != 0 {
                        doc.insert("timeout_height".to_owned(), height.to_string().into());
                    }
                }
                codec::canonical(&doc).map(String::into_bytes)
            }
        }
    }

    /// Signs it alone.
    ///
    /// # Errors
    /// Another account has to sign, or a part is malformed.
    pub fn sign(&self, secret: &Secret, mode: Mode, data: &SignerData) -> Result<Self> {
        let public = secret.public()?;
        self.check_signer(&public)?;
        let signature = secret.sign(&self.sign_bytes(mode, &public, data)?)?;
        let info = Self::single(&public, mode, data.sequence);
        Ok(self.signed_by(info, &signature))
    }

    /// Checks that it is this account that has to sign.
    ///
    /// # Errors
    /// It is another.
    pub fn check_signer(&self, public: &PublicKey) -> Result<()> {
        let signer = self.signer()?;
        let address = crate::address::parse("signer", &signer)?;
        if address.bytes == public.hash() {
            return Ok(());
        }
        let found = public.address(&address.prefix)?;
        Err(WalletError::input(
            "transaction",
            format!("{signer} has to sign it, the key is {found}'s"),
        ))
    }

    /// It with a signature of zeros, for a simulation.
    ///
    /// # Errors
    /// Never for a document that was parsed or made here.
    pub fn for_simulation(&self, public: &PublicKey, sequence: u64) -> Result<Vec<u8>> {
        let prepared = match public {
            PublicKey::Secp256k1(_) => {
                self.signed_by(Self::single(public, Mode::Direct, sequence), &[0; 64])
            }
            PublicKey::Multisig { threshold, keys } => {
                let count = usize::try_from(*threshold).unwrap_or(usize::MAX);
                let zeros: Vec<_> = keys.iter().take(count).map(|k| (*k, vec![0; 64])).collect();
                crate::multisig::join(self, public, sequence, &zeros)?
            }
        };
        prepared.bytes()
    }
}
