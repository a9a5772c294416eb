//! Meters that speak through an MQTT broker.

use crate::broker::{Broker, Heard, Message, Options};
use crate::settings::{Quantity, SettingsError, Value};
use crate::source::{code, now, Pauses, Source, Told};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{interval, MissedTickBehavior};
use wattpool_meter_codec::json;
use wattpool_schema::Seconds;

/// How often a value that has not changed is told again, seconds.
const STILL_S: u64 = 20;
/// A power older than this is none.
const POWER_S: u64 = 60;

pub(crate) fn options(source: &Source) -> Result<Options, SettingsError> {
    let device = &source.device;
    Broker {
        at: device.broker()?,
        version: device.version.unwrap_or_default(),
        user: device.user.clone(),
        password: device.secret()?,
        ca_file: device.ca_file.clone(),
        client: format!("wattpool-{}-{}", std::process::id(), source.number),
        will: None,
    }
    .options()
}

/// The last that was told of each value.
struct Latest {
    registers: Vec<Option<(usize, wattpool_meter_codec::Value)>>,
    power: Vec<Option<(Seconds, i64)>>,
}

/// Listens for ever.
pub(crate) async fn run(source: Source, options: Options) {
    let topics: BTreeSet<String> = source
        .device
        .value
        .iter()
        .filter_map(|v| v.topic.clone())
        .collect();
    let (client, mut events) = options.open();
    let mut pauses = Pauses::default();
    let count = source.device.value.len();
    let mut latest = Latest {
        registers: vec![None; count],
        power: vec![None; count],
    };
    let mut still = interval(Duration::from_secs(STILL_S));
    still.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connected = false;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = still.tick(), if source.device.on_change && connected => {
                for number in 0..count {
                    latest.tell(&source, number);
                }
                continue;
            }
        };
        match event {
            Ok(Heard::Connected) => {
                connected = true;
                for topic in &topics {
                    if let Err(why) = client.subscribe(topic) {
                        source.trouble(&format!("topic {topic}: {why}"));
                    }
                }
            }
            Ok(Heard::Message(message)) => {
                if latest.take(&source, &message) {
                    pauses.well();
                }
            }
            Ok(_) => {}
            Err(why) => {
                connected = false;
                // What it said before may have changed meanwhile.
                latest.registers.fill(None);
                source.trouble(&format!("{}: {why}", source.device.connection));
                pauses.wait().await;
            }
        }
    }
}

impl Latest {
    /// Whether something of the message is read.
    fn take(&mut self, source: &Source, message: &Message) -> bool {
        let mut read = false;
        // Powers first: they go with the registers of the same message.
        let numbers = |power: bool| {
            let values = source.device.value.iter().enumerate();
            values
                .filter(move |(_, v)| (v.quantity == Quantity::Power) == power)
                .filter(|(_, v)| {
                    v.topic.as_deref().map(str::as_bytes) == Some(message.topic.as_slice())
                })
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        for number in numbers(true).into_iter().chain(numbers(false)) {
            let Some(value) = source.device.value.get(number) else {
                continue;
            };
            match self.take_value(source, number, value, message) {
                Ok(taken) => read |= taken,
                Err(why) => source.refused(&why),
            }
        }
        read
    }

    fn take_value(
        &mut self,
        source: &Source,
        number: usize,
        value: &Value,
        message: &Message,
    ) -> Result<bool, String> {
        let topic = value.topic.as_deref().unwrap_or("");
        // When a retained message was said, nobody knows; of a device that tells changes alone it still holds.
        if message.retain && !source.device.on_change {
            return Err(format!(
                "topic {topic}: a retained message, of whenever, is left out"
            ));
        }
        let path = value.path.as_deref().unwrap_or("");
        let found = json::value(&message.payload, path, value.unit, code(value.quantity))
            .map_err(|problem| format!("topic {topic}: {problem}"))?;
        if value.quantity == Quantity::Power {
            let watts = found.whole().unwrap_or(0);
            if let Some(power) = self.power.get_mut(number) {
                *power = Some((now(), watts));
            }
            return Ok(true);
        }
        let Some(line) = source.line_of(number) else {
            return Ok(false);
        };
        if let Some(register) = self.registers.get_mut(number) {
            *register = Some((line, found));
        }
        self.tell(source, number);
        Ok(true)
    }

    /// Tells a value at this moment.
    fn tell(&self, source: &Source, number: usize) {
        let Some(Some(register)) = self.registers.get(number) else {
            return;
        };
        let at = now();
        let told = |(said, watts): &(Seconds, i64)| {
            let fresh = at.0.saturating_sub(said.0) <= POWER_S || source.device.on_change;
            fresh.then_some(*watts)
        };
        let mut powers = self.power.iter().flatten().filter_map(told);
        let first = powers.next();
        let told = Told {
            registers: vec![*register],
            power_w: first.map(|p| powers.fold(p, i64::saturating_add)),
        };
        source.values(at, &told);
    }
}
