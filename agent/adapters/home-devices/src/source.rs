//! Devices on their way in: a task for each, what it says to whoever listens, and what went wrong in words.

use crate::settings::{Device, Kind, Quantity, SettingsError};
use crate::{bytes, http, modbus, mqtt};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use wattpool_meter_codec::household::{moment_of, Role};
use wattpool_meter_codec::{
    dlms, p1, sml, Obis, Reading, RegistersFrom, Telegram, Time, Unreadable, Value,
};
use wattpool_schema::Seconds;

/// What a device said at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which of the device's lines, counted from 0.
    pub line: usize,
    /// When it holds, in UTC.
    pub at: Seconds,
    /// Registers and power.
    pub reading: Reading,
    /// What the meter calls itself.
    pub meter: Option<String>,
    /// By how many seconds the meter's clock is off, where that is too much for its stamps to be taken.
    pub clock_off_s: Option<i64>,
    /// What is to be known of the frame.
    pub remarks: Vec<&'static str>,
}

/// Who listens to devices. `device` counts from 0, in the order of the settings.
pub trait Listener: Send + Sync + 'static {
    /// A device said this.
    fn said(&self, device: usize, said: Said);
    /// A device is not reached, or says nothing that can be read.
    fn trouble(&self, device: usize, why: &str);
    /// Bytes or a message of a device were left out.
    fn refused(&self, device: usize, why: &str);
}

/// The lines of registers that a device tells, by what they count for.
pub fn lines(device: &Device) -> Vec<Role> {
    if device.value.is_empty() {
        return vec![device.role];
    }
    let role = |quantity| match (quantity, device.role) {
        (Quantity::Import, Role::Consumption) => Some(Role::Consumption),
        (Quantity::Import, _) => Some(Role::Import),
        (Quantity::Export, Role::Generation) => Some(Role::Generation),
        (Quantity::Export, _) => Some(Role::Export),
        (Quantity::Power, _) => None,
    };
    device
        .value
        .iter()
        .filter_map(|v| role(v.quantity))
        .collect()
}

/// Values of a device that are told one by one.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Registers, by their line.
    pub(crate) registers: Vec<(usize, Value)>,
    /// The sum of its powers, W.
    pub(crate) power_w: Option<i64>,
}

/// A device and who listens to it.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) number: usize,
    pub(crate) device: Arc<Device>,
    pub(crate) listener: Arc<dyn Listener>,
}

impl Source {
    pub(crate) fn trouble(&self, why: &dyn std::fmt::Display) {
        self.listener
            .trouble(self.number, &one_line(&why.to_string()));
    }

    pub(crate) fn refused(&self, why: &dyn std::fmt::Display) {
        self.listener
            .refused(self.number, &one_line(&why.to_string()));
    }

    /// A frame of a device with one line.
    pub(crate) fn telegram(&self, telegram: Telegram) {
        let from = self.device.registers.unwrap_or(RegistersFrom::Total);
        match telegram.reading(from) {
            Ok(reading) => {
                let (at, clock_off_s) = moment_of(reading.time, now());
                self.listener.said(
                    self.number,
                    Said {
                        line: 0,
                        at,
                        reading: if self.device.swapped {
                            swapped(reading)
                        } else {
                            reading
                        },
                        meter: telegram.meter,
                        clock_off_s,
                        remarks: telegram.remarks,
                    },
                );
            }
            Err(why) => self.refused(&why),
        }
    }

    /// Adds what was found of the device's value of this number.
    pub(crate) fn gather(&self, told: &mut Told, value: usize, found: Value) {
        match self.line_of(value) {
            Some(line) => told.registers.push((line, found)),
            None => {
                let watts = found.whole().unwrap_or(0);
                told.power_w = Some(told.power_w.unwrap_or(0).saturating_add(watts));
            }
        }
    }

    /// Registers of a device whose values are told one by one: each is a line, the power goes with the first.
    pub(crate) fn values(&self, at: Seconds, told: &Told) {
        for (line, value) in &told.registers {
            match register(*value) {
                Ok(mut reading) => {
                    reading.power_w = if *line == 0 { told.power_w } else { Some(0) };
                    reading.time = Some(Time::Utc(at));
                    self.listener.said(
                        self.number,
                        Said {
                            line: *line,
                            at,
                            reading,
                            meter: None,
                            clock_off_s: None,
                            remarks: Vec::new(),
                        },
                    );
                }
                Err(why) => self.refused(&why),
            }
        }
    }

