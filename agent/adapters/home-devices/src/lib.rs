//! What stands in a home: meters that are read over serial lines, TCP, Modbus, MQTT and HTTP, and the outputs of the
//! agent.
//!
//! A [`Device`] is what the owner says of a meter. [`LiveMeter`] listens to all devices of a home, draws the
//! registers at the ends of windows from what they say ([`wattpool_meter_codec::household`]), keeps them on disk and
//! is the agent's meter. [`listen`] alone serves whoever wants to see every word.

pub mod address;
mod broker;
mod bytes;
pub mod gate;
pub mod gpio;
mod http;
pub mod judge;
mod live;
mod modbus;
mod mqtt;
mod post;
pub mod settings;
pub mod signal;
mod source;
mod store;
mod tls;

pub use address::{Address, Wire};
pub use broker::Version;
pub use gate::{DeviceGate, GateDevice};
pub use http::plain as plain_http;
pub use live::LiveMeter;
pub use modbus::{scan, Model};
pub use post::{Topic, TopicAt};
pub use settings::{Device, SettingsError};
pub use signal::{Signal, SignalDevice, SignalTeller};
pub use source::{lines, listen, Listener, Said};
