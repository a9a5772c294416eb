//! The folder for a run's results: tried before the run, held during it, and a place to fall back on.

use anyhow::anyhow;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use wattpool_program::Failure;
use wattpool_report::{check_out_dir, write_all, Measures, Outcome};
use wattpool_scenario::model::Neighbourhood;

/// A folder that only this run writes to.
pub struct OutFolder {
    path: PathBuf,
    /// Locked while it is open.
    _held: Option<File>,
}

impl OutFolder {
    /// Tries that results can be written into a folder, makes it if it is not there, and keeps other runs out.
    ///
    /// # Errors
    /// The folder cannot be written to, another run writes there, or a folder has the name of a result.
    pub fn take(path: &Path) -> Result<Self, Failure> {
        check_out_dir(path).map_err(Failure::input)?;
        let entries = fs::read_dir(path)
            .map_err(|e| Failure::input(anyhow!("{}: cannot be read ({e})", path.display())))?;
        let mut earlier = false;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let result = [".json", ".csv", ".html"].iter().any(|e| name.ends_with(e));
            if result && entry.path().is_dir() {
                return Err(Failure::input(anyhow!(
                    "{}: is a folder; expected a file, or no such name in the folder for results",
                    entry.path().display()
                )));
            }
            earlier |= name == "summary.json";
        }
        // A folder can be locked like a file, so that no file of the lock's own is left among the results.
        let held = match File::open(path).map(|f| (f.try_lock(), f)) {
            Ok((Err(TryLockError::WouldBlock), _)) => {
                return Err(Failure::input(anyhow!(
                    "{}: another run writes there; expected another folder, or none that runs",
                    path.display()
                )));
            }
            Ok((Ok(()), file)) => Some(file),
            // A file system without locks: nothing can be said about other runs.
            Ok((Err(TryLockError::Error(_)), _)) | Err(_) => None,
        };
        if earlier {
            eprintln!(
                "wattpool: {} holds the results of an earlier run: they will be replaced",
                path.display()
            );
        }
        Ok(Self {
            path: path.to_owned(),
            _held: held,
        })
    }

    /// Writes the results, if need be to a folder of its own among the temporary files.
    ///
    /// # Errors
    /// The results are not in their folder; the message says where they are, if anywhere.
    pub fn write(
        &self,
        n: &Neighbourhood,
        outcome: &Outcome,
        measures: &Measures,
    ) -> Result<(), Failure> {
        let Err(error) = write_all(&self.path, n, outcome, measures) else {
            eprintln!(
                "wattpool: results are in {}; open {}",
                self.path.display(),
                self.path.join("report.html").display()
            );
            return Ok(());
        };
        let elsewhere =
            std::env::temp_dir().join(format!("wattpool-results-{}", std::process::id()));
        Err(match write_all(&elsewhere, n, outcome, measures) {
            Ok(()) => anyhow!("{error}; the results are in {} instead", elsewhere.display()).into(),
            Err(second) => anyhow!(
                "{error}; nor could they be written elsewhere ({second}): only the summary above is left"
            )
            .into(),
        })
    }
}
