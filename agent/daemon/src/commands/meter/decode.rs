//! `wattpool-agent meter decode`: a capture of any format as JSON lines; what cannot be read is told on stderr
//! with its place.

use crate::Failure;
use anyhow::{bail, Context, Result};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wattpool_meter_codec::cipher::{parse_key, Keys};
use wattpool_meter_codec::clock::{utc_text, Zone};
use wattpool_meter_codec::modbus::RegisterUnit;
use wattpool_meter_codec::obis::Obis;
use wattpool_meter_codec::{
    dlms, json, p1, sml, sunspec, text, Dialect, Frames, RegistersFrom, Stream, Telegram, Time,
};

/// What a capture is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// DSMR, ESMR and eMUCS telegrams, encrypted ones too.
    P1,
    /// SML files as German meters push them.
    Sml,
    /// DLMS pushes in HDLC or M-Bus frames, or bare.
    Dlms,
    /// Registers of a SunSpec device from its marker on, two bytes each, high byte first.
    Sunspec,
    /// Messages, one a line, alone or behind their topic (as mosquitto_sub -v prints them).
    Mqtt,
}

#[derive(clap::Args)]
pub struct Args {
    /// What the file is in.
    #[arg(long, value_enum)]
    format: Format,
    /// The file, bytes or hexadecimal text; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The owner's encryption key: 32 hexadecimal digits, or a file that holds them.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The owner's authentication key, in the same form.
    #[arg(long, value_name = "KEY", requires = "key")]
    authentication_key: Option<String>,
    /// Hours before UTC, in winter, of a meter that tells local time.
    #[arg(long, value_name = "HOURS", default_value_t = 1, allow_hyphen_values = true,
          value_parser = clap::value_parser!(i8).range(-12..=14))]
    zone: i8,
    /// Sum the phases' registers instead of taking the meter's total.
    #[arg(long)]
    phases: bool,
    /// Take frames whose check is wrong, as edited captures have. What they say may be false.
    #[arg(long)]
    ignore_checks: bool,
    #[command(flatten)]
    named: Named,
}

/// Where the values of messages are that are of no known kind.
#[derive(clap::Args)]
struct Named {
    /// Where messages tell what was imported: a path within them (SML.E_in), or the topic of a number alone.
    #[arg(long, value_name = "PATH", help_heading = "Messages of no known kind")]
    import: Option<String>,
    /// Where messages tell what was exported.
    #[arg(long, value_name = "PATH", help_heading = "Messages of no known kind")]
    export: Option<String>,
    /// Where messages tell the power, W.
    #[arg(long, value_name = "PATH", help_heading = "Messages of no known kind")]
    power: Option<String>,
    /// What the named registers are in.
    #[arg(long, value_enum, default_value_t = Unit::KWh, help_heading = "Messages of no known kind")]
    unit: Unit,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Unit {
    #[value(name = "Wh")]
    Wh,
    #[value(name = "kWh")]
    KWh,
}

impl Named {
    fn values(&self) -> Vec<json::Named<'_>> {
        let unit = match self.unit {
            Unit::Wh => RegisterUnit::Wh,
            Unit::KWh => RegisterUnit::KWh,
        };
        let all = [
            (Obis::IMPORT, &self.import, unit),
            (Obis::EXPORT, &self.export, unit),
            (Obis::POWER, &self.power, RegisterUnit::W),
        ];
        all.into_iter()
            .filter_map(|(obis, path, unit)| Some((obis, path.as_deref()?, unit)))
            .collect()
    }
}

/// One line of the result.
#[derive(Serialize)]
struct Line<'a> {
    format: &'a str,
    /// Where its frame begins, bytes (of a message: its line).
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<u16>,
    /// UTC.
    time: Option<String>,
    /// The meter's own seconds, which are no time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    counter_s: Option<u64>,
    import_wh: Option<u64>,
    export_wh: Option<u64>,
    power_w: Option<i64>,
    /// Smallest step of the registers, Wh.
    step_wh: Option<u64>,
    /// Energy (D is 8) in Wh, power (D is 7) in W.
    obis: BTreeMap<String, i64>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    remarks: &'a [&'a str],
}

/// Hexadecimal text is held whole before it is read.
const LONGEST_TEXT: usize = 16 * 1024 * 1024;

