use crate::{agrees, alone, wait};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use wattpool_ledger_wasmd::Market;
use wattpool_neighbourhood::chain::{description, window_for, Chain};
use wattpool_neighbourhood::run::{run, Shown};
use wattpool_neighbourhood::street::street;
use wattpool_schema::Zone;

/// Length of a window to begin with; longer ones follow on a machine that is busy.
const WINDOW_S: u32 = 10;

fn script(home: &Path, verb: &str, options: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(verb);
    let output = Command::new(script)
        // Built with this test.
        .env("WATTPOOL_PREBUILT", "1")
        .arg("--home")
        .arg(home)
        .args(options)
        .stdin(Stdio::null())
        .output();
    output.unwrap_or_else(|e| panic!("testnet/{verb}: {e}"))
}

/// A script that must succeed; what it printed.
fn done(home: &Path, verb: &str, options: &[&str]) -> String {
    let output = script(home, verb, options);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "testnet/{verb}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a failed test started does not stay.
struct Cleared<'a>(&'a Path);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        script(self.0, "reset", &[]);
    }
}

fn up(home: &Path, window_s: u32) -> Value {
    let (window, contracts) = (window_s.to_string(), wattpool_testnet::built::contracts());
    let options = [
        "--json",
        "--block-ms",
        "500",
        "--voting-s",
        "4",
        "--window-s",
        &window,
        "--contracts",
        contracts.to_str().expect("a folder's name in UTF-8"),
    ];
    serde_json::from_str(&done(home, "up", &options)).expect("up prints JSON")
}

/// `testnet/up`, a neighbourhood, `testnet/down`.
#[test]
fn a_street_on_the_network_that_the_scripts_make() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let home: PathBuf = folder.path().join("state");
    let _cleared = Cleared(&home);
    let mut window_s = WINDOW_S;
    let shown: Shown = loop {
        let begun = up(&home, window_s);
        assert_eq!(begun["running"], true);
        let lived = wait(async {
            let chain = Chain::connect(description(&home)?).await?;
            let pace = chain.pace().await?;
            let wanted = window_for(pace)?;
            if wanted > window_s {
                return Ok(Err(wanted));
            }
            let market = Market::read(&home.join("contracts.json"))?;
            let street = street(8, &[Zone(0)], 6)?;
            Ok(Ok(run(&chain, &market, &street, pace).await?))
        });
        match lived {
            Ok(shown) => break shown,
            Err(wanted) => {
                done(&home, "reset", &[]);
                window_s = wanted + wanted / 2;
            }
        }
    };
    agrees(&shown);
    done(&home, "down", &[]);
    let status = script(&home, "status", &["--json"]);
    assert_eq!(status.status.code(), Some(3));
    let status: Value = serde_json::from_slice(&status.stdout).expect("status prints JSON");
    assert_eq!(status["running"], false);
    for node in status["nodes"].as_array().expect("a list of nodes") {
        assert!(node["process"].is_null(), "{node}");
    }
}
