//! What every request passes: the name it asks for, who asks, whether a change was meant, how long it takes.

use super::access::{Access, Role, Who};
use super::answer::Refusal;
use super::serve::Came;
use super::{reason, Shared};
use axum::extract::{Request, State};
use axum::http::{header, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use wattpool_web::guard::only;

/// Carries the word that shows that a change was meant.
pub const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Names of the session's cookie: over TLS browsers hold the first one to this host and to TLS.
const COOKIES: [&str; 2] = ["__Host-wattpool", "wattpool"];

/// The outermost: name, time, and the headers that every answer has.
pub async fn every(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let stranger =
        "this agent has another name: ask for its address, or add the name to http.names";
    wattpool_web::guard::every(&shared.names, stranger, request, next).await
}

/// The secret of the session in a request's cookies.
fn secret(headers: &HeaderMap, tls: bool) -> Option<&str> {
    let name = cookie_name(tls);
    let all = headers.get_all(header::COOKIE).iter();
    let mut pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| value.len() == 64)
}

const fn cookie_name(tls: bool) -> &'static str {
    let [over_tls, plain] = COOKIES;
    if tls {
        over_tls
    } else {
        plain
    }
}

/// A cookie with a session's secret; without one it is taken away.
pub fn cookie(secret: Option<&str>, tls: bool) -> String {
    let name = cookie_name(tls);
    let (value, age) = secret.map_or(("", 0), |secret| (secret, super::access::SESSION_S));
    let secure = if tls { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

/// Whether a browser says that another site's page asks.
fn is_foreign(headers: &HeaderMap, tls: bool) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let scheme = if tls { "https" } else { "http" };
    let own = only(headers, &header::HOST).map(|host| format!("{scheme}://{host}"));
    own.is_none_or(|own| origin.as_bytes() != own.as_bytes())
}

/// Who asks, as far as they show it.
fn who(access: &Access, headers: &HeaderMap, came: Came) -> Result<Option<Who>, Refusal> {
    let shown = only(headers, &header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer "));
    if let Some(shown) = shown {
        access.heard(came.peer.ip())?;
        if access.is_token(shown) {
            return Ok(Some(Who::Token));
        }
        access.failed(came.peer.ip());
        return Ok(None);
    }
    Ok(secret(headers, came.tls).and_then(|secret| access.session(secret)))
}

/// How the request came in; the server says it with each.
pub fn came(request: &Request) -> Came {
    let here = (IpAddr::from([0, 0, 0, 0]), 0).into();
    let unknown = Came {
        peer: here,
        tls: false,
    };
    request.extensions().get().copied().unwrap_or(unknown)
}

/// For what is the household's alone.
pub async fn known(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let came = came(&request);
    let headers = request.headers();
    let who = match who(&shared.access, headers, came) {
        Ok(Some(who)) => who,
        Ok(None) => {
            let why = "expected a session or the agent's token: sign in on the page, or read the token file";
            return Refusal::new(StatusCode::UNAUTHORIZED, why)
                .named(reason::SIGN_IN)
                .into_response();
        }
        Err(refusal) => return refusal.into_response(),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes {
        let shown = only(headers, &CSRF);
        if is_foreign(headers, came.tls) || !Access::is_csrf(&who, shown) {
            let why =
                "a change has to come from the agent's own page, with the session's x-csrf-token";
            return Refusal::new(StatusCode::FORBIDDEN, why)
                .named(reason::FOREIGN)
                .into_response();
        }
        let ends_own_session = request.uri().path() == super::SESSION;
        if who.role() == Role::Viewer && !ends_own_session {
            let why = "viewers change nothing: sign in as the owner";
            return Refusal::new(StatusCode::FORBIDDEN, why)
                .named(reason::VIEWER)
                .into_response();
        }
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// For signing in: from the agent's own page or from no page at all, and not too often.
pub async fn stranger(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let came = came(&request);
    if is_foreign(request.headers(), came.tls) {
        let why = "signing in has to come from the agent's own page";
        return Refusal::new(StatusCode::FORBIDDEN, why)
            .named(reason::FOREIGN)
            .into_response();
    }
    if let Err(refusal) = shared.access.heard(came.peer.ip()) {
        return refusal.into_response();
    }
    next.run(request).await
}

/// For figures of the machine itself: everybody on it, and who is known.
pub async fn local(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let came = came(&request);
    let here = came.peer.ip().to_canonical().is_loopback() && !came.tls;
    if here || matches!(who(&shared.access, request.headers(), came), Ok(Some(_))) {
        next.run(request).await
    } else {
        let why = "expected a session or the agent's token";
        Refusal::new(StatusCode::UNAUTHORIZED, why)
            .named(reason::SIGN_IN)
            .into_response()
    }
}
