//! What the contracts report: every fact as a typed event, which parses back into the same type.
//!
//! A contract's event `stated` appears on a chain as `wasm-stated`, with the contract's address added as
//! `_contract_address`. An absent value is written `-`.

use crate::pool::{HoldReason, MeterKind, Role};
use crate::{
    AgentKey, Commitment, DeviceKey, Digest32, HouseholdId, MeterId, Micro, Ppm, Price, Seconds,
    Tariff, TradeKind, Wh, Window, Zone,
};
use cosmwasm_std::{Attribute, Event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value that an attribute can carry.
pub trait AttributeValue {
    /// As text, never empty.
    fn to_text(&self) -> String;
    /// Back; `None` when the text is not one of these.
    fn from_text(text: &str) -> Option<Self>
    where
        Self: Sized;
}

macro_rules! by_display {
    ($($t:ty),*) => { $(impl AttributeValue for $t {
        fn to_text(&self) -> String { self.to_string() }
        fn from_text(text: &str) -> Option<Self> { text.parse().ok() }
    })* };
}
by_display!(
    u16,
    u32,
    u64,
    bool,
    Wh,
    Micro,
    Price,
    Tariff,
    Window,
    Ppm,
    Zone,
    Seconds,
    MeterId,
    AgentKey,
    HouseholdId,
    DeviceKey,
    Commitment,
    Digest32,
    String
);

macro_rules! by_name {
    ($t:ident { $($variant:ident = $name:literal),* }) => { impl AttributeValue for $t {
        fn to_text(&self) -> String { match self { $(Self::$variant => $name),* }.to_owned() }
        fn from_text(text: &str) -> Option<Self> { match text { $($name => Some(Self::$variant),)* _ => None } }
    }};
}
by_name!(TradeKind { Spot = "spot", Forward = "forward" });
by_name!(MeterKind { Pv = "pv", Wind = "wind", Battery = "battery", Mixed = "mixed", Consumer = "consumer" });
by_name!(Role { Registrar = "registrar", GridOperator = "grid_operator", Regulator = "regulator" });

impl AttributeValue for HoldReason {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }
    fn from_text(text: &str) -> Option<Self> {
        Self::of(text)
    }
}

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn to_text(&self) -> String {
        self.as_ref().map_or_else(|| "-".to_owned(), T::to_text)
    }
    fn from_text(text: &str) -> Option<Self> {
        if text == "-" {
            Some(None)
        } else {
            T::from_text(text).map(Some)
        }
    }
}

/// An event that looks like one of the market's but is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event}: attribute {attribute}: {found:?}")]
pub struct BadEvent {
    /// The event's name.
    pub event: String,
    /// The attribute that is missing or does not parse.
    pub attribute: String,
    /// What stands there, if anything.
    pub found: Option<String>,
}

macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident = $type:literal { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[allow(missing_docs)]
            pub struct $name { $( $(#[$fdoc])* pub $field: $ty ),* }

            impl From<$name> for Event {
                fn from(e: $name) -> Event {
                    event($type, &[$( (stringify!($field), &e.$field) ),*])
                }
            }
        )*

        /// Any event of the market.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum MarketEvent { $( $name($name) ),* }

        /// Names of all events, without the chain's `wasm-`.
        pub const EVENT_NAMES: &[&str] = &[ $( $type ),* ];

        impl MarketEvent {
            /// Reads an event as a chain gives it (with or without `wasm-`). `Ok(None)`: it is none of the market's.
            ///
            /// # Errors
            /// The name is the market's but an attribute is missing or malformed.
            pub fn parse(name: &str, attributes: &[Attribute]) -> Result<Option<Self>, BadEvent> {
                let name = name.strip_prefix("wasm-").unwrap_or(name);
                match name {
                    $( $type => Ok(Some(Self::$name($name { $( $field: read(name, attributes, stringify!($field))? ),* }))), )*
                    _ => Ok(None),
                }
            }
        }
    };
}

/// One piece of code for all events: what each adds is a table.
fn event(name: &str, values: &[(&str, &dyn AttributeValue)]) -> Event {
    let attributes = values.iter().map(|(key, value)| Attribute {
        key: (*key).to_owned(),
        value: value.to_text(),
    });
    let mut event = Event::new(name);
    event.attributes = attributes.collect();
    event
}

fn read<T: AttributeValue>(
    event: &str,
    attributes: &[Attribute],
    key: &str,
) -> Result<T, BadEvent> {
    let found = attributes
        .iter()
        .find(|a| a.key == key)
        .map(|a| a.value.as_str());
    found.and_then(T::from_text).ok_or_else(|| BadEvent {
        event: event.to_owned(),
        attribute: key.to_owned(),
        found: found.map(str::to_owned),
    })
}

events! {
    /// Tokens for a meter's surplus.
    Minted = "minted" { window: Window, meter: MeterId, owner: String, wh: Wh }
    /// Tokens that expired in an account's hands, now found.
    Expired = "expired" { account: String, window: Window, wh: Wh }
    /// The energy side of a trade at the token.
    Moved = "moved" { window: Window, trade_id: u64, seller: MeterId, buyer: MeterId, from: String, to: String, gross: Wh, net: Wh, lost: Wh }
    /// A meter was registered (or taken back into service).
    MeterRegistered = "meter_registered" { meter: MeterId, owner: String, tenure: u64, device: DeviceKey, household: Option<HouseholdId>, zone: Zone, kind: MeterKind, max_export: Wh, max_import: Wh }
    /// A meter's registration was changed, from a window on.
    MeterUpdated = "meter_updated" { meter: MeterId, from_window: Window, zone: Zone, kind: MeterKind, max_export: Wh, max_import: Wh }
    /// Another device signs.
    DeviceSet = "device_set" { meter: MeterId, device: DeviceKey }
    /// Another agent trades.
    AgentSet = "agent_set" { meter: MeterId, agent: Option<AgentKey>, agent_address: Option<String>, zone: Zone, kind: MeterKind, max_export: Wh, max_import: Wh }
    /// A new owner was proposed.
    OwnerProposed = "owner_proposed" { meter: MeterId, owner: Option<String> }
    /// A meter changes hands with a window.
    OwnerChanged = "owner_changed" { meter: MeterId, from: String, to: String, from_window: Window, tenure: u64 }
    /// The registrar gave an owner notice (`retire`: to retire the meter), or it fell; `from` is when it can be done.
    NoticeGiven = "notice_given" { meter: MeterId, retire: bool, from: Option<Seconds> }
    /// The owner objected to a notice.
    Objected = "objected" { meter: MeterId }
    /// The administrator decided on an objection.
    Decided = "decided" { meter: MeterId, uphold: bool }
    /// A meter was taken out of service.
    MeterRetired = "meter_retired" { meter: MeterId }
    /// A statement was taken. `minted`: as tokens; otherwise as feed-in credit.
    Stated = "stated" { meter: MeterId, owner: String, window: Window, sequence: u64, wh: Wh, commitment: Commitment, minted: bool }
    /// A statement that was refused as too old: the energy earns nothing.
    StatedTooOld = "stated_too_old" { meter: MeterId, window: Window, wh: Wh }
    /// A meter's highest cover rose.
    Covered = "covered" { meter: MeterId, window: Window, covered: Wh }
    /// The physical side of a trade at the pool.
    Redeemed = "redeemed" { window: Window, trade_id: u64, seller: MeterId, buyer: MeterId, gross: Wh, net: Wh, sold: Wh, redeemed: Wh }
    /// Tariffs were set.
    TariffsSet = "tariffs_set" { from_window: Window, import: Tariff, feed_in: Tariff }
    /// Terms of a zone pair were set.
    ZonePairSet = "zone_pair_set" { from_window: Window, from: Zone, to: Zone, loss: Ppm, charge: Price, capacity: Option<Wh> }
    /// The reserve was funded.
    ReserveFunded = "reserve_funded" { from: String, amount: Micro }
    /// The operator took back what the reserve held beyond all that had accrued.
    ReserveTaken = "reserve_taken" { to: String, amount: Micro }
    /// Feed-in was confirmed.
    FeedInConfirmed = "feed_in_confirmed" { through: Window }
    /// Feed-in credit became money. `window` was live when it was stated; `late`: late, without tokens.
    FeedInCredited = "feed_in_credited" { owner: String, window: Window, wh: Wh, amount: Micro, late: bool }
    /// Feed-in money was paid; `owed` is what remains, less what is held.
    FeedInPaid = "feed_in_paid" { owner: String, amount: Micro, owed: Micro }
    /// Credit of an account that was stated while windows `from` to `through` were live is held until a block time.
    CreditHoldSet = "credit_hold_set" { owner: String, from: Window, through: Window, reason: HoldReason, until: Seconds, by: String }
    /// A hold no longer ends by itself.
    CreditHoldConfirmed = "credit_hold_confirmed" { owner: String, from: Window, by: String }
    /// A hold was ended: what it set aside will be paid.
    CreditHoldReleased = "credit_hold_released" { owner: String, from: Window, by: String }
    /// A window's credit became money and was set aside.
    CreditHeld = "credit_held" { owner: String, window: Window, amount: Micro }
    /// What a hold set aside of windows through one was struck out; `left` is still set aside.
    CreditStruck = "credit_struck" { owner: String, from: Window, through: Window, amount: Micro, left: Micro, by: String }
    /// Tokenising and trading stopped or went on.
    PauseSet = "pause_set" { paused: bool }
    /// A role was given.
    RoleSet = "role_set" { role: Role, address: String }
    /// An administrator was proposed.
    AdminProposed = "admin_proposed" { admin: Option<String> }
    /// The administrator changed.
    AdminChanged = "admin_changed" { admin: String }
    /// The market's contracts were connected.
    Wired = "wired" { pool: Option<String>, escrow: String }
    /// Money came into an account.
    Deposited = "deposited" { owner: String, amount: Micro, free: Micro }
    /// Money left an account.
    Withdrawn = "withdrawn" { owner: String, amount: Micro, free: Micro }
    /// The owner set a meter's limits, for this tenure.
    LimitsSet = "limits_set" { meter: MeterId, tenure: u64, trading_off: bool, min_sell_price: Option<Price>, max_buy_price: Option<Price>, max_spend_per_day: Option<Micro>, max_buy_per_day: Option<Wh>, max_sell_per_day: Option<Wh> }
    /// A chunk of energy was delivered and paid: the whole of a spot trade, or part of a standing order.
    Delivered = "delivered" { kind: TradeKind, window: Window, trade_id: u64, seller: MeterId, buyer: MeterId, seller_owner: String, buyer_owner: String, net: Wh, gross: Wh, paid: Micro, charge: Micro }
    /// A trade was closed and logged.
    TradeClosed = "trade_closed" { sequence: u64, kind: TradeKind, trade_id: u64, buyer: MeterId, seller: MeterId, nonce: u64, window: Window, count: u32, asked: Wh, arrived: Wh, declined: Wh, missed: Wh, lost: Wh, price: Price, paid: Micro, charge: Micro, requested_at: Seconds, closed_at: Seconds, head: Digest32 }
    /// A standing order was opened.
    OrderOpened = "order_opened" { trade_id: u64, buyer: MeterId, seller: MeterId, nonce: u64, first_window: Window, last_window: Window, wh: Wh, price: Price, locked: Micro }
    /// A standing order was cancelled; `last_window` is its last.
    OrderCancelled = "order_cancelled" { trade_id: u64, buyer: MeterId, seller: MeterId, last_window: Window, refunded: Micro }
    /// An order's window passed: what of it was declined and missed, and the money set free.
    OrderWindow = "order_window" { trade_id: u64, buyer: MeterId, seller: MeterId, window: Window, delivered: Wh, declined: Wh, missed: Wh, refunded: Micro }
    /// An item of a batch was refused.
    ItemRefused = "item_refused" { index: u32, code: String }
    /// Network charges were paid out.
    ChargesWithdrawn = "charges_withdrawn" { to: String, amount: Micro }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_parse_back() {
        let stated = Stated {
            meter: MeterId([1; 16]),
            owner: "owner".into(),
            window: Window(7),
            sequence: 3,
            wh: Wh(120),
            commitment: Commitment([5; 32]),
            minted: true,
        };
        let event: Event = stated.clone().into();
        assert_eq!(event.ty, "stated");
        let parsed = MarketEvent::parse("wasm-stated", &event.attributes);
        assert_eq!(parsed, Ok(Some(MarketEvent::Stated(stated))));
    }

    #[test]
    fn absent_values_and_foreign_events() {
        let event: Event = ZonePairSet {
            from_window: Window(1),
            from: Zone(0),
            to: Zone(1),
            loss: Ppm(5),
            charge: Price(0),
            capacity: None,
        }
        .into();
        assert!(event.attributes.iter().any(|a| a.value == "-"));
        assert!(matches!(
            MarketEvent::parse(&event.ty, &event.attributes),
            Ok(Some(MarketEvent::ZonePairSet(ZonePairSet {
                capacity: None,
                ..
            })))
        ));
        assert_eq!(MarketEvent::parse("transfer", &[]), Ok(None));
        let error = MarketEvent::parse("stated", &[]).unwrap_err();
        assert_eq!(error.attribute, "meter");
    }
}
