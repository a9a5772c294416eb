//! `wattpool-agent meter read` and `meter test`: what the configured devices say, as they say it.

use super::super::At;
use crate::Failure;
use anyhow::{bail, Result};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use wattpool_daemon::config::Config;
use wattpool_home_devices::judge::Minute;
use wattpool_home_devices::{listen, Device, Listener, Said};
use wattpool_meter_codec::clock::utc_text;

#[derive(clap::Args)]
pub struct Read {
    #[command(flatten)]
    at: At,
    /// End after so many seconds; without it, when interrupted.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// End after so many readings.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

#[derive(clap::Args)]
pub struct Test {
    #[command(flatten)]
    at: At,
    /// Listen for so many seconds.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

/// One line of `meter read`.
#[derive(Serialize)]
struct Line<'a> {
    device: &'a str,
    /// UTC.
    time: String,
    import_wh: Option<u64>,
    export_wh: Option<u64>,
    power_w: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_off_s: Option<i64>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    remarks: &'a [&'static str],
}

fn devices(at: &At) -> Result<Vec<Device>, Failure> {
    let config = Config::read(&at.config).map_err(Failure::input)?;
    if config.meter.device.is_empty() {
        let why = anyhow::anyhow!(
            "{}: meter.device: expected a device that is read, found a profile that is replayed",
            at.config.display()
        );
        return Err(Failure::input(why));
    }
    Ok(config.meter.device)
}

/// Hands everything on.
enum Word {
    Said(usize, Said),
    Trouble(usize, String),
    Refused(usize, String),
}

struct HandOn(mpsc::Sender<Word>);

impl Listener for HandOn {
    // Who reads slowly misses words, and keeps no memory full of them.
    fn said(&self, device: usize, said: Said) {
        let _ = self.0.try_send(Word::Said(device, said));
    }

    fn trouble(&self, device: usize, why: &str) {
        let _ = self.0.try_send(Word::Trouble(device, why.to_owned()));
    }

    fn refused(&self, device: usize, why: &str) {
        let _ = self.0.try_send(Word::Refused(device, why.to_owned()));
    }
}

/// Listens to the devices for so many seconds, and hands each word on until the answer is false.
fn each_word(
    devices: &[Device],
    seconds: Option<u64>,
    mut word: impl FnMut(Word) -> Result<bool>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (tell, mut told) = mpsc::channel(256);
        let listener = Arc::new(HandOn(tell)) as Arc<dyn Listener>;
        let _tasks = listen(devices, &listener).map_err(|(number, error)| {
            let number = number.saturating_add(1);
            Failure::input(anyhow::anyhow!("meter.device {number}: {error}"))
        })?;
        let most = Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)));
        let listening = async {
            while let Some(next) = told.recv().await {
                if !word(next)? {
                    break;
                }
            }
            anyhow::Ok(())
        };
        tokio::select! {
            ended = listening => ended?,
            () = tokio::time::sleep(most) => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        Ok(())
    })
}

pub fn read(args: &Read) -> Result<u8, Failure> {
    let devices = devices(&args.at)?;
    let names: Vec<String> = devices.iter().map(Device::name).collect();
    let name = |number: usize| names.get(number).map_or("", String::as_str);
    let mut count = 0u64;
    each_word(&devices, args.seconds, |word| {
        match word {
            Word::Said(number, said) => {
                let line = Line {
                    device: name(number),
                    time: utc_text(said.at),
                    import_wh: said.reading.import.map(|r| r.wh.0),
                    export_wh: said.reading.export.map(|r| r.wh.0),
                    power_w: said.reading.power_w,
                    meter: said.meter.as_deref(),
                    clock_off_s: said.clock_off_s,
                    remarks: &said.remarks,
                };
                let mut text = serde_json::to_string(&line)?;
                text.push('\n');
                crate::print(&text)?;
                count = count.saturating_add(1);
            }
            Word::Trouble(number, why) => eprintln!("wattpool-agent: {}: {why}", name(number)),
            Word::Refused(number, why) => {
                eprintln!("wattpool-agent: {}: left out: {why}", name(number));
            }
        }
        Ok(args.count.is_none_or(|most| count < most))
    })?;
    Ok(u8::from(count == 0))
}

pub fn test(args: &Test) -> Result<u8, Failure> {
    let devices = devices(&args.at)?;
    eprintln!("wattpool-agent: listening for {} s", args.seconds);
    let minutes = Mutex::new(vec![Minute::default(); devices.len()]);
    each_word(&devices, Some(args.seconds), |word| {
        let mut minutes = minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let (Word::Said(number, _) | Word::Trouble(number, _) | Word::Refused(number, _)) = word;
        let Some(minute) = minutes.get_mut(number) else {
            bail!("a device that is none");
        };
        match word {
            Word::Said(_, said) => minute.hear(said),
            Word::Trouble(_, why) => minute.troubles.push(why),
            Word::Refused(_, why) => minute.refused.push(why),
        }
        Ok(true)
    })?;
    let minutes = minutes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut wrong = false;
    let mut text = String::new();
    for (device, minute) in devices.iter().zip(&minutes) {
        text.push_str(&format!("{} ({})\n", device.name(), device.connection));
        for finding in minute.judge(device, args.seconds) {
            wrong |= !finding.right;
            let mark = if finding.right { "right" } else { "wrong" };
            text.push_str(&format!("  {mark}  {}\n", finding.words));
        }
    }
    crate::print(&text)?;
    Ok(u8::from(wrong))
}
