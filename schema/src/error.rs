//! Refusals: one list of stable codes for all contracts, with the data that led to them.

use crate::{MeterId, Window};
use cosmwasm_std::{OverflowError, StdError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What an agent should make of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same message may succeed later.
    Retry,
    /// This message will never succeed; another may.
    Refuse,
    /// Something is wrong with keys, versions or addresses: tell a person.
    Fatal,
}

macro_rules! errors {
    ($( $(#[$doc:meta])* $variant:ident $({ $($field:ident : $ty:ty),* })? = $code:literal, $class:ident, $text:literal; )*) => {
        /// Why a contract refused. Displays as `[CODE] what happened`; the code never changes its meaning.
        #[derive(Debug, Clone, PartialEq, thiserror::Error)]
        #[allow(missing_docs)]
        pub enum MarketError {
            $( $(#[$doc])* #[error("[{}] {}", $code, format_args!($text $($(, $field = .$field)*)?))] $variant $({ $($field: $ty),* })?, )*
        }
        /// The stable codes, one for each refusal. As text, in JSON too, a code is what stands in brackets.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Code { $( $(#[$doc])* $variant, )* }

        impl MarketError {
            /// The stable code.
            pub const fn code(&self) -> Code {
                match self { $( Self::$variant $({ $($field: _),* })? => Code::$variant, )* }
            }
            /// Whether it pays to try again.
            pub const fn class(&self) -> Class {
                self.code().class()
            }
        }
        impl Code {
            /// Every code, in the order of their definition.
            pub const ALL: &[Self] = &[ $( Self::$variant, )* ];
            /// As text, such as `TOO_OLD`.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }
            /// Whether it pays to try again.
            pub const fn class(self) -> Class {
                match self { $( Self::$variant => Class::$class, )* }
            }
        }
    };
}

errors! {
    /// The chain's or library's own error.
    Std { text: String } = "STD", Fatal, "{text}";
    Overflow { text: String } = "OVERFLOW", Refuse, "{text}";
    Unauthorized { needs: String } = "UNAUTHORIZED", Fatal, "only the {needs} may do this";
    UnknownVersion { found: u16, known: u16 } = "UNKNOWN_VERSION", Fatal, "record version {found}, this contract knows {known}";
    WrongChain { found: String } = "WRONG_CHAIN", Fatal, "signed for chain {found:?}";
    Downgrade { stored: String, code: String } = "DOWNGRADE", Refuse, "what is stored is of version {stored}, this code of {code}";
    WrongContract { found: String } = "WRONG_CONTRACT", Fatal, "signed for contract {found:?}";
    BadSignature { by: String } = "BAD_SIGNATURE", Fatal, "the signature is not by the {by}";
    BadInput { field: String, expected: String } = "BAD_INPUT", Refuse, "field {field}: expected {expected}";
    BadFunds { expected: String } = "BAD_FUNDS", Refuse, "expected {expected}";
    Paused = "PAUSED", Retry, "tokenising and trading are paused";
    NotWired = "NOT_WIRED", Retry, "the contract is not connected to the others yet";
    AlreadyWired = "ALREADY_WIRED", Refuse, "the contract is connected already";
    UnknownMeter { meter: MeterId } = "UNKNOWN_METER", Refuse, "meter {meter} is not registered";
    MeterExists { meter: MeterId } = "METER_EXISTS", Refuse, "meter {meter} is registered already";
    MeterRetired { meter: MeterId } = "METER_RETIRED", Refuse, "meter {meter} is retired";
    AgentUnset { meter: MeterId } = "AGENT_UNSET", Refuse, "meter {meter} has no agent key";
    NoticeRuns { until: u64 } = "NOTICE_RUNS", Retry, "the owner's notice runs until {until}";
    ObjectionStands { meter: MeterId } = "OBJECTION_STANDS", Refuse, "the owner of meter {meter} objects: the administrator decides";
    NothingProposed = "NOTHING_PROPOSED", Refuse, "nothing has been proposed to accept";
    TooEarly { window: Window, now: Window } = "TOO_EARLY", Retry, "window {window} has not ended (now {now})";
    TooOld { window: Window, oldest: Window } = "TOO_OLD", Refuse, "window {window} is older than {oldest}";
    WindowClosed { window: Window, live: Window } = "WINDOW_CLOSED", Refuse, "window {window} is not the live one ({live})";
    WindowStated { window: Window } = "WINDOW_STATED", Refuse, "window {window} is stated already or given up";
    SequenceUsed { found: u64, above: u64 } = "SEQUENCE_USED", Refuse, "sequence {found} must be above {above}";
    SequenceTooHigh { found: u64, below: u64 } = "SEQUENCE_TOO_HIGH", Refuse, "sequence {found} must be below {below}";
    AboveRegistered { wh: u64, registered: u64 } = "ABOVE_REGISTERED", Refuse, "{wh} Wh are more than the registered {registered} Wh per window";
    TariffTooSoon { window: Window, first: Window } = "TARIFF_TOO_SOON", Refuse, "takes effect from window {first} at the earliest, not {window}";
    InsufficientTokens { wanted: u64, there: u64 } = "INSUFFICIENT_TOKENS", Refuse, "{wanted} Wh wanted, {there} Wh there";
    InsufficientOwn { wanted: u64, there: u64 } = "INSUFFICIENT_OWN", Refuse, "{wanted} Wh of own production wanted, {there} Wh there";
    InsufficientAllowance { wanted: u64, there: u64 } = "INSUFFICIENT_ALLOWANCE", Refuse, "{wanted} Wh wanted, {there} Wh allowed";
    AllowanceExpired = "ALLOWANCE_EXPIRED", Refuse, "the allowance has expired";
    BurnRefused = "BURN_REFUSED", Refuse, "energy leaves the market by redemption or expiry only";
    ToMarketRefused = "TO_MARKET_REFUSED", Refuse, "the market's contracts take no transfers";
    MinterFixed = "MINTER_FIXED", Refuse, "the energy pool is the only minter";
    CoverMissing { wanted: u64, there: u64 } = "COVER_MISSING", Refuse, "{wanted} Wh to redeem, {there} Wh of import covered";
    CapacityExceeded { wanted: u64, there: u64 } = "CAPACITY_EXCEEDED", Refuse, "{wanted} Wh to carry, {there} Wh of capacity left";
    NoRoute { seller: MeterId, buyer: MeterId } = "NO_ROUTE", Refuse, "no trade between the zones of meters {seller} and {buyer}";
    Unsold { wanted: u64, there: u64 } = "UNSOLD_TOO_FEW", Refuse, "{wanted} Wh wanted, the seller's meter has {there} Wh unsold";
    InsufficientMoney { wanted: u64, there: u64 } = "INSUFFICIENT_MONEY", Refuse, "{wanted} micro-units wanted, {there} there";
    ApprovalExpired { expired: u64, now: u64 } = "APPROVAL_EXPIRED", Refuse, "the approval expired at {expired}, block time is {now}";
    ApprovalMismatch { field: String } = "APPROVAL_MISMATCH", Refuse, "the approval does not allow this {field}";
    NonceUsed { nonce: u64 } = "NONCE_USED", Refuse, "the seller's nonce {nonce} is consumed";
    TradeExists { trade_id: u64 } = "TRADE_EXISTS", Refuse, "trade {trade_id} exists with other content";
    UnknownTrade { trade_id: u64 } = "UNKNOWN_TRADE", Refuse, "there is no trade {trade_id}";
    SelfTrade = "SELF_TRADE", Refuse, "a meter does not trade with itself";
    LimitPrice { limit: u64, found: u64 } = "LIMIT_PRICE", Refuse, "the owner's price limit is {limit}, found {found}";
    LimitSpend { limit: u64, found: u64 } = "LIMIT_SPEND", Refuse, "the owner's daily spending limit is {limit}, this makes {found}";
    LimitEnergy { limit: u64, found: u64 } = "LIMIT_ENERGY", Refuse, "the owner's daily energy limit is {limit} Wh, this makes {found} Wh";
    NoLimits { meter: MeterId } = "NO_LIMITS", Refuse, "the owner of meter {meter} has set no limits since the meter is theirs: it buys nothing";
    TradingOff { meter: MeterId } = "TRADING_OFF", Refuse, "the owner of meter {meter} has switched trading off";
    GrossAboveApproved { gross: u64, max: u64 } = "GROSS_ABOVE_APPROVED", Refuse, "{gross} Wh would have to be sent, {max} Wh are approved";
    ChargeAboveApproved { charge: u64, max: u64 } = "CHARGE_ABOVE_APPROVED", Refuse, "the network charge is {charge}, {max} is approved";
    TooManyOrders { max: u32 } = "TOO_MANY_ORDERS", Refuse, "a meter holds at most {max} standing orders a side";
    OrderNotDue { window: Window } = "ORDER_NOT_DUE", Retry, "no delivery of this order is due in window {window}";
    OrderStillOpen { until: Window } = "ORDER_STILL_OPEN", Retry, "the order runs until window {until} has been settled";
    OrderCancelled = "ORDER_CANCELLED", Refuse, "the order is cancelled";
    ReserveEmpty = "RESERVE_EMPTY", Retry, "nothing could be paid: the feed-in reserve is empty";
    HoldOverlaps { from: Window, through: Window } = "HOLD_OVERLAPS", Refuse, "windows {from} to {through} of this account are held already";
    TooManyHolds { max: u32 } = "TOO_MANY_HOLDS", Refuse, "an account has at most {max} holds that are running or not paid out";
    CreditClaimed { window: Window, through: Window } = "CREDIT_CLAIMED", Refuse, "window {window} cannot be held: credit through window {through} is claimed already";
    UnknownHold { from: Window } = "UNKNOWN_HOLD", Refuse, "this account has no hold that begins with window {from}";
    HoldOver { until: u64 } = "HOLD_OVER", Refuse, "the hold was over at {until}";
    HoldConfirmed { from: Window } = "HOLD_CONFIRMED", Refuse, "the hold that begins with window {from} is confirmed already";
    HoldUnclaimed { window: Window } = "HOLD_UNCLAIMED", Retry, "credit of window {window} is not set aside yet: claim it first, as anybody may";
    NothingDue = "NOTHING_DUE", Retry, "no credit is due";
    ExecutionFailed = "EXECUTION_FAILED", Refuse, "another contract refused";
}

impl From<StdError> for MarketError {
    fn from(e: StdError) -> Self {
        // The error within: the library's own words would put its kind before it.
        Self::Std {
            text: (*e).to_string(),
        }
    }
}

impl From<OverflowError> for MarketError {
    fn from(e: OverflowError) -> Self {
        Self::Overflow {
            text: e.to_string(),
        }
    }
}

impl Code {
    /// The code as this version knows it; `None` for an unknown one.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Finds the code in an error text that came back from a chain, wherever wrapping put it.
    pub fn in_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| {
            let code = code.as_str();
            text.match_indices(code).any(|(at, _)| {
                let before = at.checked_sub(1).and_then(|i| text.as_bytes().get(i));
                let after = text.as_bytes().get(at.saturating_add(code.len()));
                before == Some(&b'[') && after == Some(&b']')
            })
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::of(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no code of this version")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_in_wrapped_texts() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::of(code.as_str()), Some(*code), "{code} twice");
            assert_eq!(Code::ALL.iter().position(|c| c == code), Some(i));
            let wrapped = format!(
                "failed to execute message; dispatch: [{code}] text: execute wasm contract failed"
            );
            assert_eq!(Code::in_text(&wrapped), Some(*code));
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
        assert_eq!(Code::in_text("no code PAUSED here"), None);
        assert_eq!(Code::of("paused"), None);
        assert!(serde_json::from_str::<Code>("\"NO_SUCH_CODE\"").is_err());
    }

    #[test]
    fn texts_carry_the_data() {
        let error = MarketError::TooOld {
            window: Window(3),
            oldest: Window(9),
        };
        assert_eq!(error.to_string(), "[TOO_OLD] window 3 is older than 9");
        assert_eq!(error.code(), Code::TooOld);
    }
}