struct Decoding<'a> {
    args: &'a Args,
    name: &'static str,
    decoded: u64,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let dialect = dialect(args).map_err(Failure::input)?;
    if args.format != Format::Mqtt && !args.named.values().is_empty() {
        let what = "--import, --export and --power: expected --format mqtt";
        return Err(Failure::input(anyhow::anyhow!(what)));
    }
    let mut input = open(&args.file).map_err(Failure::input)?;
    let name = match args.format {
        Format::P1 => "p1",
        Format::Sml => "sml",
        Format::Dlms => "dlms",
        Format::Sunspec => "sunspec",
        Format::Mqtt => "mqtt",
    };
    let mut decoding = Decoding {
        args,
        name,
        decoded: 0,
    };
    match args.format {
        Format::P1 => decoding.stream(Stream::new(p1::Telegrams::new(dialect)), &mut input)?,
        Format::Sml => decoding.stream(Stream::new(sml::Files), &mut input)?,
        Format::Dlms => {
            decoding.stream(Stream::new(dlms::Pushes::with_bare(dialect)), &mut input)?
        }
        Format::Sunspec => decoding.registers(&mut input)?,
        Format::Mqtt => decoding.messages(&mut input)?,
    }
    if decoding.decoded == 0 {
        eprintln!(
            "wattpool-agent: {}: no reading was decoded",
            args.file.display()
        );
        return Ok(1);
    }
    Ok(0)
}

fn dialect(args: &Args) -> Result<Dialect> {
    let key = |given: &Option<String>, option: &str| -> Result<Option<[u8; 16]>> {
        let Some(given) = given else { return Ok(None) };
        if let Some(key) = parse_key(given) {
            return Ok(Some(key));
        }
        let text = std::fs::read_to_string(given)
            .with_context(|| format!("{option}: expected 32 hexadecimal digits or a file"))?;
        let key = parse_key(&text);
        Ok(Some(key.with_context(|| {
            format!("{option}: {given}: expected 32 hexadecimal digits")
        })?))
    };
    let authentication = key(&args.authentication_key, "--authentication-key")?;
    let encryption = key(&args.key, "--key")?;
    Ok(Dialect {
        keys: encryption.map(|encryption| Keys {
            encryption,
            authentication,
        }),
        zone: Zone {
            winter_hours: args.zone,
        },
        ignore_checks: args.ignore_checks,
    })
}

fn open(file: &Path) -> Result<Box<dyn Read>> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    Ok(Box::new(opened))
}

