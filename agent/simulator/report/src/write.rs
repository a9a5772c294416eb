//! Puts a run's files into the output directory, each whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use wattpool_scenario::model::Neighbourhood;

use crate::error::WriteError;
use crate::measures::Measures;
use crate::outcome::Outcome;
use crate::{dictionary, page, record, resolved, tables};

/// Every figure, JSON. Moved into place last: where it lies, the other files are complete.
pub const SUMMARY: &str = "summary.json";
/// One row per window.
pub const WINDOWS: &str = "windows.csv";
/// One row per home.
pub const METERS: &str = "meters.csv";
/// One row per closed trade.
pub const TRADES: &str = "trades.csv";
/// What every column of every file is.
pub const DICTIONARY: &str = "dictionary.csv";
/// The scenario as it was simulated.
pub const SCENARIO: &str = "scenario.json";
/// One row per home and window, recorded on demand.
pub const HOMES: &str = "homes.csv";
/// One row per offer, recorded on demand.
pub const OFFERS: &str = "offers.csv";
/// One row per request, recorded on demand.
pub const REQUESTS: &str = "requests.csv";
/// One line per event of the chain, recorded on demand.
pub const EVENTS: &str = "events.jsonl";
/// The whole chain as an export that `wattpool audit` reads, recorded on demand.
pub const CHAIN: &str = "chain.jsonl";
/// What every home's owner can open of its statements, for `wattpool audit bill`, recorded on demand.
pub const OPENINGS: &str = "openings.jsonl";
/// The page for people.
pub const PAGE: &str = "report.html";

fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io {
        path,
        action,
        source,
    }
}

/// A directory inside the output directory (so that renaming stays on one file system) that is removed
/// with whatever is still in it.
struct Staging(PathBuf);

impl Staging {
    fn new(out_dir: &Path) -> Result<Self, WriteError> {
        let path = out_dir.join(format!(".partial-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(io(&path, "create the directory"))?;
        Ok(Self(path))
    }

    /// Writes one file completely, down to the disk.
    fn file(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>, &Path) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let path = self.0.join(name);
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // Openings show when a home is empty.
        #[cfg(unix)]
        if name == OPENINGS {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let made = options.open(&path).map_err(io(&path, "create the file"))?;
        let mut out = BufWriter::new(made);
        fill(&mut out, &path)?;
        let file = out
            .into_inner()
            .map_err(|error| io(&path, "write the file")(error.into_error()))?;
        file.sync_all().map_err(io(&path, "write the file"))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing more can be done about a leftover, and its name says what it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes sure, before a run starts, that its results can be written: creates the directory (and its
/// parents) if it is missing and tries to write in it. The error is one line that names the path.
pub fn check_out_dir(path: &Path) -> Result<(), WriteError> {
    if path.exists() && !path.is_dir() {
        return Err(WriteError::NotADirectory {
            path: path.to_owned(),
        });
    }
    fs::create_dir_all(path).map_err(io(path, "create the directory"))?;
    let staging = Staging::new(path)?;
    staging.file("probe", |out, path| {
        out.write_all(b"probe").map_err(io(path, "write the file"))
    })
}

/// Writes `summary.json`, `windows.csv`, `meters.csv`, `trades.csv`, `scenario.json`, `dictionary.csv` and
/// `report.html` into `out_dir`, and what was recorded, replacing those of an earlier run (its records too) and
/// leaving other files alone. All are completed beside their
/// places first and then renamed, the summary last; a failure leaves no half-written file.
pub fn write_all(
    out_dir: &Path,
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    measures: &Measures,
) -> Result<(), WriteError> {
    check_out_dir(out_dir)?;
    let staging = Staging::new(out_dir)?;
    let table = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Table { path, source }
    };
    staging.file(WINDOWS, |out, path| {
        tables::write_windows(out, neighbourhood.clock, &measures.accounts).map_err(table(path))
    })?;
    staging.file(METERS, |out, path| {
        tables::write_meters(out, neighbourhood, &measures.accounts, &outcome.attackers)
            .map_err(table(path))
    })?;
    staging.file(TRADES, |out, path| {
        tables::write_trades(out, neighbourhood, outcome).map_err(table(path))
    })?;
    staging.file(DICTIONARY, |out, path| {
        dictionary::write_csv(out).map_err(table(path))
    })?;
    let json = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Summary { path, source }
    };
    staging.file(SCENARIO, |out, path| {
        let scenario = resolved::resolved(neighbourhood, outcome);
        serde_json::to_writer_pretty(&mut *out, &scenario).map_err(json(path))?;
        out.write_all(b"\n").map_err(io(path, "write the file"))
    })?;
    if let Some(recorded) = &outcome.recorded {
        staging.file(HOMES, |out, path| {
            record::write_homes(out, neighbourhood, outcome)?.map_err(table(path))
        })?;
        staging.file(OFFERS, |out, path| {
            record::write_offers(out, neighbourhood, recorded).map_err(table(path))
        })?;
        staging.file(REQUESTS, |out, path| {
            record::write_requests(out, neighbourhood, recorded).map_err(table(path))
        })?;
        staging.file(EVENTS, |out, path| {
            record::write_events(out, recorded).map_err(json(path))
        })?;
        if let Some(chain) = &recorded.chain {
            staging.file(CHAIN, |out, path| {
                record::write_chain(out, chain).map_err(io(path, "write the file"))
            })?;
            staging.file(OPENINGS, |out, path| {
                record::write_openings(out, chain).map_err(json(path))
            })?;
        }
    }
    staging.file(PAGE, |out, path| {
        let html =
            page::render(neighbourhood, outcome, measures).map_err(|reason| WriteError::Page {
                path: path.to_owned(),
                reason,
            })?;
        out.write_all(html.as_bytes())
            .map_err(io(path, "write the file"))
    })?;
    staging.file(SUMMARY, |out, path| {
        serde_json::to_writer_pretty(&mut *out, &measures.summary).map_err(json(path))?;
        out.write_all(b"\n").map_err(io(path, "write the file"))
    })?;
    // An earlier summary must not stand beside newer tables, should the moving be cut short.
    let summary = out_dir.join(SUMMARY);
    if summary.exists() {
        fs::remove_file(&summary).map_err(io(&summary, "replace the file"))?;
    }
    let recorded = [HOMES, OFFERS, REQUESTS, EVENTS, CHAIN, OPENINGS];
    for name in [WINDOWS, METERS, TRADES, DICTIONARY, SCENARIO, PAGE]
        .into_iter()
        .chain(recorded)
        .chain([SUMMARY])
    {
        let (made, target) = (staging.0.join(name), out_dir.join(name));
        if made.exists() {
            fs::rename(&made, &target).map_err(io(&target, "replace the file"))?;
        } else if target.exists() {
            // Records of an earlier run are not this one's.
            fs::remove_file(&target).map_err(io(&target, "replace the file"))?;
        }
    }
    Ok(())
}
