//! Where the files that a scenario names are found.

use std::path::{Path, PathBuf};

/// Finds files relative to the data folder or, without one, to the scenario file.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    base: PathBuf,
}

impl Places {
    /// `data_dir` may be the folder that the scenario's paths start from, or the first folder in them:
    /// with `citylearn-2022/pricing.csv` in the scenario both `data` and `data/citylearn-2022` do.
    pub(crate) fn new(scenario: &Path, data_dir: Option<&Path>) -> Self {
        let base = data_dir
            .or_else(|| scenario.parent())
            .unwrap_or_else(|| Path::new(""));
        Self { base: base.into() }
    }

    /// Path of a file that the scenario names. A file that is nowhere keeps its first candidate, which
    /// is refused when it is opened.
    pub(crate) fn find(&self, name: &str) -> PathBuf {
        let full = self.base.join(name);
        if full.exists() {
            return full;
        }
        let mut parts = Path::new(name).components();
        parts.next();
        let inner = self.base.join(parts.as_path());
        if parts.as_path() != Path::new("") && inner.is_file() {
            return inner;
        }
        full
    }
}
