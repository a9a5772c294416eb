//! A real mosquitto, with a password and TLS, that is stopped and started again. Without it these tests say that they
//! are skipped, unless `WATTPOOL_METER_ORACLES` demands them.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod common;

use common::{device, Ear, Word};
use std::fmt::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use wattpool_home_devices::Device;

/// A broker with a user, in plain or with TLS, and what belongs to it.
struct Broker {
    folder: tempfile::TempDir,
    port: u16,
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
    fn start(tls: bool) -> Option<Self> {
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

    fn run(&mut self) {
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

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody else's client says something.
    fn say(&self, topic: &str, text: &str, more: &[&str]) {
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

    fn device(&self, more: &str) -> Device {
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

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A certificate authority and the broker's certificate.
fn certificates(folder: &Path) {
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

const TASMOTA: &str = r#"
value = [
    { quantity = "import", topic = "tele/meter/SENSOR", path = "ENERGY.Total", unit = "kWh" },
    { quantity = "export", topic = "tele/meter/SENSOR", path = "ENERGY.ExportActive", unit = "kWh" },
    { quantity = "power", topic = "tele/meter/SENSOR", path = "ENERGY.Power", unit = "W" },
]"#;

fn tasmota(total: f64) -> String {
    format!(
        r#"{{"Time":"2026-07-01T12:00:00","ENERGY":{{"Total":{total},"ExportActive":0.5,"Power":-70}}}}"#
    )
}

/// Says it again and again until it is heard: when a client has subscribed, a publisher cannot know.
async fn heard(
    broker: &Broker,
    ear: &mut Ear,
    topic: &str,
    text: &str,
    want: (Option<u64>, Option<u64>),
) {
    let say = async {
        loop {
            broker.say(topic, text, &[]);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let hear = async { while ear.registers().await != want {} };
    tokio::select! {
        () = say => {}
        () = hear => {}
    }
}

async fn read_through_a_restart(tls: bool) {
    let Some(mut broker) = Broker::start(tls) else {
        return;
    };
    let mut ear = Ear::new(&[broker.device(TASMOTA)]);
    heard(
        &broker,
        &mut ear,
        "tele/meter/SENSOR",
        &tasmota(12.345),
        (Some(12_345), None),
    )
    .await;
    assert_eq!(ear.registers().await, (None, Some(500)));
    broker.stop();
    let why = ear.trouble().await;
    assert!(why.contains("localhost"), "{why}");
    broker.run();
    heard(
        &broker,
        &mut ear,
        "tele/meter/SENSOR",
        &tasmota(13.0),
        (Some(13_000), None),
    )
    .await;
}

#[tokio::test]
async fn a_broker_with_a_password_is_read_through_its_restart() {
    read_through_a_restart(false).await;
}

#[tokio::test]
async fn a_broker_with_tls_is_read_through_its_restart() {
    read_through_a_restart(true).await;
}

#[tokio::test]
async fn a_broker_that_nobody_vouches_for_and_a_wrong_password_are_refused() {
    let Some(broker) = Broker::start(true) else {
        return;
    };
    let mut stranger = broker.device(TASMOTA);
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    stranger.ca_file = Some(other.path().join("ca.pem"));
    let why = Ear::new(&[stranger]).trouble().await;
    assert!(why.contains("certificate"), "{why}");
    let mut guess = broker.device(TASMOTA);
    let wrong = other.path().join("password");
    std::fs::write(&wrong, "guess").unwrap();
    guess.secret_file = Some(wrong);
    let why = Ear::new(&[guess]).trouble().await;
    assert!(
        why.contains("BadUserNamePassword") || why.contains("NotAuthorized"),
        "{why}"
    );
}

#[tokio::test]
async fn a_retained_message_is_of_whenever_unless_the_device_tells_changes_alone() {
    let Some(broker) = Broker::start(false) else {
        return;
    };
    broker.say("tele/meter/SENSOR", &tasmota(1.0), &["-r"]);
    let mut ear = Ear::new(&[broker.device(TASMOTA)]);
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) => Some(why.clone()),
        _ => None,
    });
    assert!(refused
        .await
        .contains("a retained message, of whenever, is left out"));
    broker.say("home/import", "1000.25", &["-r"]);
    let changes = "on_change = true\nvalue = [{ quantity = \"import\", topic = \"home/import\", unit = \"kWh\" }]\nrole = \"import\"";
    let mut ear = Ear::new(&[broker.device(changes)]);
    assert_eq!(ear.registers().await, (Some(1_000_250), None));
    // Nothing has changed: it still holds later.
    let again = ear.until(|w| match w {
        Word::Said(0, said) => said.reading.import,
        _ => None,
    });
    assert_eq!(again.await.wh.0, 1_000_250);
    // What is no number is told with its place.
    broker.say("home/import", "on", &[]);
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) => Some(why.clone()),
        _ => None,
    });
    assert_eq!(
        refused.await,
        "topic home/import: line 1, column 1: expected JSON"
    );
}
