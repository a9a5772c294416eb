//! `wattpool admin backup` and `restore`: what an operator must keep, in one file under a passphrase.

use crate::chain::{unusable, warn, Session};
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use wattpool_wallet::backup::{pack, unpack, Saved, MOST_BYTES};
use wattpool_wallet::files;
use wattpool_wallet::passphrase::Passphrases;
use zeroize::Zeroizing;

/// Folders of a wallet's home that are kept.
const KEPT: [&str; 3] = ["keyring-file", "keyring-test", "outbox"];
/// Where files stand in the archive that are not the wallet's.
const OTHERS: &str = "files";

/// Writes a backup.
#[derive(clap::Args)]
pub struct Backup {
    /// The backup to write; it must not exist yet.
    file: PathBuf,
    /// Files to keep besides: the registrar's secret, settings, lists of meters.
    others: Vec<PathBuf>,
    /// File with the backup's passphrase; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: Option<PathBuf>,
}

/// Restores a backup.
#[derive(clap::Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// Where to put the files that are not the wallet's; keys go into --home.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Only open it and list what is in it.
    #[arg(long)]
    check: bool,
    /// File with the backup's passphrase; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: Option<PathBuf>,
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(file)
        .and_then(|f| f.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut bytes));
    read.with_context(|| file.display().to_string())
        .map_err(Failure::input)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > MOST_BYTES) {
        return Err(Failure::input(anyhow!(
            "{}: expected at most {} MiB",
            file.display(),
            MOST_BYTES >> 20
        )));
    }
    Ok(bytes)
}

fn other(file: &Path) -> Result<Saved, Failure> {
    let name = file.file_name().and_then(|n| n.to_str());
    let name = name.ok_or_else(|| {
        Failure::input(anyhow!("{}: expected a file with a name", file.display()))
    })?;
    Ok(Saved {
        path: format!("{OTHERS}/{name}"),
        bytes: read(file)?,
    })
}

/// What the wallet's home has to be kept of.
fn of_the_wallet(home: &Path) -> Result<Vec<Saved>, Failure> {
    let mut all = Vec::new();
    for folder in KEPT {
        let entries = match std::fs::read_dir(home.join(folder)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(anyhow!("{}: {e}", home.join(folder).display()).into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            names.extend(
                name.to_str()
                    .filter(|n| !n.starts_with('.'))
                    .map(str::to_owned),
            );
        }
        names.sort();
        for name in names {
            all.push(Saved {
                bytes: read(&home.join(folder).join(&name))?,
                path: format!("{folder}/{name}"),
            });
        }
    }
    Ok(all)
}

/// Writes the backup and lists what is in it.
///
/// # Errors
/// A file cannot be read, two have the same name, or the backup stands already (exit code 2).
pub fn backup(session: &Session, args: &Backup) -> Result<u8, Failure> {
    let what = args.file.display().to_string();
    if args.file.symlink_metadata().is_ok() {
        return Err(Failure::input(anyhow!(
            "{what}: it is there already: name another file"
        )));
    }
    let mut all = of_the_wallet(&session.home()?)?;
    if !all.iter().any(|f| f.path.starts_with("keyring-")) {
        warn("there are no keys in this wallet: the backup has none");
    }
    // Kept as it is, whatever is in it; where there is none yet, nothing is missed.
    let market = session.options().market.as_ref();
    let market = market.filter(|file| file.exists());
    let config = session.configuration().filter(|file| file.is_file());
    for file in config.iter().chain(market).chain(&args.others) {
        all.push(other(file)?);
    }
    let from = Passphrases::new(args.backup_passphrase_file.clone(), None, warn);
    let word = from
        .choose("Passphrase for the backup: ")
        .map_err(unusable)?;
    let sealed = pack(&all, word).map_err(unusable)?;
    let folder = match args.file.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) => folder,
        None => Path::new("."),
    };
    let name = args.file.file_name().and_then(|n| n.to_str());
    let name = name.ok_or_else(|| Failure::input(anyhow!("{what}: expected a file's name")))?;
    files::write(folder, name, &sealed, false)
        .with_context(|| what.clone())
        .map_err(Failure::input)?;
    listed(session, &what, &all, |_| "kept")
}

fn listed(
    session: &Session,
    what: &str,
    all: &[Saved],
    word: impl Fn(&str) -> &'static str,
) -> Result<u8, Failure> {
    let files: Vec<_> = all
        .iter()
        .map(|f| json!({"path": f.path, "bytes": f.bytes.len(), "result": word(&f.path)}))
        .collect();
    session.answer(&json!({"backup": what, "files": files}), || {
        all.iter()
            .map(|f| {
                format!(
                    "{:<15} {:>8} bytes  {}\n",
                    word(&f.path),
                    f.bytes.len(),
                    f.path
                )
            })
            .collect()
    })
}

/// Restores what is not there yet; nothing that stands is changed, and nothing is written where something else stands.
///
/// # Errors
/// The passphrase is wrong, it is no backup, or another file stands in the place of one of its own (exit code 2).
pub fn restore(session: &Session, args: &Restore) -> Result<u8, Failure> {
    let what = args.file.display().to_string();
    let sealed = read(&args.file)?;
    let from = Passphrases::new(args.backup_passphrase_file.clone(), None, warn);
    let word = from.get("Passphrase of the backup: ").map_err(unusable)?;
    let all = unpack(&what, &sealed, word).map_err(unusable)?;
    if args.check {
        return listed(session, &what, &all, |_| "whole");
    }
    let home = session.home()?;
    let place = |path: &str| match path.split_once('/') {
        Some((OTHERS, name)) => Some((args.into.clone(), name.to_owned())),
        Some((folder, name)) if KEPT.contains(&folder) => {
            Some((home.join(folder), name.to_owned()))
        }
        _ => None,
    };
    let mut missing = Vec::new();
    for file in &all {
        let (folder, name) = place(&file.path)
            .ok_or_else(|| Failure::input(anyhow!("{what}: {} has no place here", file.path)))?;
        let target = folder.join(&name);
        match std::fs::read(&target).map(Zeroizing::new) {
            Ok(there) if *there == *file.bytes => {}
            Ok(_) => {
                return Err(Failure::input(anyhow!(
                    "{}: another file is there: nothing was restored (--home and --into name other folders)",
                    target.display()
                )))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => missing.push((file, folder, name)),
            Err(e) => return Err(Failure::input(anyhow!("{}: {e}", target.display()))),
        }
    }
    let mut written = std::collections::BTreeSet::new();
    for (file, folder, name) in missing {
        files::write(&folder, &name, &file.bytes, false)
            .with_context(|| folder.join(&name).display().to_string())?;
        written.insert(file.path.clone());
    }
    listed(session, &what, &all, |path| {
        if written.contains(path) {
            "restored"
        } else {
            "was there"
        }
    })?;
    if !session.as_json() {
        print(&format!(
            "keys are in {}, other files in {}; each key opens with its own passphrase\n",
            home.display(),
            args.into.display()
        ))?;
    }
    Ok(0)
}
