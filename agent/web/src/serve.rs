//! Connections: how many, how long they may take, and TLS where there is one.

use axum::body::Body;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service;

/// Connections at once, on each listener: a browser takes six.
const CONNECTIONS: usize = 64;
/// A request's head is complete within this, also the first one after a pause: idle connections end.
const HEAD: Duration = Duration::from_secs(20);
/// A TLS handshake is done within this.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// No connection lasts longer.
const LIFE: Duration = Duration::from_secs(600);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How a request came in.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// From where.
    pub peer: SocketAddr,
    /// Over TLS.
    pub tls: bool,
}

/// A server's side of TLS.
pub trait Handshake: Send + Sync + 'static {
    /// What comes of it.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Shakes hands.
    ///
    /// # Errors
    /// The other side speaks no TLS, or another one.
    fn accept(
        &self,
        stream: TcpStream,
    ) -> impl Future<Output = std::io::Result<Self::Stream>> + Send;
}

/// Without TLS: there is no value of this.
#[derive(Debug)]
pub enum Plain {}

impl Handshake for Plain {
    type Stream = TcpStream;

    async fn accept(&self, _: TcpStream) -> std::io::Result<TcpStream> {
        match *self {}
    }
}

/// Answers connections until `stop` ends; those under way are cut.
pub async fn serve<T: Handshake>(
    listener: TcpListener,
    tls: Option<Arc<T>>,
    app: Router,
    stop: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = tokio::task::JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        // Nobody is accepted without room: the system lets them wait.
        let place = tokio::select! {
            () = &mut stop => return,
            place = Arc::clone(&room).acquire_owned() => place,
        };
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many files are open, say: later there may be room.
                tracing::debug!(%error, "http: a connection is not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while open.try_join_next().is_some() {}
        let (tls, app) = (tls.clone(), app.clone());
        open.spawn(async move {
            let _place = place;
            let lived = tokio::time::timeout(LIFE, async move {
                let came = Came {
                    peer,
                    tls: tls.is_some(),
                };
                match tls {
                    None => answer(stream, app, came).await,
                    Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => answer(stream, app, came).await,
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "http: no TLS"),
                        Err(_) => tracing::debug!(%peer, "http: the handshake takes too long"),
                    },
                }
            });
            let _ = lived.await;
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send, app: Router, came: Came) {
    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(came);
        app.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(peer = %came.peer, %error, "http: a connection broke off");
    }
}
