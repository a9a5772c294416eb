//! What is wrong, where, and which rule says so.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

macro_rules! rules {
    ($( $(#[$doc:meta])* $name:ident = $code:literal; )*) => {
        /// A rule of the market or of an export. Its name never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule { $( $(#[$doc])* #[serde(rename = $code)] $name, )* }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[ $( Self::$name, )* ];
            /// Its name, such as `sold-once`.
            pub const fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }
        }
    };
}

rules! {
    /// A line of an export is not what this version reads.
    Form = "form";
    /// A line's hash follows from the line and the hash before it; the last line counts the others.
    HashChain = "hash-chain";
    /// The auditor's signature is of the account that it names.
    Signature = "signature";
    /// Heights, times and places of events only go forward, and none is left out.
    Order = "order";
    /// Every event is of the one contract of the market that reports such events.
    Contract = "contract";
    /// Energy is traded in the window after the one that it was metered in.
    LiveWindow = "live-window";
    /// No token without a statement of the same energy; a window is stated once, with rising sequences, by a meter in service, for its owner.
    Statement = "statement";
    /// What is stated and what is covered is within what the meter is registered for.
    Registered = "registered";
    /// No meter sells more than was minted for it, no account moves more than it holds.
    SoldOnce = "sold-once";
    /// No meter redeems more than its device covered.
    Covered = "covered";
    /// minted = redeemed + lost + expired, window by window: what expires in an account is what it held.
    Conservation = "conservation";
    /// A trade's delivery, redemption, transfer, payment and record say the same, all of them or none.
    Atomic = "atomic";
    /// What is sent is the least that lets the agreed energy arrive over the pair's loss.
    Loss = "loss";
    /// No more arrives between two zones in a window than the pair carries.
    Capacity = "capacity";
    /// Payment and charge are price and charge times energy, rounded up once.
    Payment = "payment";
    /// A price is within the owner's limits, or within the grid's tariffs where the owner set none.
    PriceBounds = "price-bounds";
    /// The owner's limits hold: trading off, energy and money a day.
    Limits = "limits";
    /// Every account has what came in less what went out, never less than nothing.
    Money = "money";
    /// Closed trades form a hash chain without a gap; no id and no approval is used twice.
    TradeChain = "trade-chain";
    /// A standing order delivers, declines, misses, locks and frees what its terms say.
    StandingOrder = "standing-order";
    /// Feed-in credit is what expired or was stated late, at the tariff of its window, once, and only when due; what is held or struck out is not paid.
    FeedIn = "feed-in";
    /// The reserve pays no more than it has.
    Reserve = "reserve";
    /// Meters are registered, changed, handed over and retired as the rules say.
    Registry = "registry";
    /// Tariffs and terms are announced two windows ahead and within bounds.
    Terms = "terms";
    /// Nothing is minted or traded while the market is paused.
    Paused = "paused";
    /// What a role alone may do is done by who holds it.
    Roles = "roles";
    /// The contracts' state at the end is what the events make it.
    State = "state";
    /// Two sources that should say the same do.
    Difference = "difference";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Where something stands: of what is not known, nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Line of the export, from 1; none: not from a file.
    pub line: Option<u64>,
    /// Height of the block; 0: in none.
    pub height: u64,
    /// Its time, unix seconds; 0: not an event, but of the block as a whole.
    pub time: u64,
    /// Place of the transaction in the block, from 0.
    pub tx: u32,
    /// Place among the market's events of the transaction, from 0.
    pub index: u32,
}

impl Place {
    /// Whether it is an event's place in a block.
    const fn of_event(&self) -> bool {
        self.height > 0 && self.time > 0
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(line) = self.line {
            map.serialize_entry("line", &line)?;
        }
        if self.height > 0 {
            map.serialize_entry("height", &self.height)?;
        }
        if self.of_event() {
            map.serialize_entry("time", &self.time)?;
            map.serialize_entry("tx", &self.tx)?;
            map.serialize_entry("index", &self.index)?;
        }
        map.end()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.line.map(|line| format!("line {line}")));
        if self.height > 0 {
            parts.push(format!("height {}", self.height));
        }
        if self.of_event() {
            parts.push(format!("transaction {}, event {}", self.tx, self.index));
        }
        f.write_str(&parts.join(", "))
    }
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule is broken.
    pub rule: Rule,
    /// Where.
    pub at: Place,
    /// The event's name (or the line's).
    pub event: String,
    /// The field that is wrong, as far as it can be told.
    pub field: String,
    /// What is there and what was expected.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.rule)?;
        let at = self.at.to_string();
        if !at.is_empty() {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.event)?;
        if !self.field.is_empty() {
            write!(f, ".{}", self.field)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Violations that are kept; those beyond are counted.
const KEPT: usize = 1_000;

/// All violations, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The first of them.
    pub list: Vec<Finding>,
    /// How many more there are.
    pub beyond: u64,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        if self.list.len() < KEPT {
            self.list.push(finding);
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let listed = u64::try_from(self.list.len()).unwrap_or(u64::MAX);
        listed.saturating_add(self.beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let event = Place {
            line: Some(3),
            height: 4,
            time: 5,
            tx: 0,
            index: 1,
        };
        let block = Place {
            height: 4,
            ..Place::default()
        };
        let line = Place {
            line: Some(3),
            ..Place::default()
        };
        for (place, text, json) in [
            (
                event,
                "line 3, height 4, transaction 0, event 1",
                r#"{"line":3,"height":4,"time":5,"tx":0,"index":1}"#,
            ),
            (block, "height 4", r#"{"height":4}"#),
            (line, "line 3", r#"{"line":3}"#),
            (Place::default(), "", "{}"),
        ] {
            assert_eq!(place.to_string(), text);
            assert_eq!(serde_json::to_string(&place).unwrap(), json);
            assert_eq!(serde_json::from_str::<Place>(json).unwrap(), place);
        }
    }
}
