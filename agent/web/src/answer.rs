//! How questions are read and answered: one form of error, whatever went wrong.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{header, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The status code, once more.
    pub status: u16,
    /// Which failure it is, by a name that stays; what is said of it may change.
    #[serde(default)]
    pub code: String,
    /// In one line, in English.
    pub error: String,
    /// Seconds after which it may be tried again, where that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Statuses, and the codes of refusals that have no name of their own.
pub const CODES: [(u16, &str); 11] = [
    (400, "bad_request"),
    (401, "unauthorized"),
    (403, "forbidden"),
    (404, "not_found"),
    (405, "method_not_allowed"),
    (408, "timeout"),
    (409, "conflict"),
    (421, "other_name"),
    (429, "too_many"),
    (500, "broken"),
    (503, "unavailable"),
];

impl Refusal {
    /// With a status.
    pub fn new(status: StatusCode, error: impl ToString) -> Self {
        let named = CODES.iter().find(|(of, _)| *of == status.as_u16());
        Self {
            status: status.as_u16(),
            code: named.map_or("refused", |(_, code)| code).to_owned(),
            error: error.to_string(),
            retry_after: None,
        }
    }

    /// The same under a name of its own.
    #[must_use]
    pub fn named(self, code: &str) -> Self {
        Self {
            code: code.to_owned(),
            ..self
        }
    }

    /// The question is wrong.
    pub fn bad(error: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// It may work later.
    pub fn later(error: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// The agent cannot read its own files.
    pub fn broken(error: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = self.retry_after.map(HeaderValue::from);
        let mut response = (status, Json(self)).into_response();
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// An answer, or why not.
pub type Answer<T> = Result<Json<T>, Refusal>;

/// What stands behind the question mark.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Refusal::bad(error.body_text())),
        }
    }
}

/// A body of JSON; forms of foreign pages cannot send one.
pub struct Told<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Told<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(told)) => Ok(Self(told)),
            Err(error) => Err(Refusal::new(error.status(), error.body_text())),
        }
    }
}