impl Decoding<'_> {
    fn refused(&self, at: &dyn std::fmt::Display) {
        eprintln!("wattpool-agent: {}: {at}", self.args.file.display());
    }

    /// Frames out of a stream, as they come.
    fn stream<F: Frames>(&mut self, mut stream: Stream<F>, input: &mut dyn Read) -> Result<()> {
        let mut chunk = vec![0; 4096];
        let first = fill(input, &mut chunk)?;
        let first = chunk.get(..first).unwrap_or(&[]);
        let begin = text::bytes(first);
        if begin.as_slice() != first || looks_hexadecimal(first) {
            let all = self.whole(first.to_vec(), input)?;
            // In pieces, so that no more than a frame is held twice.
            for piece in text::bytes(&all).chunks(4096) {
                stream.push(piece);
                self.take(&mut stream)?;
            }
        } else {
            stream.push(first);
            self.take(&mut stream)?;
            loop {
                let length = input
                    .read(&mut chunk)
                    .with_context(|| self.args.file.display().to_string())?;
                if length == 0 {
                    break;
                }
                stream.push(chunk.get(..length).unwrap_or(&[]));
                self.take(&mut stream)?;
            }
        }
        stream.end();
        self.take(&mut stream)
    }

    fn whole(&self, mut begun: Vec<u8>, input: &mut dyn Read) -> Result<Vec<u8>> {
        let most = u64::try_from(LONGEST_TEXT)?;
        input.take(most).read_to_end(&mut begun)?;
        if begun.len() > LONGEST_TEXT {
            bail!(
                "{}: expected at most {LONGEST_TEXT} bytes",
                self.args.file.display()
            );
        }
        Ok(begun)
    }

    fn take<F: Frames>(&mut self, stream: &mut Stream<F>) -> Result<()> {
        while let Some(next) = stream.next() {
            match next {
                Ok(telegram) => self.told(&telegram, None)?,
                Err(refused) => self.refused(&refused),
            }
        }
        Ok(())
    }

    fn told(&mut self, telegram: &Telegram, model: Option<u16>) -> Result<()> {
        let from = if self.args.phases {
            RegistersFrom::Phases
        } else {
            RegistersFrom::Total
        };
        let reading = match telegram.reading(from) {
            Ok(reading) => reading,
            Err(why) => {
                self.refused(&format!("at byte {}: {why}", telegram.offset));
                return Ok(());
            }
        };
        let step = |r: Option<wattpool_meter_codec::Register>| r.map(|r| r.step.0);
        let line = Line {
            format: self.name,
            offset: telegram.offset,
            meter: telegram.meter.as_deref(),
            model,
            time: match reading.time {
                Some(Time::Utc(at)) => Some(utc_text(at)),
                _ => None,
            },
            counter_s: match reading.time {
                Some(Time::Counter(seconds)) => Some(seconds),
                _ => None,
            },
            import_wh: reading.import.map(|r| r.wh.0),
            export_wh: reading.export.map(|r| r.wh.0),
            power_w: reading.power_w,
            step_wh: step(reading.import).max(step(reading.export)),
            obis: telegram
                .values
                .iter()
                .filter_map(|v| Some((v.obis.to_string(), v.whole()?)))
                .collect(),
            remarks: &telegram.remarks,
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        crate::print(&text)?;
        self.decoded = self.decoded.saturating_add(1);
        Ok(())
    }

    fn registers(&mut self, input: &mut dyn Read) -> Result<()> {
        let bytes = text::bytes(&self.whole(Vec::new(), input)?);
        let registers: Vec<u16> = bytes
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes))
            .collect();
        match sunspec::map(&registers) {
            Ok(models) => {
                for (model, telegram) in models {
                    self.told(&telegram, Some(model))?;
                }
            }
            Err(problem) => self.refused(&problem),
        }
        Ok(())
    }

    fn messages(&mut self, input: &mut dyn Read) -> Result<()> {
        let mut reader = std::io::BufReader::new(input);
        let names = self.args.named.values();
        for number in 1u64.. {
            let mut line = Vec::new();
            let most = u64::try_from(json::LONGEST)?.saturating_mul(2);
            std::io::BufRead::read_until(&mut (&mut reader).take(most), b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            if !line.ends_with(b"\n") && line.len() > json::LONGEST {
                self.refused(&format!(
                    "line {number}: longer than {} bytes",
                    json::LONGEST
                ));
                skip_line(&mut reader)?;
                continue;
            }
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let (topic, text) = message(line);
            let read = if names.is_empty() {
                json::recognised(&topic, text).map(|(kind, telegram)| (kind.to_owned(), telegram))
            } else {
                json::named(&topic, text, &names).map(|telegram| (topic.into_owned(), telegram))
            };
            match read {
                // Messages about something else come between.
                Ok((_, telegram)) if telegram.values.is_empty() => {}
                Ok((name, mut telegram)) => {
                    telegram.meter = Some(name).filter(|name| !name.is_empty());
                    telegram.offset = number;
                    self.told(&telegram, None)?;
                }
                Err(problem) => self.refused(&format!("line {number}: {problem}")),
            }
        }
        Ok(())
    }
}

/// A message's topic, if it is behind one as `mosquitto_sub -v` prints it, and its text.
fn message(line: &[u8]) -> (Cow<'_, str>, &[u8]) {
    let begin = line.iter().position(|b| *b == b'{').or_else(|| {
        let blank = line.iter().rposition(u8::is_ascii_whitespace)?;
        Some(blank.saturating_add(1))
    });
    let (topic, text) = line
        .split_at_checked(begin.unwrap_or(0))
        .unwrap_or((&[], line));
    (String::from_utf8_lossy(topic.trim_ascii()), text)
}

fn skip_line(reader: &mut impl std::io::BufRead) -> Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at.saturating_add(1));
        let over = end.is_some() || buffer.is_empty();
        reader.consume(used);
        if over {
            return Ok(());
        }
    }
}

/// Reads what tells bytes from hexadecimal text, or all that there is.
fn fill(input: &mut dyn Read, chunk: &mut [u8]) -> Result<usize> {
    let mut filled = 0usize;
    while filled < 64 {
        let length = input.read(chunk.get_mut(filled..).unwrap_or(&mut []))?;
        if length == 0 {
            break;
        }
        filled = filled.saturating_add(length);
    }
    Ok(filled)
}

/// The beginning of hexadecimal text may end in the middle of a byte.
fn looks_hexadecimal(begin: &[u8]) -> bool {
    let even = begin.get(..begin.len().saturating_sub(1)).unwrap_or(&[]);
    begin.len() > 16 && text::bytes(even).as_slice() != even
}
