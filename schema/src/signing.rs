//! What is signed: fixed binary layouts, one domain each, so that no signature serves twice.
//!
//! Layout: the domain as text, a zero byte, then the fields in order. Integers are big-endian;
//! texts are preceded by their length (u16); fixed byte strings stand as they are.

use crate::reading::read_struct;
use crate::{AgentKey, Commitment, DeviceKey, MeterId, Price, Seconds, Signature, Wh, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of every signed record here. Another one is refused by name.
pub const RECORD_VERSION: u16 = 1;

/// Collects the bytes of a signed record.
#[derive(Debug, Clone)]
pub struct SignBytes(Vec<u8>);

impl SignBytes {
    /// Starts with the domain, such as `wattpool/approval`.
    pub fn new(domain: &str) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(domain.as_bytes());
        bytes.push(0);
        Self(bytes)
    }
    /// Appends a text with its length; texts over 65,535 bytes are cut there (addresses and chain ids are far shorter).
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.blob(text.as_bytes())
    }
    /// Appends bytes with their length; cut as a text is.
    #[must_use]
    pub fn blob(mut self, bytes: &[u8]) -> Self {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0
            .extend_from_slice(bytes.get(..usize::from(len)).unwrap_or(bytes));
        self
    }
    /// Appends bytes of a fixed size.
    #[must_use]
    pub fn fixed<const N: usize>(mut self, bytes: &[u8; N]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
    /// Appends a 64-bit number.
    #[must_use]
    pub fn u64(self, v: u64) -> Self {
        self.fixed(&v.to_be_bytes())
    }
    /// Appends a 32-bit number.
    #[must_use]
    pub fn u32(self, v: u32) -> Self {
        self.fixed(&v.to_be_bytes())
    }
    /// Appends a 16-bit number.
    #[must_use]
    pub fn u16(self, v: u16) -> Self {
        self.fixed(&v.to_be_bytes())
    }
    /// Appends one byte.
    #[must_use]
    pub fn u8(self, v: u8) -> Self {
        self.fixed(&[v])
    }
    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// SHA-256 of the signed bytes: what a secp256k1 key signs.
pub fn digest(sign_bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(sign_bytes).into()
}

/// A device's word on how much it exported in a window.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct Statement {
    /// Record version, [`RECORD_VERSION`].
    pub version: u16,
    /// Chain id.
    pub chain: String,
    /// The pool's address.
    pub pool: String,
    /// Who measured.
    pub meter: MeterId,
    /// When: the metered window.
    pub window: Window,
    /// Strictly increasing with the window.
    pub sequence: u64,
    /// Net export of the window.
    pub export_wh: Wh,
    /// Commitment to both cumulative registers at the window's end.
    pub commitment: Commitment,
}

read_struct!(Statement {
    version,
    chain,
    pool,
    meter,
    window,
    sequence,
    export_wh,
    commitment
});

impl Statement {
    /// What the device key signs (ed25519 over these bytes).
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/statement")
            .u16(self.version)
            .text(&self.chain)
            .text(&self.pool)
            .fixed(&self.meter.0)
            .u64(self.window.0)
            .u64(self.sequence)
            .u64(self.export_wh.0)
            .fixed(&self.commitment.0)
            .finish()
    }
}

/// A statement with the device's signature.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct SignedStatement {
    /// What is stated.
    pub statement: Statement,
    /// By the device key.
    pub signature: Signature,
}

read_struct!(SignedStatement {
    statement,
    signature
});

/// A device's word that at least so much was imported in a window.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct Cover {
    /// Record version, [`RECORD_VERSION`].
    pub version: u16,
    /// Chain id.
    pub chain: String,
    /// The pool's address.
    pub pool: String,
    /// Who measured.
    pub meter: MeterId,
    /// The metered window.
    pub window: Window,
    /// Cumulative over the window: at least this much was imported.
    pub import_wh: Wh,
}

read_struct!(Cover {
    version,
    chain,
    pool,
    meter,
    window,
    import_wh
});

