//! `wattpool admin register-meters`: a CSV file, a report per line.

use super::meters::{check, Kind};
use super::pseudonym::{of, read_secret};
use crate::chain::{block_on, failed, Session};
use crate::market::call;
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use clap::ValueEnum;
use serde_json::json;
use std::path::PathBuf;
use std::str::FromStr;
use wattpool_schema::pool::{ExecuteMsg, MeterResponse, QueryMsg, Registration};
use wattpool_wallet::amount::energy;

/// Registers many meters.
#[derive(clap::Args)]
#[command(
    after_help = "Columns: meter (or number, with --secret), owner, device, household (may be empty), zone, kind, max_export, max_import."
)]
pub struct Bulk {
    /// The file; its first line names the columns.
    csv: PathBuf,
    /// The registrar's secret, to compute pseudonyms from a column `number`.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// Check the file and say what each line would do; send nothing.
    #[arg(long)]
    check: bool,
}

struct Line {
    /// In the file, from 1.
    number: u64,
    registration: Result<Registration, String>,
}

fn parse<T: FromStr>(what: &str, text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| {
        let why = e.to_string();
        match why.contains("found") {
            true => format!("{what}: {why}"),
            false => format!("{what}: {why}, found {text:?}"),
        }
    })
}

fn read(session: &Session, args: &Bulk) -> Result<Vec<Line>, Failure> {
    let file = args.csv.display().to_string();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_path(&args.csv)
        .with_context(|| file.clone())
        .map_err(Failure::input)?;
    let header = reader
        .headers()
        .with_context(|| file.clone())
        .map_err(Failure::input)?
        .clone();
    let place = |name: &str| header.iter().position(|h| h == name);
    let need = |name: &str| {
        place(name).ok_or_else(|| Failure::input(anyhow!("{file}: expected a column {name}")))
    };
    let secret = args
        .secret
        .as_ref()
        .map(|file| read_secret(file))
        .transpose()?;
    let id = match (place("meter"), &secret) {
        (Some(meter), _) => meter,
        (None, Some(_)) => need("number")?,
        (None, None) => {
            return Err(Failure::input(anyhow!(
                "{file}: expected a column meter, or a column number and --secret"
            )))
        }
    };
    let by_number = place("meter").is_none();
    let (owner, device, zone, kind) = (
        need("owner")?,
        need("device")?,
        need("zone")?,
        need("kind")?,
    );
    let (out, into) = (need("max_export")?, need("max_import")?);
    let household = place("household");
    let known = [
        "meter",
        "number",
        "owner",
        "device",
        "household",
        "zone",
        "kind",
        "max_export",
        "max_import",
        "note",
    ];
    if let Some(other) = header.iter().find(|h| !known.contains(h)) {
        return Err(Failure::input(anyhow!(
            "{file}: unknown column {other:?}; known: {}",
            known.join(", ")
        )));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record
            .with_context(|| file.clone())
            .map_err(Failure::input)?;
        let number = record.position().map_or(0, csv::Position::line);
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let registration = (|| {
            let meter = match (&secret, by_number) {
                (Some(secret), true) => of(secret, cell(id))?,
                _ => parse("meter", cell(id))?,
            };
            let household = household.map(cell).filter(|h| !h.is_empty());
            let kind = Kind::from_str(cell(kind), true).map_err(|_| {
                format!(
                    "kind: expected pv, wind, battery, mixed or consumer, found {:?}",
                    cell(kind)
                )
            })?;
            let registration = Registration {
                meter,
                owner: session
                    .resolve("owner", cell(owner))
                    .map_err(|f| f.error.to_string())?,
                device: parse("device", cell(device))?,
                household: household.map(|h| parse("household", h)).transpose()?,
                zone: parse("zone", cell(zone))?,
                kind: kind.into(),
                max_export: energy("max_export", cell(out)).map_err(|e| e.to_string())?,
                max_import: energy("max_import", cell(into)).map_err(|e| e.to_string())?,
            };
            check(&registration).map(|()| registration)
        })();
        lines.push(Line {
            number,
            registration,
        });
    }
    let mut seen = std::collections::BTreeMap::new();
    for line in &mut lines {
        if let Ok(registration) = &line.registration {
            if let Some(first) = seen.insert(registration.meter, line.number) {
                line.registration = Err(format!("meter: it is in line {first} already"));
            }
        }
    }
    Ok(lines)
}

/// Whether the meter stands as the line says.
fn same(found: &MeterResponse, line: &Registration) -> bool {
    !found.retired
        && found.owner == line.owner
        && found.device == line.device
        && found.zone == line.zone
        && found.kind == line.kind
        && found.max_export == line.max_export
        && found.max_import == line.max_import
        && (line.household.is_none() || found.household == line.household)
}

/// Registers and reports; exit code 1 if a line was not done. What stands already is left as it is, so that a file can be
/// run again.
///
/// # Errors
/// The file is malformed (exit code 2).
pub fn run(session: &Session, args: &Bulk) -> Result<u8, Failure> {
    let lines = read(session, args)?;
    let market = session.market()?;
    let good = lines.iter().filter(|l| l.registration.is_ok()).count();
    let signer = session.signer()?;
    if !args.check {
        session.confirm(&format!(
            "This will register up to {good} meters, signed by {}.",
            signer.address
        ))?;
    }
    block_on(async {
        let client = session.client().await?;
        let (mut bad, mut report) = (0_u32, Vec::new());
        for line in lines {
            let mut meter = None;
            let outcome = match line.registration {
                Err(why) => Err(why),
                Ok(registration) => {
                    meter = Some(registration.meter);
                    let question = QueryMsg::Meter {
                        meter: registration.meter,
                    };
                    let found: Result<MeterResponse, _> =
                        client.rpc().smart(&market.pool.address, &question).await;
                    match found {
                        Ok(found) if same(&found, &registration) => Ok("stands already".to_owned()),
                        Ok(found) if !found.retired => Err("another registration stands: change it (update-meter, set-device) or retire it first".to_owned()),
                        Err(error) if !error.to_string().contains("UNKNOWN_METER") => return Err(failed(error)),
                        _ if args.check => Ok("would be registered".to_owned()),
                        _ => {
                            let words = format!("register meter {}", registration.meter);
                            let msg = ExecuteMsg::RegisterMeter { registration };
                            let message = call(&signer.address, &market.pool.address, &msg, &[])?;
                            // Asked once for all of them.
                            let sent = session.carry_out_asked(&words, &signer, vec![message]).await;
                            sent.map(|sent| sent.map_or_else(|| "simulated".to_owned(), |s| format!("registered in block {}, transaction {}", s.height, s.hash)))
                                .map_err(|f| wattpool_program::line(&f.error))
                        }
                    }
                }
            };
            let (ok, text) = match outcome {
                Ok(text) => (true, text),
                Err(why) => (false, why),
            };
            bad = bad.saturating_add(u32::from(!ok));
            if session.as_json() {
                report.push(json!({"line": line.number, "meter": meter, "ok": ok, "result": text}));
            } else {
                let word = if ok { "ok    " } else { "FAILED" };
                let meter = meter.map_or_else(|| "-".repeat(32), |m| m.to_string());
                print(&format!("line {:<4} {word} {meter} {text}\n", line.number))?;
            }
        }
        if session.as_json() {
            print(&wattpool_program::json(&report)?)?;
        }
        Ok(u8::from(bad != 0))
    })
}
