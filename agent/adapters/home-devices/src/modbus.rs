//! Devices that are asked over Modbus, TCP or RTU: SunSpec models, and registers named one by one.

use crate::address::Wire;
use crate::bytes;
use crate::settings::{Bank, Device, Kind};
use crate::source::{code, next_tick, now, Pauses, Source, Told};
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;
use tokio_modbus::client::{rtu, tcp, Context, Reader, Writer};
use tokio_modbus::slave::{Slave, SlaveContext};
use wattpool_meter_codec::modbus::Layout;
use wattpool_meter_codec::sunspec::{self, BASES, END, MARKER, MOST_MODELS};
use wattpool_meter_codec::Telegram;

/// Longest time for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Registers of one request, Modbus Application Protocol 1.1b3, 6.3.
const MOST_REGISTERS: u16 = 125;
/// The unit that most devices answer as.
const UNIT: u8 = 1;
/// Registers of the longest model that is read.
const LONGEST_MODEL: u16 = 1_000;

/// A model that a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its identity.
    pub id: u16,
    /// Address of its first point.
    pub at: u16,
    /// Registers of its points.
    pub length: u16,
}

impl Model {
    /// Whether it measures energy.
    pub const fn measures(&self) -> bool {
        use sunspec::Kind::{Inverter, Meter, Resource};
        matches!(sunspec::kind(self.id), Inverter | Meter | Resource)
    }
}

/// An open connection to one unit.
pub(crate) struct Unit {
    context: Context,
}

type Answer<T> = tokio_modbus::Result<T>;

impl Unit {
    pub(crate) async fn open(wire: &Wire, unit: Option<u8>) -> Result<Self, String> {
        let link = bytes::open(wire).await.map_err(|e| e.to_string())?;
        let unit = Slave(unit.unwrap_or(UNIT));
        let mut context = match wire {
            Wire::Tcp(..) => tcp::attach_slave(link, unit),
            Wire::Serial(..) => rtu::attach_slave(link, unit),
        };
        context.set_slave(unit);
        Ok(Self { context })
    }

    async fn answer<T>(what: &str, asked: impl Future<Output = Answer<T>>) -> Result<T, String> {
        match timeout(ANSWER, asked).await {
            Err(_) => Err(format!("{what}: no answer within {} s", ANSWER.as_secs())),
            Ok(Err(why)) => Err(format!("{what}: {why}")),
            Ok(Ok(Err(exception))) => Err(format!("{what}: refused: {exception}")),
            Ok(Ok(Ok(answer))) => Ok(answer),
        }
    }

    async fn registers(&mut self, bank: Bank, at: u16, count: u16) -> Result<Vec<u16>, String> {
        let what = format!("register {at}");
        let answer = match bank {
            Bank::Holding => {
                Self::answer(&what, self.context.read_holding_registers(at, count)).await
            }
            Bank::Input => Self::answer(&what, self.context.read_input_registers(at, count)).await,
        }?;
        if answer.len() != usize::from(count) {
            return Err(format!(
                "{what}: expected {count} registers, found {}",
                answer.len()
            ));
        }
        Ok(answer)
    }

    async fn many(&mut self, mut at: u16, count: u16) -> Result<Vec<u16>, String> {
        let mut all = Vec::new();
        let mut left = count;
        while left > 0 {
            let part = left.min(MOST_REGISTERS);
            all.extend(self.registers(Bank::Holding, at, part).await?);
            left = left.saturating_sub(part);
            at = at
                .checked_add(part)
                .ok_or("the map goes beyond register 65535")?;
        }
        Ok(all)
    }

    pub(crate) async fn set_coil(&mut self, at: u16, on: bool) -> Result<(), String> {
        Self::answer(
            &format!("coil {at}"),
            self.context.write_single_coil(at, on),
        )
        .await
    }

    pub(crate) async fn set_register(&mut self, at: u16, value: u16) -> Result<(), String> {
        let asked = self.context.write_single_register(at, value);
        Self::answer(&format!("register {at}"), asked).await
    }

    /// The models of a SunSpec device.
    async fn models(&mut self) -> Result<Vec<Model>, String> {
        let mut refused = String::new();
        for base in BASES {
            match self.registers(Bank::Holding, base, 2).await {
                Ok(found) if found == MARKER => return self.models_from(base).await,
                Ok(found) => {
                    refused =
                        format!("register {base}: expected 5375 6E53 (SunS), found {found:04X?}")
                }
                // A connection that is gone gives no other answer at the next place.
                Err(why) if why.contains("refused") => refused = why,
                Err(why) => return Err(why),
            }
        }
        Err(format!("no SunSpec device: {refused}"))
    }

