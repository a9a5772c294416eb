//! Which of a block's events are whose.

use wattpool_core::io::concerned;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::MeterId;

/// Whom an event must be brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// These meters.
    Meters([Option<MeterId>; 2]),
    /// Every meter.
    All,
}

/// Whom an event must be brought to, in a world that does not bring every block to everybody.
pub const fn concerns(event: &MarketEvent) -> Concerned {
    match event {
        MarketEvent::PauseSet(_) => Concerned::All,
        _ => match registered_anew(event) {
            Some(meter) => Concerned::Meters([Some(meter), None]),
            None => Concerned::Meters(concerned(event)),
        },
    }
}

/// The meter that has another registration now.
const fn registered_anew(event: &MarketEvent) -> Option<MeterId> {
    match event {
        MarketEvent::MeterRegistered(m) => Some(m.meter),
        MarketEvent::MeterUpdated(m) => Some(m.meter),
        MarketEvent::DeviceSet(m) => Some(m.meter),
        MarketEvent::AgentSet(m) => Some(m.meter),
        MarketEvent::MeterRetired(m) => Some(m.meter),
        _ => None,
    }
}

/// The chain has another registration of the meter.
pub(crate) fn registers_anew(event: &MarketEvent, me: MeterId) -> bool {
    registered_anew(event) == Some(me)
}

/// What the agent must hear of, its own transactions' doings included: their outcome tells them once more.
pub(crate) fn is_news(event: &MarketEvent, me: MeterId) -> bool {
    matches!(event, MarketEvent::PauseSet(_)) || concerned(event).contains(&Some(me))
}

/// Whether an event is of a meter's history.
pub(crate) fn is_history(event: &MarketEvent, me: MeterId) -> bool {
    match event {
        MarketEvent::Stated(s) => s.meter == me,
        MarketEvent::StatedTooOld(s) => s.meter == me,
        MarketEvent::OrderWindow(o) => o.seller == me || o.buyer == me,
        MarketEvent::OrderOpened(o) => o.seller == me || o.buyer == me,
        _ => concerned(event).contains(&Some(me)) || registers_anew(event, me),
    }
}
