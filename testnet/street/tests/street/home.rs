//! One agent's folder and process.

use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A host of its own: a network namespace, and how it and the world reach each other.
#[derive(Clone, Debug)]
pub struct Place {
    /// A process in the namespace.
    pub pid: u32,
    /// The host's own address.
    pub ip: String,
    /// Where others dial it: address and port.
    pub dialled: (String, u16),
    /// Where it finds the chain.
    pub rpc: String,
}

pub struct Home {
    pub folder: PathBuf,
    pub meter: String,
    pub keys: Value,
    /// HTTP, and above it the peers' port.
    pub port: u16,
    /// Where it lives, if not on this host.
    pub place: Option<Place>,
    /// The meter that is read, as a device of the configuration; none: a profile is replayed.
    pub device: Option<String>,
    child: Option<Child>,
}

impl Home {
    /// Keys and folder; the agent does not run yet.
    pub fn init(street: &Path, number: u16, port: u16) -> Self {
        let folder = street.join(format!("home-{number}"));
        let meter = format!(
            "{:032x}",
            0xa000_0000_0000_0000_0000_0000_0000_0000u128 + u128::from(number) * 0x1111
        );
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("passphrase"), "not a secret in a test\n").unwrap();
        let config = folder.join("agent.toml");
        let init = wattpool_program_harness::program(
            "wattpool-agent",
            &["init", "--json", "--meter", &meter, "--config"],
        )
        .arg(&config)
        .env("WATTPOOL_PASSPHRASE_FILE", folder.join("passphrase"))
        .output()
        .unwrap();
        Self {
            keys: wattpool_program_harness::ended(init).json(),
            folder,
            meter,
            port,
            place: None,
            device: None,
            child: None,
        }
    }

    pub fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// Where others dial it.
    pub fn address(&self) -> String {
        format!("{}/p2p/{}", self.reached_at(), self.key("peer_id"))
    }

    fn reached_at(&self) -> String {
        let here = ("127.0.0.1".to_owned(), self.port + 1);
        let (ip, port) = self.place.as_ref().map_or(here, |p| p.dialled.clone());
        format!("/ip4/{ip}/tcp/{port}")
    }

    /// The program, run where the home lives.
    fn agent(&self, args: &[&str]) -> Command {
        let Some(place) = &self.place else {
            return wattpool_program_harness::program("wattpool-agent", args);
        };
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", place.pid))
            .arg("--")
            .arg(wattpool_program_harness::built("wattpool-agent"))
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub fn configure(
        &self,
        rpc: &[String],
        market: &Path,
        bootstrap: &[String],
        block_ms: u32,
        first_window: u64,
    ) {
        let ip = self.place.as_ref().map_or("127.0.0.1", |p| p.ip.as_str());
        let external = self.reached_at();
        let meter = match &self.device {
            Some(device) => format!("[[meter.device]]\n{device}"),
            None => format!(
                "[meter.replay]\nfile = \"profile.csv\"\nfirst_window = {first_window}\nrepeat = false\n"
            ),
        };
        let config = format!(
            "[meter]\nid = {:?}\n{meter}\
             [chain]\nrpc = {rpc:?}\nallow_plain_http = true\nmarket = {market:?}\ngas_price = \"0.0025uwatt\"\nblock_ms = {block_ms}\n\
             [network]\nlisten = [\"/ip4/{ip}/tcp/{}\"]\nexternal = [{external:?}]\nbootstrap = {bootstrap:?}\nmdns = false\n\
             [keys]\npassphrase_file = \"passphrase\"\n[http]\nlisten = \"127.0.0.1:{}\"\n[log]\nlevel = \"info,wattpool=debug,wattpool_runtime=debug,wattpool_discovery_libp2p=debug,wattpool_ledger_wasmd=debug\"\n",
            self.meter,
            self.port + 1,
            self.port,
        );
        fs::write(self.folder.join("agent.toml"), config).unwrap();
    }

    /// Starts the agent. It is killed with this process, whatever becomes of it.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let mut command = self.agent(&["run", "--config"]);
        command
            .arg(self.folder.join("agent.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// As a cut of the power does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// As systemd does; false: it had to be killed.
    pub fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return true;
        };
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        for _ in 0..300 {
            if let Some(status) = child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    /// One of the owner's commands, as JSON; none while the agent does not answer.
    pub fn ask(&self, command: &[&str]) -> Option<Value> {
        let config = self.folder.join("agent.toml");
        let args = [command, &["--json", "--config"]].concat();
        let ran = wattpool_program_harness::ended(self.agent(&args).arg(config).output().unwrap());
        (ran.code == Some(0)).then(|| serde_json::from_str(&ran.stdout).unwrap())
    }

    /// The end of its log, for a failing test.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.kill();
    }
}
