//! The chain's messages, field by field: Cosmos SDK 0.53, wasmd 0.61.

/// What a field holds.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Text.
    Text,
    /// An integer of any size, as text.
    Int,
    /// A decimal of 18 places: in JSON `0.1`, sent as the integer of its last place.
    Dec,
    /// 64 bits; text in JSON.
    U64,
    /// 64 bits with a sign; text in JSON.
    I64,
    /// 32 bits.
    U32,
    /// True or false.
    Bool,
    /// One of these, by name in JSON.
    Enum(&'static [(i32, &'static str)]),
    /// Bytes, base64 in JSON.
    Bytes,
    /// Bytes that hold JSON, shown as it is.
    Json,
    /// A record.
    Message(&'static Shape),
    /// A message of any listed type.
    Any,
    /// A time: seconds and nanoseconds; RFC 3339 in JSON.
    Time,
}

/// A field of a message.
pub struct Field {
    /// Its protobuf name.
    pub name: &'static str,
    /// Its number.
    pub number: u32,
    /// What it holds.
    pub kind: Kind,
    /// There are any number of it.
    pub repeated: bool,
    /// The older encoding shows it empty too.
    pub keep: bool,
    /// Its name there, if it is another.
    pub amino: &'static str,
}

/// A message or record.
pub struct Shape {
    /// Its type, empty for a record that never stands alone.
    pub url: &'static str,
    /// Its type in the older encoding.
    pub amino: &'static str,
    /// The field that names who signs, empty where nobody does.
    pub signer: &'static str,
    /// Its fields, ascending by number.
    pub fields: &'static [Field],
}

const fn field(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: false,
        keep: false,
        amino: name,
    }
}

const fn kept(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        keep: true,
        ..field(number, name, kind)
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        repeated: true,
        ..field(number, name, kind)
    }
}

const fn many_kept(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        keep: true,
        ..many(number, name, kind)
    }
}

const fn record(fields: &'static [Field]) -> Shape {
    Shape {
        url: "",
        amino: "",
        signer: "",
        fields,
    }
}

const fn message(
    url: &'static str,
    amino: &'static str,
    signer: &'static str,
    fields: &'static [Field],
) -> Shape {
    Shape {
        url,
        amino,
        signer,
        fields,
    }
}

use Kind::{Any, Bool, Bytes, Dec, Enum, Int, Json, Message, Text, Time, I64, U32, U64};

static COIN: Shape = record(&[kept(1, "denom", Text), kept(2, "amount", Int)]);
const COINS: Kind = Message(&COIN);

const VOTES: Kind = Enum(&[
    (0, "VOTE_OPTION_UNSPECIFIED"),
    (1, "VOTE_OPTION_YES"),
    (2, "VOTE_OPTION_ABSTAIN"),
    (3, "VOTE_OPTION_NO"),
    (4, "VOTE_OPTION_NO_WITH_VETO"),
]);

/// How signers sign.
pub const SIGN_MODES: Kind = Enum(&[
    (0, "SIGN_MODE_UNSPECIFIED"),
    (1, "SIGN_MODE_DIRECT"),
    (2, "SIGN_MODE_TEXTUAL"),
    (3, "SIGN_MODE_DIRECT_AUX"),
    (127, "SIGN_MODE_LEGACY_AMINO_JSON"),
    (191, "SIGN_MODE_EIP_191"),
]);

const PERMISSIONS: Kind = Enum(&[
    (0, "ACCESS_TYPE_UNSPECIFIED"),
    (1, "ACCESS_TYPE_NOBODY"),
    (3, "ACCESS_TYPE_EVERYBODY"),
    (4, "ACCESS_TYPE_ANY_OF_ADDRESSES"),
]);

static DESCRIPTION: Shape = record(&[
    field(1, "moniker", Text),
    field(2, "identity", Text),
    field(3, "website", Text),
    field(4, "security_contact", Text),
    field(5, "details", Text),
]);

static COMMISSION: Shape = record(&[
    kept(1, "rate", Dec),
    kept(2, "max_rate", Dec),
    kept(3, "max_change_rate", Dec),
]);

static ACCESS: Shape = record(&[
    kept(1, "permission", PERMISSIONS),
    many(3, "addresses", Text),
]);

static PLAN: Shape = record(&[
    field(1, "name", Text),
    // Not used any more, but signed in the older encoding all the same.
    kept(2, "time", Time),
    field(3, "height", I64),
    field(4, "info", Text),
    field(5, "upgraded_client_state", Any),
]);

static WEIGHTED: Shape = record(&[field(1, "option", VOTES), field(2, "weight", Dec)]);

