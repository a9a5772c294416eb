//! Scenario files, profiles and prices: what people bring to a simulation.

use crate::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wattpool_scenario::inspect::together;
use wattpool_scenario::{load, Overrides};

/// Most bytes of a scenario that is tried.
const LONGEST_SCENARIO: usize = 8 * 1024;
/// Most bytes of a file of profiles that is tried.
const LONGEST_FILE: usize = 32 * 1024;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wattpool-fuzz-{}-{n}", std::process::id()));
        match fs::create_dir_all(&path) {
            Ok(()) => Self(path),
            Err(e) => panic!("{}: {e}", path.display()),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        if let Err(e) = fs::write(&path, bytes) {
            panic!("{}: {e}", path.display());
        }
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PROFILE: &str =
    "t,load,pv\n2026-05-04 10:00,0.3,0.5\n2026-05-04 10:15,0.3,0.5\n2026-05-04 10:30,0.3,0.5\n";

/// Scenarios that read `data.csv`.
const SCENARIOS: [&str; 6] = [
    "name = \"x\"\n[profiles]\nfile = \"data.csv\"\nhomes = [\"a\"]\nload = [{ column = \"load\", unit = \"kWh\" }]\n\
     generation = [{ column = \"pv\", unit = \"kW\", optional = true }]\n[profiles.time]\ncolumn = \"t\"\nzone = \"Europe/Berlin\"\n\
     [tariff.import]\nflat = 300_000\n",
    "name = \"x\"\nwindow_s = 3600\n[profiles]\nfile = \"data.csv\"\nhomes = [\"a\", \"b\"]\nhome_column = \"id\"\nmissing = \"previous\"\n\
     negative = \"zero\"\nmost_kw = 50\ndelimiter = \";\"\ndecimal = \",\"\nthousands = \".\"\nskip = 1\nfooter = 1\n\
     load = [{ column = \"load\", unit = \"kWh register\" }]\n[profiles.time]\ncolumn = \"t\"\nformat = \"%d.%m.%Y %H:%M\"\n\
     zone = \"Europe/Berlin\"\nclock_change = \"real\"\ntolerance_s = 5\nstep_s = 900\nshift_s = -60\nstamp = \"end\"\n[tariff.import]\nfile = \"data.csv\"\n\
     column = \"pv\"\nunit = \"per MWh\"\nmissing = \"previous\"\n",
    "name = \"x\"\n[profiles]\nfile = \"data.csv\"\nhomes = [\"a\"]\nnet = [{ column = \"load\", unit = \"W\", where = { pv = \"0.5\" } }]\n\
     [profiles.time]\ncolumn = \"t\"\nzone = \"+02:00\"\nresample_s = 900\n[tariff.import]\nperiods = [{ value = 1 }]\n",
    "name = \"x\"\n[profiles]\nfile = \"data.csv\"\nhomes = [\"a\"]\nload = [{ column = \"load\", unit = \"kWh\" }]\n[profiles.time]\n\
     column = \"t\"\nacross = true\nformat = \"%Y-%m-%d %H:%M\"\nzone = \"UTC\"\nclock_change = \"same_rows\"\n[tariff.import]\nflat = 1\n",
    "name = \"x\"\nstart = \"2026-05-04\"\ndays = 1\n[generate]\nhomes = 3\nzones = 2\npv_share = 0.5\n[zones.between]\nloss = 0.1\n\
     [policy]\nreserve_wh = 10\nhours = { from = 1, to = 2 }\n[faults]\nmessage_loss = 0.1\n",
    "name = \"x\"\nwindow_s = 900\nstart = \"2026-05-04T00:00Z\"\n[profiles]\nfile = \"data.csv\"\nload = [{ column = \"load\", unit = \"W per kWp\" }]\n\
     [profiles.time]\nstep_s = [900]\n[[homes]]\nname = \"a\"\nkwp = 3\ngroup = \"g\"\n[groups.g]\nzone = 2\n[tariff.import]\nflat = 1\n[feeders]\n",
];

/// As little work as a scenario may ask for, whatever it says.
const LITTLE: Overrides = Overrides {
    days: Some(1),
    meters: Some(1),
    seed: Some(1),
};

/// Loads a scenario and holds it to its word: one line, or series of the right length.
fn try_scenario(path: &Path, overrides: &Overrides) {
    match load(path, None, overrides) {
        Ok(n) => {
            let homes = n.homes.iter();
            let whole = homes
                .map(|h| (h.demand_wh.len(), h.generation_wh.len()))
                .all(|lengths| lengths == (n.windows, n.windows));
            if !whole || n.import_tariff.len() != n.windows || n.feed_in_tariff.len() != n.windows {
                panic!("series of another length than {} windows", n.windows);
            }
        }
        Err(e) => one_line(&e.to_string()),
    }
}

fn one_line(said: &str) {
    if said.contains('\n') || said.len() > 8_192 {
        panic!("not one clear line: {said:?}");
    }
}

/// A scenario as anybody may write it, beside a sound file.
pub(crate) const SCENARIO: Target = Target {
    name: "scenario",
    run: |data| {
        let folder = Folder::new();
        folder.put("data.csv", PROFILE.as_bytes());
        try_scenario(&folder.put("case.toml", data), &LITTLE);
    },
    seeds: || SCENARIOS.map(|s| s.as_bytes().to_vec()).to_vec(),
    longest: LONGEST_SCENARIO,
    // A short text may ask for a day of windows and a weather to go with it.
    per_byte: 64 * 1_024,
};

/// A file as anybody may bring it, read by sound scenarios and looked at.
pub(crate) const PROFILES: Target = Target {
    name: "profiles",
    run: |data| {
        let folder = Folder::new();
        let file = folder.put("data.csv", data);
        // One of them each time, whichever the length says.
        let readers: Vec<_> = SCENARIOS
            .iter()
            .filter(|s| s.contains("[profiles]"))
            .collect();
        let turn = data.len().checked_rem(readers.len()).unwrap_or(0);
        if let Some(scenario) = readers.get(turn) {
            let path = folder.put("case.toml", scenario.as_bytes());
            try_scenario(&path, &Overrides::default());
        }
        match together(&[file], Some("Europe/Berlin")) {
            Ok(found) => {
                let files = found.files.iter().flat_map(|f| &f.remarks);
                files
                    .chain(&found.remarks)
                    .chain(&found.read)
                    .for_each(|r| one_line(r));
            }
            Err(e) => one_line(&e.to_string()),
        }
    },
    seeds: || {
        [
            PROFILE,
            "Portal\nid;t;load;pv\na;04.05.2026 10:00;1.000,5;90,5\na;04.05.2026 10:15;1.001,5;91\nb;04.05.2026 10:00;7,5;1\nb;04.05.2026 10:15;8;1\nTotal;;;\n",
            "t,load,pv\n1777888800,1,0.5\n1777889700.0,2,0.5\n1777890600000,3,-9999\n",
            "t,0:30,1:00,1:30,0:00\n2026-03-29,1,2,3,4\n2026-10-25,1,2,3,4\n",
            "sep=;\nt;load;pv\n2026-05-04T10:00:00.000Z;1;0.5\n2026-05-04T10:17:31.250+02:00;unavailable;0.5\n",
            "\u{feff}t,load,pv\n2026-10-25 03:00,5,NA\n2026-10-25 02:00,4,\n2026-10-25 02:00,3,1e9\n2026-10-25 01:00,16777.215,1\n",
        ]
        .map(|s| s.as_bytes().to_vec())
        .to_vec()
    },
    longest: LONGEST_FILE,
    // A row of a few bytes may stand for a week of steps.
    per_byte: 256 * 1_024,
};