    async fn models_from(&mut self, base: u16) -> Result<Vec<Model>, String> {
        let beyond = || "the map of models goes beyond register 65535".to_owned();
        let mut models = Vec::new();
        let mut at = base.checked_add(2).ok_or_else(beyond)?;
        while models.len() < MOST_MODELS {
            let head = self.registers(Bank::Holding, at, 2).await?;
            let [id, length] = head[..] else {
                return Err(beyond());
            };
            if id == END {
                return Ok(models);
            }
            let first = at.checked_add(2).ok_or_else(beyond)?;
            models.push(Model {
                id,
                at: first,
                length,
            });
            at = first.checked_add(length).ok_or_else(beyond)?;
        }
        Err(format!("expected at most {MOST_MODELS} models"))
    }
}

/// The models of a SunSpec device.
///
/// # Errors
/// It is not reached, or has none: in words.
pub async fn scan(wire: &Wire, unit: Option<u8>) -> Result<Vec<Model>, String> {
    Unit::open(wire, unit).await?.models().await
}

/// The model that is read: the one that is named; else the first meter, resource or inverter, in this order.
fn choose(device: &Device, models: &[Model]) -> Result<Model, String> {
    use sunspec::Kind::{Inverter, Meter, Resource};
    let found = match device.model {
        Some(id) => models.iter().find(|m| m.id == id),
        None => [Meter, Resource, Inverter]
            .into_iter()
            .find_map(|kind| models.iter().find(|m| sunspec::kind(m.id) == kind)),
    };
    let ids: Vec<String> = models.iter().map(|m| m.id.to_string()).collect();
    let found = found.ok_or_else(|| {
        let wanted = device
            .model
            .map_or("that measures".to_owned(), |m| m.to_string());
        format!("no model {wanted}; there are: {}", ids.join(", "))
    })?;
    if found.length > LONGEST_MODEL {
        return Err(format!(
            "model {} says that it is {} registers long",
            found.id, found.length
        ));
    }
    Ok(*found)
}

/// Asks for ever.
pub(crate) async fn run(source: Source, wire: Wire) {
    let mut pauses = Pauses::default();
    loop {
        let why = match Unit::open(&wire, source.device.unit).await {
            Ok(unit) if source.device.kind == Kind::Sunspec => {
                poll_model(&source, unit, &mut pauses).await
            }
            Ok(unit) => poll_values(&source, unit, &mut pauses).await,
            Err(why) => why,
        };
        source.trouble(&format!("{wire}: {why}"));
        pauses.wait().await;
    }
}

async fn poll_model(source: &Source, mut unit: Unit, pauses: &mut Pauses) -> String {
    let found = async {
        let models = unit.models().await?;
        let common = models
            .iter()
            .find(|m| sunspec::kind(m.id) == sunspec::Kind::Common);
        let name = match common {
            Some(m) => sunspec::common(&unit.many(m.at, m.length.min(LONGEST_MODEL)).await?),
            None => None,
        };
        Ok::<_, String>((choose(&source.device, &models)?, name))
    };
    let (model, name) = match found.await {
        Ok(found) => found,
        Err(why) => return why,
    };
    loop {
        match unit.many(model.at, model.length).await {
            Ok(data) => match sunspec::points(model.id, &data) {
                Ok(telegram) => {
                    pauses.well();
                    source.telegram(Telegram {
                        meter: name.clone(),
                        ..telegram
                    });
                }
                Err(problem) => source.refused(&problem),
            },
            Err(why) => return why,
        }
        next_tick(source.device.interval_s()).await;
    }
}

async fn poll_values(source: &Source, mut unit: Unit, pauses: &mut Pauses) -> String {
    loop {
        match values(source, &mut unit).await {
            Ok(told) => {
                pauses.well();
                source.values(now(), &told);
            }
            Err(why) => return why,
        }
        next_tick(source.device.interval_s()).await;
    }
}

async fn values(source: &Source, unit: &mut Unit) -> Result<Told, String> {
    let mut told = Told::default();
    for (number, value) in source.device.value.iter().enumerate() {
        let (Some(at), Some(kind)) = (value.register, value.form) else {
            continue;
        };
        let data = unit
            .registers(value.bank.unwrap_or_default(), at, kind.registers())
            .await?;
        let layout = Layout {
            kind,
            order: value.order.unwrap_or_default(),
            scale: value.scale.unwrap_or(0),
            unit: value.unit,
        };
        match layout.value(code(value.quantity), &data) {
            Ok(found) => source.gather(&mut told, number, found),
            Err(problem) => source.refused(&format!("register {at}: {problem}")),
        }
    }
    Ok(told)
}
