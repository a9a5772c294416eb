//! Signing in and out, pairing, passwords.

use crate::http::access::{Role, Who};
use crate::http::answer::{Answer, Refusal, Told};
use crate::http::guard;
use crate::http::serve::Came;
use crate::http::Shared;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of both signs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The owner's or the viewers' password.
    password: Option<String>,
    /// A pairing code.
    code: Option<String>,
}

/// Who is signed in.
#[derive(Serialize, JsonSchema)]
pub struct Session {
    /// What they may do.
    role: Role,
    /// Goes with each change as x-csrf-token; none: the token needs none.
    csrf: Option<String>,
    /// SHA-256 of the certificate on the home network; none: it is not there.
    fingerprint: Option<String>,
}

/// It is done.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// True.
    pub done: bool,
}

/// Who is to be paired.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// What the device may do.
    pub role: Role,
}

/// A pairing code.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Paired {
    /// Eight digits.
    pub code: String,
    /// Seconds for which it holds.
    pub seconds: u64,
    /// What it gives.
    pub role: Role,
    /// Where the home network finds the page; none: on this machine alone.
    pub home: Option<String>,
    /// SHA-256 of the certificate there.
    pub fingerprint: Option<String>,
}

/// A password.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// Whose.
    pub role: Role,
    /// 10 to 256 bytes; null takes it away.
    pub password: Option<String>,
}

fn session(shared: &Shared, who: &Who) -> Session {
    let csrf = match who {
        Who::Token => None,
        Who::Session { csrf, .. } => Some(csrf.clone()),
    };
    Session {
        role: who.role(),
        csrf,
        fingerprint: shared.fingerprint.clone(),
    }
}

pub async fn begin(
    State(shared): State<Shared>,
    Extension(came): Extension<Came>,
    Told(sign_in): Told<SignIn>,
) -> Result<Response, Refusal> {
    let begun = match (sign_in.password, sign_in.code) {
        (Some(password), None) => shared.access.begin_by_password(password).await,
        (None, Some(code)) => shared.access.begin_by_code(&code),
        _ => return Err(Refusal::bad("expected a password or a code")),
    };
    let (secret, _) = begun.inspect_err(|refusal| {
        if refusal.status == 401 {
            shared.access.failed(came.peer.ip());
        }
    })?;
    let who = shared
        .access
        .session(&secret)
        .ok_or_else(|| Refusal::broken("the session has ended at once"))?;
    let cookie = guard::cookie(Some(&secret), came.tls);
    Ok(([(header::SET_COOKIE, cookie)], Json(session(&shared, &who))).into_response())
}

pub async fn show(State(shared): State<Shared>, Extension(who): Extension<Who>) -> Json<Session> {
    Json(session(&shared, &who))
}

pub async fn end(
    State(shared): State<Shared>,
    Extension(who): Extension<Who>,
    Extension(came): Extension<Came>,
) -> Result<Response, Refusal> {
    if let Who::Session { digest, .. } = &who {
        shared.access.end(digest)?;
    }
    let cookie = guard::cookie(None, came.tls);
    Ok(([(header::SET_COOKIE, cookie)], Json(Done { done: true })).into_response())
}

pub async fn pair(State(shared): State<Shared>, Told(asked): Told<Pairing>) -> Answer<Paired> {
    let (code, seconds) = shared.access.pair(asked.role)?;
    Ok(Json(Paired {
        code,
        seconds,
        role: asked.role,
        home: shared.home.map(|home| home.to_string()),
        fingerprint: shared.fingerprint.clone(),
    }))
}

pub async fn set_password(
    State(shared): State<Shared>,
    Told(asked): Told<Password>,
) -> Answer<Done> {
    shared
        .access
        .set_password(asked.role, asked.password)
        .await?;
    Ok(Json(Done { done: true }))
}
