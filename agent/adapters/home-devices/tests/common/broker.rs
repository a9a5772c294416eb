//! A real mosquitto with a user, in plain or with TLS.

use super::device;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wattpool_home_devices::Device;

/// A broker with a user, in plain or with TLS, and what belongs to it.
pub struct Broker {
    folder: tempfile::TempDir,
    pub port: u16,
    tls: bool,
    child: Option<Child>,
}

fn found(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    folders.any(|f| f.join(program).is_file())
}

fn done(command: &mut Command) {
    let out = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

impl Broker {
    pub fn start(tls: bool) -> Option<Self> {
        if !found("mosquitto") || !found("openssl") {
            assert!(
                std::env::var_os("WATTPOOL_METER_ORACLES").is_none(),
                "mosquitto is missing; on Debian: apt-get install mosquitto mosquitto-clients"
            );
            println!(
                "skipped: no mosquitto (on Debian: apt-get install mosquitto mosquitto-clients)"
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = |name: &str| folder.path().join(name);
        done(
            Command::new("mosquitto_passwd")
                .arg("-c")
                .arg("-b")
                .arg(path("users"))
                .args(["home", "secret"]),
        );
        std::fs::write(path("password"), "secret\n").unwrap();
        let mut text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\npersistence false\nuser root\n",
            path("users").display()
        );
        if tls {
            certificates(folder.path());
            for (key, file) in [
                ("cafile", "ca.pem"),
                ("certfile", "broker.pem"),
                ("keyfile", "broker.key"),
            ] {
                writeln!(text, "{key} {}", path(file).display()).unwrap();
            }
        }
        std::fs::write(path("broker.conf"), text).unwrap();
        let mut broker = Self {
            folder,
            port,
            tls,
            child: None,
        };
        broker.run();
        Some(broker)
    }

    pub fn run(&mut self) {
        let program = if found("mosquitto") {
            "mosquitto"
        } else {
            "/usr/sbin/mosquitto"
        };
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(self.path("broker.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        unreachable!("mosquitto does not listen");
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody else's client says something.
    pub fn say(&self, topic: &str, text: &str, more: &[&str]) {
        let mut command = Command::new("mosquitto_pub");
        command.args([
            "-h",
            "localhost",
            "-p",
            &self.port.to_string(),
            "-u",
            "home",
            "-P",
            "secret",
        ]);
        if self.tls {
            command.arg("--cafile").arg(self.path("ca.pem"));
        }
        done(command.args(["-t", topic, "-m", text]).args(more));
    }

    /// Somebody else's client listens to a topic.
    pub fn hears(&self, topic: &str) -> Heard {
        let mut child = Command::new("mosquitto_sub")
            .args(["-h", "localhost", "-p", &self.port.to_string()])
            .args(["-u", "home", "-P", "secret", "-t", topic])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&last);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *heard.lock().unwrap() = Some(line);
            }
        });
        Heard { child, last }
    }

    pub fn device(&self, more: &str) -> Device {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        let ca = if self.tls {
            format!("ca_file = {:?}", self.path("ca.pem"))
        } else {
            String::new()
        };
        device(&format!(
            "kind = \"mqtt\"\nconnection = \"{scheme}://localhost:{}\"\nuser = \"home\"\nsecret_file = {:?}\n{ca}\n{more}",
            self.port,
            self.path("password"),
        ))
    }
}

/// What somebody else's client hears.
pub struct Heard {
    child: Child,
    last: Arc<Mutex<Option<String>>>,
}

impl Heard {
    /// The last message.
    pub fn text(&self) -> Option<String> {
        self.last.lock().unwrap().clone()
    }

    /// The last message, as JSON.
    pub fn last(&self) -> Option<serde_json::Value> {
        self.text().map(|t| serde_json::from_str(&t).unwrap())
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A certificate authority and the broker's certificate.
pub fn certificates(folder: &Path) {
    let openssl =
        |arguments: &[&str]| done(Command::new("openssl").args(arguments).current_dir(folder));
    std::fs::write(
        folder.join("names"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    openssl(
        &[
            &["req", "-x509"],
            &key[..],
            &[
                "-days", "2", "-subj", "/CN=home", "-keyout", "ca.key", "-out", "ca.pem",
            ],
        ]
        .concat(),
    );
    openssl(
        &[
            &["req"],
            &key[..],
            &[
                "-subj",
                "/CN=localhost",
                "-keyout",
                "broker.key",
                "-out",
                "broker.csr",
            ],
        ]
        .concat(),
    );
    openssl(&[
        "x509",
        "-req",
        "-in",
        "broker.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "broker.pem",
    ]);
}
