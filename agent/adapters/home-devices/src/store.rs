//! The load profile on the device's disk, so that a restarted agent can still state windows that it had measured.
//!
//! A line of JSON for each end of a window, appended and made durable; the oldest are dropped when the file is read
//! and each time it has doubled.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wattpool_meter_codec::household::Household;
use wattpool_meter_codec::profile::{Moment, KEPT_S};
use wattpool_schema::{Seconds, Wh, Window};

/// An end of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    /// Name and role of the line.
    line: String,
    /// Length of windows, seconds.
    window_s: u32,
    window: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    import: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    export: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    power_w: Option<i64>,
    /// Nothing was heard around it for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apart_s: Option<u64>,
}

/// Longest line that is read, bytes.
const LONGEST: u64 = 1_024;

/// The file.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    file: File,
    window_s: u32,
    names: Vec<String>,
    /// The first window of each line that is not kept yet.
    next: Vec<Window>,
    kept: usize,
    added: usize,
}

impl Store {
    /// Opens the file, and puts what it holds of the lines of these names back. Lines that make no sense are left
    /// out, and their number told.
    pub(crate) fn open(
        path: &Path,
        window_s: u32,
        names: Vec<String>,
        household: &mut Household,
    ) -> io::Result<(Self, usize)> {
        let mut ends = Vec::new();
        let mut bad = 0usize;
        match File::open(path) {
            Ok(file) => {
                let mut reader = BufReader::new(file);
                loop {
                    let mut line = Vec::new();
                    io::Read::take(&mut reader, LONGEST).read_until(b'\n', &mut line)?;
                    if line.is_empty() {
                        break;
                    }
                    match serde_json::from_slice::<End>(&line) {
                        Ok(end) if end.window_s == window_s => ends.push(end),
                        _ => bad = bad.saturating_add(1),
                    }
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let newest = ends.iter().map(|e| e.window).max().unwrap_or(0);
        let kept = KEPT_S.checked_div(u64::from(window_s)).unwrap_or(0);
        let oldest = newest.saturating_sub(kept);
        ends.retain(|e| e.window >= oldest && names.contains(&e.line));
        let mut next = vec![Window(0); names.len()];
        for (line, name) in names.iter().enumerate() {
            for end in ends.iter().filter(|e| e.line == *name) {
                household.restore(line, Window(end.window), end.end());
                if let Some(next) = next.get_mut(line) {
                    *next = (*next).max(Window(end.window).next());
                }
            }
        }
        let file = rewrite(path, &ends)?;
        let kept = ends.len();
        let path = path.to_owned();
        let store = Self {
            path,
            file,
            window_s,
            names,
            next,
            kept,
            added: 0,
        };
        Ok((store, bad))
    }

    /// Writes the ends of a line that are not written yet.
    pub(crate) fn keep(&mut self, household: &Household, line: usize) -> io::Result<()> {
        let (Some(profile), Some(next), Some(name)) = (
            household.profile(line),
            self.next.get_mut(line),
            self.names.get(line),
        ) else {
            return Ok(());
        };
        let mut text = Vec::new();
        let mut after = *next;
        for (window, end) in profile.ends_from(*next) {
            write_line(&mut text, &End::of(name, self.window_s, window, end))?;
            after = window.next();
            self.added = self.added.saturating_add(1);
        }
        if text.is_empty() {
            return Ok(());
        }
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        *next = after;
        if self.added > self.kept.max(1_000) {
            self.shrink(household)?;
        }
        Ok(())
    }

    fn shrink(&mut self, household: &Household) -> io::Result<()> {
        let mut ends = Vec::new();
        for (line, name) in self.names.iter().enumerate() {
            let profile = household.profile(line).into_iter();
            let all = profile.flat_map(|p| p.ends_from(Window(0)));
            ends.extend(all.map(|(window, end)| End::of(name, self.window_s, window, end)));
        }
        self.file = rewrite(&self.path, &ends)?;
        self.kept = ends.len();
        self.added = 0;
        Ok(())
    }
}

impl End {
    fn of(name: &str, window_s: u32, window: Window, end: Result<Moment, u64>) -> Self {
        let good = end.ok();
        Self {
            line: name.to_owned(),
            window_s,
            window: window.0,
            import: good.map(|m| m.import.0),
            export: good.map(|m| m.export.0),
            power_w: good.and_then(|m| m.power_w),
            apart_s: end.err(),
        }
    }

    fn end(&self) -> Result<Moment, u64> {
        match (self.import, self.export) {
            (Some(import), Some(export)) => Ok(Moment {
                at: Seconds(Window(self.window).end(self.window_s).0),
                import: Wh(import),
                export: Wh(export),
                power_w: self.power_w,
            }),
            _ => Err(self.apart_s.unwrap_or(0)),
        }
    }
}

fn write_line(text: &mut Vec<u8>, end: &End) -> io::Result<()> {
    serde_json::to_writer(&mut *text, end)?;
    text.push(b'\n');
    Ok(())
}

/// A file with these lines alone takes the place of the old one, whole or not at all.
fn rewrite(path: &Path, ends: &[End]) -> io::Result<File> {
    let mut text = Vec::new();
    for end in ends {
        write_line(&mut text, end)?;
    }
    let new = path.with_extension("new");
    // A load profile tells when nobody is at home.
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_meter_codec::household::Role;
    use wattpool_meter_codec::{Reading, Register};

    fn hear(household: &mut Household, at: u64) {
        let register = |wh| {
            Some(Register {
                wh: Wh(wh),
                step: Wh(1),
            })
        };
        let reading = Reading {
            time: None,
            import: register(at),
            export: register(7),
            power_w: Some(-3),
        };
        household.hear(0, Seconds(at), &reading);
    }

    #[test]
    fn what_was_measured_is_there_after_a_restart_and_a_torn_line_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.jsonl");
        let names = vec!["p1".to_owned()];
        let open = || {
            let mut household = Household::new(900);
            household.add(Role::Grid);
            let (store, bad) = Store::open(&path, 900, names.clone(), &mut household).unwrap();
            (store, household, bad)
        };
        let (mut store, mut household, bad) = open();
        assert_eq!(bad, 0);
        for at in (850..2_800)
            .step_by(10)
            .filter(|at| !(1_750..1_850).contains(at))
        {
            hear(&mut household, at);
            store.keep(&household, 0).unwrap();
        }
        let told = |h: &Household| [0, 1, 2, 3].map(|w| h.end(Window(w)));
        let before = told(&household);
        assert!(before[0].is_ok() && before[1].is_err() && before[2].is_ok());
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"line\":\"p1\",\"win").unwrap();
        let (mut store, mut household, bad) = open();
        assert_eq!((told(&household), bad), (before, 1));
        // It goes on, and the torn line is gone.
        for at in (2_900..3_700).step_by(10) {
            hear(&mut household, at);
            store.keep(&household, 0).unwrap();
        }
        let (_, household, bad) = open();
        assert_eq!(bad, 0);
        assert_eq!(household.end(Window(3)).map(|m| m.import), Ok(Wh(3_600)));
        // Nobody else on the device reads when somebody is at home; a file of an earlier version is closed, too.
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        open();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.jsonl");
        let mut household = Household::new(60);
        household.add(Role::Grid);
        let (mut store, _) = Store::open(&path, 60, vec!["p1".into()], &mut household).unwrap();
        // Forty days of minutes, twice, in steps that are joined.
        for at in (0..2 * KEPT_S).step_by(3_600) {
            hear(&mut household, at);
            store.keep(&household, 0).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        let kept = usize::try_from(KEPT_S / 60).unwrap();
        assert!((kept..=2 * kept + 120).contains(&lines), "{lines}");
    }
}
