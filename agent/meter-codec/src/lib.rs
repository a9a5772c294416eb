//! What meters say, decoded. Nothing here does I/O or reads a clock: bytes go in, readings and refusals come out,
//! so that the same parser serves a serial port, a socket, a file and a fuzzer.
//!
//! A meter's stream is fed to a [`Stream`] in pieces of any size. It hands out each frame's [`Telegram`] or the
//! reason why bytes were left out, with their offset, and never keeps more than one longest frame:
//!
//! ```
//! use wattpool_meter_codec::{p1, Dialect, Stream};
//! let mut meter = Stream::new(p1::Telegrams::new(Dialect::default()));
//! meter.push(b"noise/ISk5\\2ME382-1003\r\n\r\n1-0:1.8.1(00001.001*kWh)\r\n1-0:1.8.2(00002.002*kWh)\r\n!\r\n");
//! assert!(meter.next().unwrap().is_err(), "noise before the telegram");
//! let telegram = meter.next().unwrap().unwrap();
//! let reading = telegram.reading(Default::default()).unwrap();
//! assert_eq!(reading.import.unwrap().wh.0, 3_003);
//! ```
//!
//! [`Telegram::reading`] brings all formats to one form: UTC seconds, registers in whole Wh, power in whole W,
//! import positive.

pub mod axdr;
pub mod cipher;
pub mod clock;
pub mod dlms;
pub mod household;
pub mod json;
pub mod links;
pub mod modbus;
pub mod obis;
pub mod p1;
pub mod profile;
pub mod sml;
mod stream;
pub mod sunspec;
mod telegram;
pub mod text;

pub use obis::Obis;
pub use stream::{Frames, Problem, Refused, Step, Stream};
pub use telegram::{Reading, Register, RegistersFrom, Telegram, Time, Unit, Unreadable, Value};

/// What the frames alone do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// The owner's keys, where the meter encrypts.
    pub keys: Option<cipher::Keys>,
    /// The zone of a meter's clock that tells local time.
    pub zone: clock::Zone,
    /// Takes frames whose check is wrong, as captures edited by hand have. For looking, never for metering.
    pub ignore_checks: bool,
}
