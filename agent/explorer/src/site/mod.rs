//! The site: pages and the interface under them, read-only.

mod api;
mod page;

pub use api::route_description;

use crate::Explorer;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn_with_state, Next};
use axum::response::{IntoResponse, Response};
use axum::Router;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wattpool_web::answer::Refusal;
use wattpool_web::guard;
use wattpool_web::serve::{self, Plain};

/// Questions to the index at once.
const QUESTIONS: usize = 4;
/// Files that are written at once.
const FILES: usize = 1;
/// Longest question: no route needs more.
const LONGEST: usize = 2_048;

/// What requests are answered from.
pub(crate) struct Site {
    pub explorer: Arc<Explorer>,
    /// Names under which it answers, beside addresses and this machine.
    names: Vec<String>,
    questions: Semaphore,
    files: Semaphore,
    proofs: Semaphore,
}

pub(crate) type Shared = Arc<Site>;

/// Answers until `stop` ends. `names`: under which it answers, beside addresses and this machine.
pub async fn serve(
    listener: TcpListener,
    explorer: Arc<Explorer>,
    names: Vec<String>,
    stop: impl Future<Output = ()>,
) {
    serve::serve::<Plain>(listener, None, app(explorer, names), stop).await;
}

/// Everything that is answered.
pub fn app(explorer: Arc<Explorer>, names: Vec<String>) -> Router {
    let shared = Arc::new(Site {
        explorer,
        names,
        questions: Semaphore::new(QUESTIONS),
        files: Semaphore::new(FILES),
        proofs: Semaphore::new(FILES),
    });
    let state = || Arc::clone(&shared);
    api::routes()
        .merge(page::router())
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(0))
        .layer(from_fn_with_state(state(), bounds))
        .layer(from_fn_with_state(state(), every))
        .with_state(shared)
}

async fn every(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let stranger =
        "this explorer has another name: ask for its address, or add the name with --name";
    guard::every(&shared.names, stranger, request, next).await
}

/// Nothing can be changed here, and no question is long.
async fn bounds(State(_): State<Shared>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_so().await.into_response();
    }
    if request
        .uri()
        .path_and_query()
        .is_some_and(|p| p.as_str().len() > LONGEST)
    {
        let why = format!("a question has at most {LONGEST} characters");
        return Refusal::new(StatusCode::URI_TOO_LONG, why).into_response();
    }
    next.run(request).await
}

async fn nothing() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "nothing is here: the site is at /, the interface is described at /api/v1/openapi.json",
    )
}

async fn not_so() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "nothing can be changed here: the interface is described at /api/v1/openapi.json",
    )
}
