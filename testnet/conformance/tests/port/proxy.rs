//! A relay in front of a node's RPC that withholds what a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A relay; it ends with this value.
pub struct Proxy {
    /// Its address, such as `http://127.0.0.1:4000`.
    pub url: String,
    /// Answers to broadcasts that are still to be lost.
    pub lose: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// In front of a node. The first `lose` broadcasts reach the node, but their answers reach nobody.
    pub async fn start(node: &str, lose: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lose = Arc::new(AtomicUsize::new(lose));
        let node = node.trim_start_matches("http://").to_owned();
        let left = Arc::clone(&lose);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (node, left) = (node.clone(), Arc::clone(&left));
                tokio::spawn(async move {
                    // A connection that breaks off is what this is for.
                    let _ = relay(client, &node, &left).await;
                });
            }
        });
        Self {
            url,
            lose,
            task: task.abort_handle(),
        }
    }
}

/// One request, one answer, then the connection ends.
async fn relay(mut client: TcpStream, node: &str, lose: &AtomicUsize) -> std::io::Result<()> {
    let request = read_request(&mut client).await?;
    let mut upstream = TcpStream::connect(node).await?;
    let text = String::from_utf8_lossy(&request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let closing = format!("{head}\r\nconnection: close\r\n\r\n{body}");
    upstream.write_all(closing.as_bytes()).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    if body.contains("broadcast_tx_sync") {
        let taken = lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if taken.is_ok() {
            return Ok(());
        }
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}

pub async fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = client.read(&mut buffer).await?;
        request.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0usize);
        if body.len() >= length || n == 0 {
            return Ok(request);
        }
    }
}

/// An address that accepts connections and never answers.
pub async fn hanging() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, listener)
}

/// An address at which nothing listens.
pub async fn dead() -> String {
    // Bound and let go: nobody else gets it soon.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
