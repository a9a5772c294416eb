//! A page that is asked for JSON: with a token, with what is missing told, away and back.
#![allow(clippy::unwrap_used, clippy::zombie_processes)]

mod common;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::Router;
use common::broker::certificates;
use common::{device, Ear, Word};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

type Page = Arc<Mutex<(StatusCode, String)>>;

async fn page(State(page): State<Page>, headers: HeaderMap) -> (StatusCode, String) {
    let token = headers
        .get("authorization")
        .map(|h| h.to_str().unwrap().to_owned());
    if token.as_deref() != Some("Bearer open sesame") {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    page.lock().unwrap().clone()
}

#[tokio::test]
async fn a_page_is_read_and_what_is_wrong_is_told() {
    let state: Page = Arc::new(Mutex::new((
        StatusCode::OK,
        r#"{"emdata:0":{"total_act":1234.56,"total_act_ret":78},"em:0":{"total_act_power":-9.4}}"#
            .into(),
    )));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new()
        .route("/rpc/Shelly.GetStatus", get(page))
        .with_state(Arc::clone(&state));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    std::fs::write(&secret, "open sesame\n").unwrap();
    let text = format!(
        r#"
kind = "http"
connection = "http://127.0.0.1:{port}/rpc/Shelly.GetStatus"
interval_s = 1
secret_file = {secret:?}
value = [
    {{ quantity = "import", path = "emdata:0.total_act", unit = "Wh" }},
    {{ quantity = "export", path = "emdata:0.total_act_ret", unit = "Wh" }},
    {{ quantity = "power", path = "em:0.total_act_power", unit = "W" }},
]"#
    );
    let mut ear = Ear::new(&[device(&text)]);
    let Word::Said(0, import) = ear.word().await else {
        unreachable!()
    };
    assert_eq!((import.line, import.reading.power_w), (0, Some(-9)));
    assert_eq!(import.reading.import.map(|r| r.wh.0), Some(1_234));
    assert_eq!(ear.registers().await, (None, Some(78)));
    *state.lock().unwrap() = (
        StatusCode::OK,
        r#"{"emdata:0":{"total_act":"broken"}}"#.into(),
    );
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) => Some(why.clone()),
        _ => None,
    });
    let refused = refused.await;
    assert!(
        refused.contains("path \"emdata:0.total_act\": expected a number"),
        "{refused}"
    );
    *state.lock().unwrap() = (StatusCode::BAD_GATEWAY, String::new());
    assert!(ear.trouble().await.contains("502 Bad Gateway"));
    // More than a page may be is not taken in.
    *state.lock().unwrap() = (StatusCode::OK, " ".repeat(100_000));
    let long = ear.until(|w| match w {
        Word::Trouble(0, why) if why.contains("longer than") => Some(why.clone()),
        _ => None,
    });
    assert!(long.await.contains("longer than 65536 bytes"));
    *state.lock().unwrap() = (
        StatusCode::OK,
        r#"{"emdata:0":{"total_act":2000,"total_act_ret":79}}"#.into(),
    );
    assert_eq!(ear.registers().await, (Some(2_000), None));
}

/// openssl as a device that speaks TLS and gives out the files of a folder.
struct Device {
    child: Child,
    port: u16,
}

impl Device {
    fn start(folder: &Path) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-WWW",
                "-cert",
                "broker.pem",
                "-key",
                "broker.key",
            ])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fingerprint(folder: &Path) -> String {
    let out = Command::new("openssl")
        .args([
            "x509",
            "-in",
            "broker.pem",
            "-noout",
            "-fingerprint",
            "-sha256",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.trim().split_once('=').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_device_with_tls_is_believed_by_its_certificate_or_its_authority_alone() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: no openssl");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    std::fs::write(folder.path().join("status.json"), r#"{"total":77}"#).unwrap();
    let server = Device::start(folder.path());
    let with = |more: &str| {
        device(&format!(
            "kind = \"http\"\nconnection = \"https://localhost:{}/status.json\"\nrole = \"import\"\ninterval_s = 1\n{more}\nvalue = [{{ quantity = \"import\", path = \"total\", unit = \"Wh\" }}]",
            server.port
        ))
    };
    let pinned = format!("certificate = {:?}", fingerprint(folder.path()));
    assert_eq!(
        Ear::new(&[with(&pinned)]).registers().await,
        (Some(77), None)
    );
    let authority = format!("ca_file = {:?}", folder.path().join("ca.pem"));
    assert_eq!(
        Ear::new(&[with(&authority)]).registers().await,
        (Some(77), None)
    );
    let other = format!("certificate = \"{}\"", "0f".repeat(32));
    let why = Ear::new(&[with(&other)]).trouble().await;
    assert!(why.contains("is none of those named for it"), "{why}");
    // Of the system's authorities none has signed it.
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        let why = Ear::new(&[with("")]).trouble().await;
        assert!(why.contains("certificate"), "{why}");
    }
}
