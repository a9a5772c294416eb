//! A home's folder and the agent that runs in it.

use crate::prepared;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Windows and trades of its past: a week.
const PAST: (u64, u64) = (7 * 96, 400);

/// A home whose agent runs.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub port: u16,
    pub tls: u16,
    pub token: String,
    /// The window that ran when its week was made.
    pub window: u64,
    agent: Child,
}

/// What was answered.
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// The window that runs.
fn this_window() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs() / prepared::LEN
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wattpool-agent"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("TZ", "UTC")
        .env("WATTPOOL_PASSPHRASE_FILE", folder.join("passphrase"));
    command
}

impl Home {
    /// A home with a week behind it.
    pub fn start() -> Self {
        Self::start_with(|config| config)
    }

    /// The same with another configuration.
    pub fn start_with(change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("passphrase"), "not a secret in a test\n").unwrap();
        prepared::files(path);
        let init = command(path, &["init", "--meter", prepared::METER])
            .output()
            .unwrap();
        assert!(init.status.success(), "{init:?}");
        let (port, tls, peers, chain) = (free_port(), free_port(), free_port(), free_port());
        let config = fs::read_to_string(path.join("agent.toml")).unwrap();
        let config = config
            .replace(
                "# listen = \"127.0.0.1:8650\"",
                &format!("listen = \"127.0.0.1:{port}\""),
            )
            .replace("# home = \"\"", &format!("home = \"127.0.0.1:{tls}\""))
            .replace("# names = []", "names = [\"meter.home\"]")
            .replace("# currency = \"WATT\"", "currency = \"EUR\"")
            .replace(
                "# listen = [\"/ip4/0.0.0.0/tcp/7400\", \"/ip6/::/tcp/7400\"]",
                &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"]"),
            )
            .replace("# mdns = true", "mdns = false")
            // Nobody is there.
            .replace(":26657", &format!(":{chain}"));
        fs::write(path.join("agent.toml"), change(config)).unwrap();
        let window = this_window();
        prepared::fill(&path.join("journal.sqlite"), PAST.0, PAST.1, window);
        let agent = command(path, &["run"])
            .stderr(fs::File::create(path.join("log")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut home = Self {
            port,
            tls,
            agent,
            token: String::new(),
            folder,
            window,
        };
        let begun = Instant::now();
        while home.token.is_empty() || TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(home.folder.path().join("log")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
            assert!(home.agent.try_wait().unwrap().is_none(), "{}", log());
            std::thread::sleep(Duration::from_millis(50));
            let token = fs::read_to_string(home.folder.path().join("token"));
            home.token = token.unwrap_or_default().trim().to_owned();
        }
        home
    }

    /// A command of the owner.
    pub fn run(&self, arguments: &[&str]) -> Output {
        command(self.folder.path(), arguments).output().unwrap()
    }

    /// Sends bytes and reads until the other side closes.
    pub fn raw(&self, bytes: &[u8]) -> Got {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // It may be refused before all of it is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Got {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A request with these headers; `Host` is the agent's address unless they name another.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        request += "\r\n";
        request += body;
        self.raw(request.as_bytes())
    }

    /// As the owner's commands ask.
    pub fn owner(&self, method: &str, path: &str, body: &str) -> Got {
        let token = format!("Bearer {}", self.token);
        self.ask(method, path, &[("Authorization", &token)], body)
    }

    /// Pairs a browser: its cookie and the word that its changes carry.
    pub fn pair(&self, role: &str) -> (String, String) {
        let body = format!("{{\"role\":\"{role}\"}}");
        let code = self.owner("POST", "/api/v1/pairing", &body).json();
        let body = format!("{{\"code\":{}}}", code["code"]);
        let got = self.ask("POST", "/api/v1/session", &[], &body);
        assert_eq!(got.status, 200, "{}", got.body);
        let cookie = got.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        (cookie, got.json()["csrf"].as_str().unwrap().to_owned())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}