    /// Which line a value of the device is; none: it is a power.
    pub(crate) fn line_of(&self, value: usize) -> Option<usize> {
        let values = self.device.value.get(..=value)?;
        let last = values.last().filter(|v| v.quantity != Quantity::Power);
        let registers = values.iter().filter(|v| v.quantity != Quantity::Power);
        last.and_then(|_| registers.count().checked_sub(1))
    }
}

/// Under which code a quantity is decoded.
pub(crate) const fn code(quantity: Quantity) -> Obis {
    match quantity {
        Quantity::Import => Obis::IMPORT,
        Quantity::Export => Obis::EXPORT,
        Quantity::Power => Obis::POWER,
    }
}

/// A value alone, as a reading.
fn register(value: Value) -> Result<Reading, Unreadable> {
    Telegram {
        values: vec![value],
        ..Telegram::empty()
    }
    .reading(RegistersFrom::Total)
}

const fn swapped(reading: Reading) -> Reading {
    Reading {
        time: reading.time,
        import: reading.export,
        export: reading.import,
        power_w: match reading.power_w {
            Some(power) => Some(power.saturating_neg()),
            None => None,
        },
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Listens to devices until the tasks are dropped. A device that is not reached is tried again for ever, with pauses
/// that grow to a minute.
///
/// # Errors
/// A setting that cannot be meant, or a file that cannot be read.
pub fn listen(
    devices: &[Device],
    listener: &Arc<dyn Listener>,
) -> Result<JoinSet<()>, (usize, SettingsError)> {
    let mut all = Vec::new();
    for (number, device) in devices.iter().enumerate() {
        device.check().map_err(|e| (number, e))?;
        let source = Source {
            number,
            device: Arc::new(device.clone()),
            listener: Arc::clone(listener),
        };
        all.push(running(source).map_err(|e| (number, e))?);
    }
    let mut tasks = JoinSet::new();
    for running in all {
        tasks.spawn(running);
    }
    Ok(tasks)
}

fn running(source: Source) -> Result<Running, SettingsError> {
    let device = Arc::clone(&source.device);
    Ok(match device.kind {
        Kind::P1 => {
            let dialect = device.dialect()?;
            Box::pin(bytes::run(source, device.wire()?, move || {
                p1::Telegrams::new(dialect.clone())
            }))
        }
        Kind::Sml => Box::pin(bytes::run(source, device.wire()?, || sml::Files)),
        Kind::Dlms => {
            let dialect = device.dialect()?;
            Box::pin(bytes::run(source, device.wire()?, move || {
                dlms::Pushes::new(dialect.clone())
            }))
        }
        Kind::Sunspec | Kind::Modbus => Box::pin(modbus::run(source, device.wire()?)),
        Kind::Mqtt => {
            let options = mqtt::options(&source)?;
            Box::pin(mqtt::run(source, options))
        }
        Kind::Http => {
            let page = http::Page::of(
                device.page()?,
                device.secret()?,
                device.certificate.as_deref(),
                device.ca_file.as_deref(),
            )?;
            Box::pin(http::run(source, page))
        }
    })
}

/// The device's clock, Unix seconds.
pub(crate) fn now() -> Seconds {
    Seconds(millis().checked_div(1_000).unwrap_or(0))
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Until the clock shows the next multiple of so many seconds: so that questions fall on the ends of windows.
pub(crate) async fn next_tick(every_s: u64) {
    let every = every_s.max(1).saturating_mul(1_000);
    let into = millis().checked_rem(every).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(every.saturating_sub(into))).await;
}

/// Growing pauses between tries, from a second to a minute.
#[derive(Debug, Default)]
pub(crate) struct Pauses(u32);

impl Pauses {
    pub(crate) async fn wait(&mut self) {
        let seconds = 1u64.checked_shl(self.0).unwrap_or(60).min(60);
        self.0 = self.0.saturating_add(1).min(6);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) fn well(&mut self) {
        self.0 = 0;
    }
}

/// In one line, and not too long: what a device says is quoted in it.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(300).collect()
}