impl Cover {
    /// What the device key signs (ed25519 over these bytes).
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/cover")
            .u16(self.version)
            .text(&self.chain)
            .text(&self.pool)
            .fixed(&self.meter.0)
            .u64(self.window.0)
            .u64(self.import_wh.0)
            .finish()
    }
}

/// A cover with the device's signature.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct SignedCover {
    /// What is covered.
    pub cover: Cover,
    /// By the device key.
    pub signature: Signature,
}

read_struct!(SignedCover { cover, signature });

/// Spot trade or standing order.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[derive(Copy, Eq)]
pub enum TradeKind {
    /// Energy of one window that has been metered.
    Spot,
    /// So much per window, for up to 96 windows to come.
    Forward,
}

/// What a seller's agent signs for exactly one buyer.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct Approval {
    /// Record version, [`RECORD_VERSION`].
    pub version: u16,
    /// Spot or forward.
    pub kind: TradeKind,
    /// Chain id.
    pub chain: String,
    /// The escrow's address.
    pub escrow: String,
    /// Who sells.
    pub seller: MeterId,
    /// The only one who may use it.
    pub buyer: MeterId,
    /// First metered window.
    pub first_window: Window,
    /// Number of windows; 1 for spot.
    pub count: u32,
    /// Energy that arrives, per window; fewer may be taken, the rest lapses.
    pub wh: Wh,
    /// Least that may be taken per window; for a standing order, whose place is scarce.
    pub min_wh: Wh,
    /// Per arriving kWh.
    pub price: Price,
    /// The seller sends at most this much per window.
    pub max_gross: Wh,
    /// The network charge per arriving kWh may be at most this.
    pub max_charge: Price,
    /// When the buyer asked, by the buyer's request (statistics only).
    pub requested_at: Seconds,
    /// Last block time at which it can be used.
    pub expires_at: Seconds,
    /// Consumed, per seller, by the first success.
    pub nonce: u64,
}

read_struct!(Approval {
    version,
    kind,
    chain,
    escrow,
    seller,
    buyer,
    first_window,
    count,
    wh,
    min_wh,
    price,
    max_gross,
    max_charge,
    requested_at,
    expires_at,
    nonce,
});

impl Approval {
    /// What the agent key signs (secp256k1 over SHA-256 of these bytes).
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/approval")
            .u16(self.version)
            .u8(match self.kind {
                TradeKind::Spot => 0,
                TradeKind::Forward => 1,
            })
            .text(&self.chain)
            .text(&self.escrow)
            .fixed(&self.seller.0)
            .fixed(&self.buyer.0)
            .u64(self.first_window.0)
            .u32(self.count)
            .u64(self.wh.0)
            .u64(self.min_wh.0)
            .u64(self.price.0)
            .u64(self.max_gross.0)
            .u64(self.max_charge.0)
            .u64(self.requested_at.0)
            .u64(self.expires_at.0)
            .u64(self.nonce)
            .finish()
    }
}

/// An approval with the seller agent's signature.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Eq)]
pub struct SignedApproval {
    /// What is approved.
    pub approval: Approval,
    /// By the seller's agent key.
    pub signature: Signature,
}

read_struct!(SignedApproval {
    approval,
    signature
});

/// Commitment to a window's cumulative registers. `salt` is fresh for every window; with the previous
/// commitment inside, openings of two windows show what was imported and exported between them.
pub fn commitment(
    salt: &[u8; 16],
    import_register: Wh,
    export_register: Wh,
    previous: &Commitment,
) -> Commitment {
    let bytes = SignBytes::new("wattpool/commitment")
        .fixed(salt)
        .u64(import_register.0)
        .u64(export_register.0)
        .fixed(&previous.0)
        .finish();
    Commitment(digest(&bytes))
}

/// Keys of a meter as the pool registers them.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct MeterKeys {
    /// Signs statements and covers.
    pub device: DeviceKey,
    /// Signs approvals and transactions.
    pub agent: AgentKey,
}
