//! `wattpool-agent meter open`: what an owner shows to whoever checks a bill.

use crate::commands::At;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::Failure;
use anyhow::anyhow;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use wattpool_audit::opening::{Opening, Openings, Registers, VERSION};
use wattpool_audit::period::{self, End};
use wattpool_core::ports::Signer;
use wattpool_daemon::config::Config;
use wattpool_journal_sqlite::{HistoryReader, ReadingRow};
use wattpool_ledger_wasmd::Market as Deployment;
use wattpool_schema::{Commitment, Window};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    at: At,
    /// From this time on: a day (2026-05-04), a time (2026-05-04T22:00:00Z) or a window's number. The registers at its beginning are opened, too.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Up to this time: a day (that one is in it), a time (it is not) or a window's number (it is).
    #[arg(long, value_name = "TIME")]
    to: String,
    /// The file to write, for its owner's eyes alone; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Opens rows; those whose statement came before a reading that is not kept cannot be.
fn opened(rows: &[ReadingRow], signer: &dyn Signer) -> (Vec<Opening>, Vec<Window>) {
    let (mut all, mut closed) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut before: Option<Commitment> = None;
    for row in rows {
        let with = |previous| Opening {
            window: row.window,
            registers: Registers {
                import: row.import,
                export: row.export,
            },
            salt: signer.salt(row.window),
            previous,
        };
        // The first statement of a meter, and of a journal, has none before it.
        let tries = [before.unwrap_or_default(), Commitment::default()];
        let fits = tries
            .map(with)
            .into_iter()
            .find(|o| o.commitment() == row.commitment);
        match fits {
            Some(opening) => all.push(opening),
            None => closed.push(row.window),
        }
        before = Some(row.commitment);
    }
    (all, closed)
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let config = Config::read(&args.at.config).map_err(Failure::input)?;
    let market = Deployment::read(&config.chain.market).map_err(Failure::input)?;
    let seconds = market.window_seconds;
    let window = |option: &str, text: &str, end| {
        let found = period::window(text, seconds, end);
        found.map_err(|why| Failure::input(anyhow!("{option}: {why}")))
    };
    let from = window("--from", &args.from, End::First)?;
    let to = window("--to", &args.to, End::Last)?;
    if from > to {
        return Err(Failure::input(anyhow!(
            "--from and --to: window {from} is after window {to}"
        )));
    }
    let history = HistoryReader::open(&config.storage.file).map_err(Failure::input)?;
    // One more in front: what the first of them commits to.
    let first = history.readings(from, to)?.first().map(|row| row.window);
    let rows = history.readings(first.unwrap_or(from), to)?;
    let passphrase = passphrase::get(&config.keys.passphrase_file)?;
    let keystore = Keystore::open(&config.keys.file, passphrase)?;
    let (mut openings, closed) = opened(&rows, &keystore.signer);
    openings.retain(|o| first.is_none_or(|first| o.window >= first));
    for window in closed.iter().filter(|w| **w >= from) {
        eprintln!("wattpool-agent: window {window} cannot be opened: the reading before it is not kept any more, or other keys stated it");
    }
    if !openings.iter().any(|o| o.window >= from) {
        return Err(Failure::input(anyhow!(
            "windows {from} to {to}: no reading of them is kept in {}",
            config.storage.file.display()
        )));
    }
    let document = Openings {
        version: VERSION,
        meter: config.meter.id,
        home: None,
        installed: None,
        openings,
    };
    let text = crate::json(&document)?;
    match &args.out {
        None => crate::print(&text)?,
        Some(file) => {
            let mut options = std::fs::OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o600).open(file);
            let named = |e: std::io::Error| Failure::input(anyhow!("{}: {e}", file.display()));
            let mut out = made.map_err(named)?;
            out.write_all(text.as_bytes()).map_err(named)?;
            out.sync_all().map_err(named)?;
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_keys::SoftKeys;
    use wattpool_schema::{signing, Wh};

    #[test]
    fn what_was_committed_to_is_opened_and_nothing_else() {
        let keys = SoftKeys::new([1; 32], [2; 32], [3; 32]).unwrap();
        let mut previous = Commitment::default();
        let mut rows: Vec<ReadingRow> = (1..=5u64)
            .map(|w| {
                let (import, export) = (Wh(10 * w), Wh(20 * w));
                let salt = keys.salt(Window(w));
                previous = signing::commitment(&salt, import, export, &previous);
                ReadingRow {
                    window: Window(w),
                    sequence: w,
                    import,
                    export,
                    commitment: previous,
                }
            })
            .collect();
        let (all, closed) = opened(&rows, &keys);
        assert_eq!((all.len(), closed.len()), (5, 0));
        // Without the first, the second cannot be opened; the others can.
        let (all, closed) = opened(rows.get(1..).unwrap(), &keys);
        assert_eq!((all.len(), closed), (3, vec![Window(2)]));
        // What a device did not measure is not opened.
        rows.get_mut(2).unwrap().import = Wh(31);
        let (_, closed) = opened(&rows, &keys);
        assert_eq!(closed, [Window(3)]);
        let others = SoftKeys::new([1; 32], [2; 32], [4; 32]).unwrap();
        assert_eq!(opened(&rows, &others).0.len(), 0);
    }
}
