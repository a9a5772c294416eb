//! What strangers try: nothing is told and nothing is changed.

use crate::home::Home;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What only the household sees.
const OWN: [&str; 6] = [
    "/api/v1/status",
    "/api/v1/trades",
    "/api/v1/money?edges=0,1",
    "/api/v1/policy",
    "/api/v1/export?what=trades",
    "/api/v1/alerts",
];

fn paused(home: &Home) -> bool {
    home.owner("GET", "/api/v1/policy", "").json()["paused"] == true
}

#[test]
fn without_a_sign_nothing_is_told_or_changed() {
    let home = Home::start();
    let wrong = "0".repeat(64);
    let (bearer, cookie) = (format!("Bearer {wrong}"), format!("wattpool={wrong}"));
    let strange: [&[(&str, &str)]; 6] = [
        &[],
        &[("Authorization", "Bearer ")],
        &[("Authorization", &bearer)],
        &[("Authorization", "Basic b3duZXI6b3duZXI=")],
        &[("Cookie", &cookie)],
        &[("Cookie", "wattpool=../../etc/passwd; wattpool=")],
    ];
    for headers in strange {
        for path in OWN.iter().take(3) {
            let got = home.ask("GET", path, headers, "");
            assert!(
                [401, 429].contains(&got.status),
                "{path} {headers:?}: {}",
                got.status
            );
            assert!(!got.body.contains("a0000000"), "{}", got.body);
        }
        let got = home.ask("POST", "/api/v1/pause", headers, r#"{"paused":true}"#);
        assert!(
            [401, 429].contains(&got.status),
            "{headers:?}: {}",
            got.status
        );
    }
    // After ten failures not even the right token of that address is heard for a minute.
    for _ in 0..12 {
        home.ask("GET", "/api/v1/status", &[("Authorization", &bearer)], "");
    }
    let got = home.owner("GET", "/api/v1/status", "");
    assert_eq!(got.status, 429);
    let wait: u64 = got.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(got.json()["retry_after"], wait);
}

#[test]
fn another_sites_page_changes_nothing() {
    let home = Home::start();
    let (cookie, csrf) = home.pair("owner");
    let own = format!("http://127.0.0.1:{}", home.port);
    let body = r#"{"paused":true}"#;
    let cookie = ("Cookie", cookie.as_str());
    let csrf = ("X-Csrf-Token", csrf.as_str());
    let foreign: [&[(&str, &str)]; 7] = [
        &[cookie],
        &[cookie, ("X-Csrf-Token", "")],
        &[cookie, ("X-Csrf-Token", "0000")],
        &[cookie, csrf, ("Origin", "http://evil.example")],
        &[cookie, csrf, ("Origin", "null")],
        &[cookie, csrf, ("Sec-Fetch-Site", "cross-site")],
        &[cookie, csrf, ("Sec-Fetch-Site", "same-site")],
    ];
    for headers in foreign {
        let got = home.ask("POST", "/api/v1/pause", headers, body);
        assert_eq!(got.status, 403, "{headers:?}: {}", got.body);
    }
    assert!(!paused(&home));
    // A form cannot send JSON.
    let form = format!(
        "POST /api/v1/pause HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nCookie: {}\r\nX-Csrf-Token: {}\r\n\
         Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        home.port, cookie.1, csrf.1, body.len()
    );
    assert_eq!(home.raw(form.as_bytes()).status, 415);
    let got = home.ask(
        "POST",
        "/api/v1/session",
        &[("Origin", "http://evil.example")],
        r#"{"password":"x"}"#,
    );
    assert_eq!(got.status, 403);
    assert!(!paused(&home));
    let got = home.ask(
        "POST",
        "/api/v1/pause",
        &[cookie, csrf, ("Origin", &own)],
        body,
    );
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(paused(&home));
    // Reading needs no word; signing out ends it for good, and the news with it.
    assert_eq!(home.ask("GET", "/api/v1/status", &[cookie], "").status, 200);
    let mut news = TcpStream::connect(("127.0.0.1", home.port)).unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: {}\r\n\r\n",
        cookie.1
    );
    news.write_all(request.as_bytes()).unwrap();
    assert_eq!(
        home.ask("DELETE", "/api/v1/session", &[cookie, csrf], "")
            .status,
        200
    );
    assert_eq!(home.ask("GET", "/api/v1/status", &[cookie], "").status, 401);
    news.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut told = Vec::new();
    news.read_to_end(&mut told).unwrap();
    assert!(String::from_utf8_lossy(&told).contains("event: changed"));
}

