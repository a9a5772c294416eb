//! A relay in front of a node's RPC that lies.

use crate::proxy::read_request;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What it does to requests before they reach the node, and to its answers: method, parameters or result.
#[derive(Clone, Copy)]
pub struct Lie {
    pub question: fn(&str, &mut Value),
    pub answer: fn(&str, &mut Value),
}

impl Lie {
    /// None.
    pub const HONEST: Self = Self {
        question: |_, _| {},
        answer: |_, _| {},
    };
}

/// A relay that lies; it ends with this value.
pub struct Liar {
    /// Its address.
    pub url: String,
    lie: Arc<Mutex<Lie>>,
    task: AbortHandle,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    /// In front of a node, honest so far.
    pub async fn start(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lie = Arc::new(Mutex::new(Lie::HONEST));
        let node = node.trim_start_matches("http://").to_owned();
        let told = Arc::clone(&lie);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let lie = *told.lock().unwrap();
                let node = node.clone();
                tokio::spawn(async move {
                    let _ = relay(client, &node, lie).await;
                });
            }
        });
        let task = task.abort_handle();
        Self { url, lie, task }
    }

    /// From now on it lies like this.
    pub fn tell(&self, lie: Lie) {
        *self.lie.lock().unwrap() = lie;
    }
}

async fn relay(mut client: TcpStream, node: &str, lie: Lie) -> std::io::Result<()> {
    let request = read_request(&mut client).await?;
    let text = String::from_utf8_lossy(&request);
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut question: Value = serde_json::from_str(body)?;
    let method = question["method"].as_str().unwrap_or_default().to_owned();
    (lie.question)(&method, &mut question["params"]);
    let body = question.to_string();
    let mut upstream = TcpStream::connect(node).await?;
    // To this version an answer comes in one piece, and the connection ends.
    let head = format!(
        "POST / HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    upstream.write_all((head + &body).as_bytes()).await?;
    let mut answer = String::new();
    upstream.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").map_or("{}", |(_, body)| body);
    let mut answer: Value = serde_json::from_str(body)?;
    if answer.get("result").is_some() {
        (lie.answer)(&method, &mut answer["result"]);
    } else {
        answer = json!({"error": answer["error"]});
    }
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    client.write_all((head + &body).as_bytes()).await?;
    client.shutdown().await
}
