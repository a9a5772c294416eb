//! What every request passes: the name it asks for, how long it takes, and the headers of every answer.

use crate::answer::Refusal;
use axum::extract::Request;
use axum::http::{header, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// A request is answered within this, its body included.
const ANSWERED: Duration = Duration::from_secs(20);

/// What a page may do: run its own scripts and ask its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];

/// The host that is asked for, if it is one of this server's: an address, this machine, or a name of the configuration.
/// Other names are refused, so that no foreign name that is made to point here can read what is here.
pub fn host_is_known(host: &str, names: &[String]) -> bool {
    let bare = if let Some(rest) = host.strip_prefix('[') {
        // An address of IPv6 stands in brackets.
        let Some((inside, port)) = rest.split_once(']') else {
            return false;
        };
        return inside.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port);
    } else if let Some((bare, port)) = host.split_once(':') {
        if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        bare
    } else {
        host
    };
    bare.parse::<std::net::Ipv4Addr>().is_ok()
        || bare.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| bare.eq_ignore_ascii_case(name))
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// The only header of a name; none where there are several.
pub fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?;
    if all.next().is_some() {
        return None;
    }
    one.to_str().ok()
}

/// The outermost: name, time, and the headers that every answer has. `stranger`: what is said to who asks for another name.
pub async fn every(
    names: &[String],
    stranger: &'static str,
    request: Request,
    next: Next,
) -> Response {
    let host = only(request.headers(), &header::HOST);
    let known = host.is_some_and(|host| host_is_known(host, names));
    let mut response = if known {
        tokio::time::timeout(ANSWERED, next.run(request))
            .await
            .unwrap_or_else(|_| {
                Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "the request took longer than 20 s",
                )
                .into_response()
            })
    } else {
        Refusal::new(StatusCode::MISDIRECTED_REQUEST, stranger).into_response()
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_own_names_are_answered() {
        let names = ["meter.home".to_owned()];
        for known in [
            "127.0.0.1:8650",
            "192.168.1.7",
            "localhost:8650",
            "LOCALHOST",
            "[::1]:8650",
            "[fe80::1]",
            "meter.home:8651",
            "Meter.Home",
        ] {
            assert!(host_is_known(known, &names), "{known}");
        }
        for strange in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "[::1].evil.example",
            "[::1]:x",
            "[evil.example]:80",
            "127.0.0.1:",
            "127.0.0.1:80@evil.example",
            "meter.home.evil.example",
            "::1",
        ] {
            assert!(!host_is_known(strange, &names), "{strange}");
        }
    }
}