/// Every message that this wallet writes, signs and shows.
pub static MESSAGES: &[Shape] = &[
    message(
        "/cosmos.bank.v1beta1.MsgSend",
        "cosmos-sdk/MsgSend",
        "from_address",
        &[
            field(1, "from_address", Text),
            field(2, "to_address", Text),
            many_kept(3, "amount", COINS),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgExecuteContract",
        "wasm/MsgExecuteContract",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "contract", Text),
            field(3, "msg", Json),
            many_kept(5, "funds", COINS),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgStoreCode",
        "wasm/MsgStoreCode",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "wasm_byte_code", Bytes),
            field(5, "instantiate_permission", Message(&ACCESS)),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgInstantiateContract",
        "wasm/MsgInstantiateContract",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "admin", Text),
            field(3, "code_id", U64),
            field(4, "label", Text),
            field(5, "msg", Json),
            many_kept(6, "funds", COINS),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgInstantiateContract2",
        "wasm/MsgInstantiateContract2",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "admin", Text),
            field(3, "code_id", U64),
            field(4, "label", Text),
            field(5, "msg", Json),
            many_kept(6, "funds", COINS),
            field(7, "salt", Bytes),
            field(8, "fix_msg", Bool),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgMigrateContract",
        "wasm/MsgMigrateContract",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "contract", Text),
            field(3, "code_id", U64),
            field(4, "msg", Json),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgUpdateAdmin",
        "wasm/MsgUpdateAdmin",
        "sender",
        &[
            field(1, "sender", Text),
            field(2, "new_admin", Text),
            field(3, "contract", Text),
        ],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgPinCodes",
        "wasm/MsgPinCodes",
        "authority",
        &[field(1, "authority", Text), many(2, "code_ids", U64)],
    ),
    message(
        "/cosmwasm.wasm.v1.MsgUnpinCodes",
        "wasm/MsgUnpinCodes",
        "authority",
        &[field(1, "authority", Text), many(2, "code_ids", U64)],
    ),
    message(
        "/cosmos.gov.v1.MsgSubmitProposal",
        "cosmos-sdk/v1/MsgSubmitProposal",
        "proposer",
        &[
            many(1, "messages", Any),
            many_kept(2, "initial_deposit", COINS),
            field(3, "proposer", Text),
            field(4, "metadata", Text),
            field(5, "title", Text),
            field(6, "summary", Text),
            field(7, "expedited", Bool),
        ],
    ),
    message(
        "/cosmos.gov.v1.MsgVote",
        "cosmos-sdk/v1/MsgVote",
        "voter",
        &[
            kept(1, "proposal_id", U64),
            field(2, "voter", Text),
            field(3, "option", VOTES),
            field(4, "metadata", Text),
        ],
    ),
    message(
        "/cosmos.gov.v1.MsgVoteWeighted",
        "cosmos-sdk/v1/MsgVoteWeighted",
        "voter",
        &[
            kept(1, "proposal_id", U64),
            field(2, "voter", Text),
            many(3, "options", Message(&WEIGHTED)),
            field(4, "metadata", Text),
        ],
    ),
    message(
        "/cosmos.gov.v1.MsgDeposit",
        "cosmos-sdk/v1/MsgDeposit",
        "depositor",
        &[
            kept(1, "proposal_id", U64),
            field(2, "depositor", Text),
            many_kept(3, "amount", COINS),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgCreateValidator",
        "cosmos-sdk/MsgCreateValidator",
        "validator_address",
        &[
            kept(1, "description", Message(&DESCRIPTION)),
            kept(2, "commission", Message(&COMMISSION)),
            kept(3, "min_self_delegation", Int),
            field(4, "delegator_address", Text),
            field(5, "validator_address", Text),
            field(6, "pubkey", Any),
            kept(7, "value", COINS),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgEditValidator",
        "cosmos-sdk/MsgEditValidator",
        "validator_address",
        &[
            kept(1, "description", Message(&DESCRIPTION)),
            field(2, "validator_address", Text),
            field(3, "commission_rate", Dec),
            field(4, "min_self_delegation", Int),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgDelegate",
        "cosmos-sdk/MsgDelegate",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "validator_address", Text),
            kept(3, "amount", COINS),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgBeginRedelegate",
        "cosmos-sdk/MsgBeginRedelegate",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "validator_src_address", Text),
            field(3, "validator_dst_address", Text),
            kept(4, "amount", COINS),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgUndelegate",
        "cosmos-sdk/MsgUndelegate",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "validator_address", Text),
            kept(3, "amount", COINS),
        ],
    ),
    message(
        "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation",
        "cosmos-sdk/MsgCancelUnbondingDelegation",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "validator_address", Text),
            kept(3, "amount", COINS),
            field(4, "creation_height", I64),
        ],
    ),
    message(
        "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
        "cosmos-sdk/MsgWithdrawDelegationReward",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "validator_address", Text),
        ],
    ),
    message(
        "/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission",
        "cosmos-sdk/MsgWithdrawValCommission",
        "validator_address",
        &[field(1, "validator_address", Text)],
    ),
    message(
        "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress",
        "cosmos-sdk/MsgModifyWithdrawAddress",
        "delegator_address",
        &[
            field(1, "delegator_address", Text),
            field(2, "withdraw_address", Text),
        ],
    ),
    message(
        "/cosmos.slashing.v1beta1.MsgUnjail",
        "cosmos-sdk/MsgUnjail",
        "validator_addr",
        &[Field {
            amino: "address",
            ..kept(1, "validator_addr", Text)
        }],
    ),
    message(
        "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        "cosmos-sdk/MsgSoftwareUpgrade",
        "authority",
        &[field(1, "authority", Text), kept(2, "plan", Message(&PLAN))],
    ),
    message(
        "/cosmos.upgrade.v1beta1.MsgCancelUpgrade",
        "cosmos-sdk/MsgCancelUpgrade",
        "authority",
        &[field(1, "authority", Text)],
    ),
    message(
        "/cosmos.feegrant.v1beta1.MsgGrantAllowance",
        "cosmos-sdk/MsgGrantAllowance",
        "granter",
        &[
            field(1, "granter", Text),
            field(2, "grantee", Text),
            field(3, "allowance", Any),
        ],
    ),
    message(
        "/cosmos.feegrant.v1beta1.MsgRevokeAllowance",
        "cosmos-sdk/MsgRevokeAllowance",
        "granter",
        &[field(1, "granter", Text), field(2, "grantee", Text)],
    ),
    message(
        "/cosmos.feegrant.v1beta1.BasicAllowance",
        "cosmos-sdk/BasicAllowance",
        "",
        &[
            many_kept(1, "spend_limit", COINS),
            field(2, "expiration", Time),
        ],
    ),
    message(
        "/cosmos.feegrant.v1beta1.AllowedMsgAllowance",
        "cosmos-sdk/AllowedMsgAllowance",
        "",
        &[
            field(1, "allowance", Any),
            many(2, "allowed_messages", Text),
        ],
    ),
    message(
        crate::key::SECP256K1,
        "tendermint/PubKeySecp256k1",
        "",
        &[field(1, "key", Bytes)],
    ),
    message(
        crate::key::ED25519,
        "tendermint/PubKeyEd25519",
        "",
        &[field(1, "key", Bytes)],
    ),
    message(
        crate::key::MULTISIG,
        "tendermint/PubKeyMultisigThreshold",
        "",
        &[field(1, "threshold", U32), many(2, "public_keys", Any)],
    ),
];