#[test]
fn foreign_names_paths_and_bodies_are_refused() {
    let home = Home::start();
    let token = format!("Bearer {}", home.token);
    let token = ("Authorization", token.as_str());
    let script = script(&home);
    for host in [
        "evil.example",
        "evil.example:8650",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
    ] {
        for path in ["/", "/api/v1/status", "/health", "/metrics", &script] {
            let got = home.ask("GET", path, &[token, ("Host", host)], "");
            assert!(
                [400, 421].contains(&got.status),
                "{host} {path}: {}",
                got.status
            );
            assert!(!got.body.contains("a0000000"));
        }
    }
    let twice = home.raw(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!([400, 421].contains(&twice.status), "{}", twice.status);
    for host in ["localhost:1", "meter.home", "METER.HOME:8651", "[::1]:8650"] {
        let got = home.ask("GET", "/api/v1/status", &[token, ("Host", host)], "");
        assert_eq!(got.status, 200, "{host}");
    }
    for path in [
        "/../agent.toml",
        "/page/../../token",
        "/page/%2e%2e/%2e%2e/token",
        "/page//etc/passwd",
        "/page/..%2f..%2ftoken",
        "/token",
        "/journal.sqlite",
        "/api/v1/../../token",
        "/%00",
        "/page/views/",
        "//evil.example/",
        "/api/v1/status/",
    ] {
        let got = home.ask("GET", path, &[], "");
        assert!([400, 404].contains(&got.status), "{path}: {}", got.status);
    }
    let huge = format!("{{\"blocked\":[\"{}\"]}}", "0".repeat(300_000));
    let got = home.ask("PUT", "/api/v1/policy", &[token], &huge);
    assert_eq!(got.status, 413, "{}", got.body);
    let long = format!("/api/v1/trades?partner={}", "a".repeat(40_000));
    let got = home.ask("GET", &long, &[token], "");
    assert!([400, 414, 431].contains(&got.status), "{}", got.status);
    let deep = format!(
        "{{\"preferred\":{}{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let got = home.ask("PUT", "/api/v1/policy", &[token], &deep);
    assert_eq!(got.status, 400, "{}", got.body);
    // Script in a name is refused where names are given, and answers are never taken for a page.
    let got = home.ask(
        "PUT",
        "/api/v1/policy",
        &[token],
        r#"{"blocked":["<script>alert(1)</script>"]}"#,
    );
    assert_eq!(got.status, 400);
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
}

/// What the page names its script.
fn script(home: &Home) -> String {
    let page = home.ask("GET", "/", &[], "").body;
    let (_, rest) = page.split_once("<script type=\"module\" src=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// A browser asks for the page alone when it has seen it once: all that the page names is kept, under a name that changes with it.
#[test]
fn what_the_page_names_is_kept() {
    let home = Home::start();
    let page = home.ask("GET", "/", &[], "");
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let named: Vec<&str> = ["href=\"/page/", "src=\"/page/"]
        .iter()
        .flat_map(|quote| page.body.split(quote).skip(1))
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    assert!(named.len() > 14, "{named:?}");
    for name in named {
        let got = home.ask("GET", &format!("/page/{name}"), &[], "");
        assert_eq!(got.status, 200, "{name}");
        let kept = got.header("cache-control").unwrap();
        assert!(kept.contains("immutable"), "{name}: {kept}");
        // Scripts name each other by the same folder.
        let digest = name.split_once('/').unwrap().0;
        let other = got.body.split("from \"/page/").skip(1);
        assert!(
            other.into_iter().all(|rest| rest.starts_with(digest)),
            "{name}"
        );
    }
    assert_eq!(home.ask("GET", "/page/app.js", &[], "").status, 404);
}

#[test]
fn every_answer_is_guarded() {
    let home = Home::start();
    let script = script(&home);
    for path in ["/", &script, "/api/v1/status", "/nothing", "/health"] {
        let got = home.ask("GET", path, &[], "");
        let policy = got.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(got.header(name), Some(value), "{path}");
        }
        assert!(got.header("cache-control").is_some(), "{path}");
    }
    assert_eq!(
        home.owner("GET", "/api/v1/status", "")
            .header("cache-control"),
        Some("no-store")
    );
    let page = home.ask("GET", "/", &[], "");
    let tag = page.header("etag").unwrap();
    assert_eq!(
        home.ask("GET", "/", &[("If-None-Match", tag)], "").status,
        304
    );
}

#[test]
fn viewers_see_and_change_nothing() {
    let home = Home::start();
    let (cookie, csrf) = home.pair("viewer");
    let headers = [("Cookie", cookie.as_str()), ("X-Csrf-Token", csrf.as_str())];
    for path in OWN {
        assert_eq!(home.ask("GET", path, &headers, "").status, 200, "{path}");
    }
    for (method, path, body) in [
        ("POST", "/api/v1/pause", r#"{"paused":true}"#),
        ("PUT", "/api/v1/policy", r#"{"paused":true}"#),
        (
            "POST",
            "/api/v1/approvals",
            r#"{"request":1,"accept":true}"#,
        ),
        ("POST", "/api/v1/pairing", r#"{"role":"owner"}"#),
        (
            "PUT",
            "/api/v1/password",
            r#"{"role":"owner","password":"0123456789"}"#,
        ),
    ] {
        assert_eq!(home.ask(method, path, &headers, body).status, 403, "{path}");
    }
    assert!(!paused(&home));
}

#[test]
fn codes_and_passwords_open_once_and_only_to_those_who_know_them() {
    let home = Home::start();
    let code = home
        .owner("POST", "/api/v1/pairing", r#"{"role":"owner"}"#)
        .json();
    let code = code["code"].as_str().unwrap().to_owned();
    assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()));
    let sign_in = |body: String| home.ask("POST", "/api/v1/session", &[], &body);
    let by_code = |code: &str| sign_in(format!("{{\"code\":\"{code}\"}}"));
    assert_eq!(by_code("00000000").status, 401);
    let got = by_code(&code);
    assert_eq!(got.status, 200);
    let cookie = got.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(by_code(&code).status, 401, "a code opens once");
    // Five wrong ones void the right one.
    let code = home
        .owner("POST", "/api/v1/pairing", r#"{"role":"owner"}"#)
        .json();
    let code = code["code"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        by_code("1");
    }
    assert_eq!(by_code(&code).status, 401);
    let short = home.owner(
        "PUT",
        "/api/v1/password",
        r#"{"role":"owner","password":"short"}"#,
    );
    assert_eq!(short.status, 400);
    let set = home.owner(
        "PUT",
        "/api/v1/password",
        r#"{"role":"owner","password":"a long sentence"}"#,
    );
    assert_eq!(set.status, 200, "{}", set.body);
    let by_password = |word: &str| sign_in(format!("{{\"password\":\"{word}\"}}"));
    assert_eq!(by_password("a long sentense").status, 401);
    assert_eq!(by_password("a long sentence").status, 200);
    let kept = std::fs::read_to_string(home.folder.path().join("access.json")).unwrap();
    assert!(
        kept.contains("$argon2id$") && !kept.contains("a long sentence"),
        "{kept}"
    );
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(home.folder.path().join("access.json")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
}

/// Who sends a byte now and then holds a place for a while and no longer, and others are answered meanwhile.
#[test]
fn slow_requests_end() {
    let home = Home::start();
    let slow_head = TcpStream::connect(("127.0.0.1", home.port)).unwrap();
    let mut slow_body = TcpStream::connect(("127.0.0.1", home.port)).unwrap();
    (&slow_head)
        .write_all(b"GET / HTTP/1.1\r\nHost: 127")
        .unwrap();
    let head = format!(
        "POST /api/v1/pause HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{{\"pau",
        home.port, home.token
    );
    slow_body.write_all(head.as_bytes()).unwrap();
    assert_eq!(home.owner("GET", "/api/v1/policy", "").status, 200);
    let begun = Instant::now();
    let ended = |mut stream: TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_secs(90)))
            .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    ended(slow_head);
    let answer = ended(slow_body);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(80));
    assert!(!paused(&home));
}

/// The home network is spoken to over TLS alone, with the certificate whose fingerprint is told.
#[test]
fn the_home_network_speaks_tls_alone() {
    let home = Home::start();
    let paired = home
        .owner("POST", "/api/v1/pairing", r#"{"role":"viewer"}"#)
        .json();
    let fingerprint = paired["fingerprint"].as_str().unwrap();
    assert_eq!(paired["home"], format!("127.0.0.1:{}", home.tls));
    let mut plain = TcpStream::connect(("127.0.0.1", home.tls)).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"));
    let url = format!("https://127.0.0.1:{}", home.tls);
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl")
            .args(["-sk", "--max-time", "20"])
            .args(arguments)
            .output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Ok(page) = curl(&[&url]) else {
        eprintln!("skipped: there is no curl to speak TLS with");
        return;
    };
    assert!(page.contains("<!doctype html>"), "{page}");
    // Who trusts the certificate is not warned: neither at the address nor at the machine's name.
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let local = format!("{}.local", host.split('.').next().unwrap());
    for name in ["127.0.0.1", &local] {
        let trusting = Command::new("curl")
            .args(["-s", "-S", "--max-time", "20", "--cacert", "tls.pem"])
            .args(["--resolve", &format!("{local}:{}:127.0.0.1", home.tls)])
            .arg(format!("https://{name}:{}", home.tls))
            .current_dir(home.folder.path())
            .output()
            .unwrap();
        let page = String::from_utf8_lossy(&trusting.stdout);
        assert!(page.contains("<!doctype html>"), "{name}: {trusting:?}");
    }
    // Figures of the machine are not for the whole network.
    for path in ["/metrics", "/health", "/api/v1/status"] {
        let code = curl(&[
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            &format!("{url}{path}"),
        ])
        .unwrap();
        assert_eq!(code, "401", "{path}");
    }
    let body = format!("{{\"code\":{}}}", paired["code"]);
    let head = curl(&[
        "-i",
        "-H",
        "Content-Type: application/json",
        "-d",
        &body,
        &format!("{url}/api/v1/session"),
    ])
    .unwrap();
    assert!(
        head.contains("__Host-wattpool=") && head.contains("; Secure"),
        "{head}"
    );
    let Ok(mut openssl) = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &format!("127.0.0.1:{}", home.tls),
            "-showcerts",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
    else {
        eprintln!("skipped: there is no openssl to show the certificate");
        return;
    };
    let shown = openssl.stdout.take().unwrap();
    let digest = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256"])
        .stdin(shown)
        .output()
        .unwrap();
    let _ = openssl.wait();
    let digest = String::from_utf8_lossy(&digest.stdout);
    assert!(digest.contains(fingerprint), "{digest} {fingerprint}");
}