/// The body of a transaction.
pub static TX_BODY: Shape = record(&[
    many(1, "messages", Any),
    field(2, "memo", Text),
    field(3, "timeout_height", U64),
    many(1023, "extension_options", Any),
    many(2047, "non_critical_extension_options", Any),
]);

static FEE: Shape = record(&[
    many_kept(1, "amount", COINS),
    field(2, "gas_limit", U64),
    field(3, "payer", Text),
    field(4, "granter", Text),
]);

static SINGLE: Shape = record(&[field(1, "mode", SIGN_MODES)]);
static BITS: Shape = record(&[field(1, "extra_bits_stored", U32), field(2, "elems", Bytes)]);
static MULTI: Shape = record(&[
    field(1, "bitarray", Message(&BITS)),
    many(2, "mode_infos", Message(&MODE_INFO)),
]);
static MODE_INFO: Shape = record(&[
    field(1, "single", Message(&SINGLE)),
    field(2, "multi", Message(&MULTI)),
]);
static SIGNER_INFO: Shape = record(&[
    field(1, "public_key", Any),
    field(2, "mode_info", Message(&MODE_INFO)),
    field(3, "sequence", U64),
]);

/// Who signs a transaction and what it pays.
pub static AUTH_INFO: Shape = record(&[
    many(1, "signer_infos", Message(&SIGNER_INFO)),
    field(2, "fee", Message(&FEE)),
]);

/// Several signatures in one.
pub static SIGNATURES: Shape = record(&[many(1, "signatures", Bytes)]);

/// The message of a type.
pub fn shape(url: &str) -> Option<&'static Shape> {
    MESSAGES.iter().find(|shape| shape.url == url)
}

/// The field of a message that names who signs it.
pub fn signer_field(url: &str) -> Option<&'static str> {
    shape(url).map(|s| s.signer).filter(|s| !s.is_empty())
}
