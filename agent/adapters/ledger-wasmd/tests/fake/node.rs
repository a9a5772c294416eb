//! A node that is played.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use wattpool_ledger_wasmd::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountResponse};
use wattpool_ledger_wasmd::proto::cosmos::tx::v1beta1::{AuthInfo, TxRaw};
use wattpool_ledger_wasmd::proto::prost::Message;
use wattpool_ledger_wasmd::rpc::TxHash;
use wattpool_ledger_wasmd::{message, ChainSettings};

/// How the node behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Well,
    /// It takes requests and never answers.
    Hanging,
    /// A page of a proxy instead of JSON.
    Page,
    /// JSON that is no answer.
    Nonsense,
}

/// What the node knows.
pub struct Chain {
    pub mood: Mood,
    pub chain_id: String,
    pub height: u64,
    /// The sequence that the account's next transaction must have.
    pub sequence: u64,
    /// Answers to broadcasts that get lost after the transaction was taken.
    pub lose: usize,
    /// Transactions that are forgotten after they were taken.
    pub forget: usize,
    /// Whether transactions can be found by hash.
    pub index: bool,
    /// Blocks before this one are gone.
    pub earliest: u64,
    /// Code and text with which broadcasts are refused.
    pub refuse: Option<(u32, String)>,
    pub mempool: Vec<Vec<u8>>,
    /// Transactions of each block and their codes.
    pub blocks: Vec<(u64, Vec<Vec<u8>>)>,
    /// Results of all transactions.
    pub result: Value,
    pub asked: Vec<String>,
    /// Every question makes a block, as time would.
    pub lively: bool,
    pub catching_up: bool,
    /// Time of the newest block, as the node tells it.
    pub newest: String,
    /// In the hashes of all its blocks: two nodes with different ones are on different branches.
    pub branch: String,
    /// How long it takes to answer.
    pub delay: Duration,
    /// Gas that simulations use.
    pub gas: String,
    /// Code and text with which simulations are refused.
    pub refuse_simulation: Option<(u32, String)>,
}

/// A node that is played; it ends with the runtime of the test.
#[derive(Clone)]
pub struct Node {
    pub url: String,
    chain: Arc<Mutex<Chain>>,
}

impl Node {
    pub async fn start() -> Self {
        let chain = Arc::new(Mutex::new(Chain {
            mood: Mood::Well,
            chain_id: "played-1".into(),
            height: 10,
            sequence: 5,
            lose: 0,
            forget: 0,
            index: true,
            earliest: 1,
            refuse: None,
            mempool: Vec::new(),
            blocks: Vec::new(),
            result: json!({"code": 0, "gas_used": "70000", "gas_wanted": "100000"}),
            asked: Vec::new(),
            lively: true,
            catching_up: false,
            newest: "2026-03-02T00:00:10.5Z".into(),
            branch: "A".into(),
            delay: Duration::ZERO,
            gas: "70000".into(),
            refuse_simulation: None,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&chain));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, chain }
    }

    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap()
    }

    pub fn count(&self, method: &str) -> usize {
        self.chain().asked.iter().filter(|m| *m == method).count()
    }
}

/// Settings for played nodes.
pub fn settings(nodes: &[&Node]) -> ChainSettings {
    let urls = nodes.iter().map(|n| n.url.clone()).collect();
    let mut settings = ChainSettings::new(urls, "watt", "0.0025uwatt".parse().unwrap());
    settings.deadline = Duration::from_millis(1_500);
    settings.poll = Duration::from_millis(10);
    settings.look = Duration::from_millis(100);
    settings.timeout_blocks = 30;
    settings
}

async fn answer(
    State(chain): State<Arc<Mutex<Chain>>>,
    Json(request): Json<Value>,
) -> (StatusCode, String) {
    let (mood, delay) = {
        let chain = chain.lock().unwrap();
        (chain.mood.clone(), chain.delay)
    };
    tokio::time::sleep(delay).await;
    match mood {
        Mood::Hanging => std::future::pending().await,
        Mood::Page => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>".into()),
        Mood::Nonsense => (StatusCode::OK, "{\"jsonrpc\":\"2.0\"}".into()),
        Mood::Well => {
            let method = request["method"].as_str().unwrap().to_owned();
            let answered = chain.lock().unwrap().answer(&method, &request["params"]);
            match answered {
                Some(Ok(result)) => (StatusCode::OK, json!({"result": result}).to_string()),
                Some(Err(text)) => {
                    let error = json!({"code": -32603, "message": "Internal error", "data": text});
                    (
                        StatusCode::INTERNAL_SERVER_ERROR,
                        json!({"error": error}).to_string(),
                    )
                }
                None => std::future::pending().await,
            }
        }
    }
}

impl Chain {
    fn answer(&mut self, method: &str, params: &Value) -> Option<Result<Value, String>> {
        self.asked.push(method.to_owned());
        Some(match method {
            "status" => {
                if self.lively {
                    self.make_block();
                }
                Ok(json!({
                    "node_info": {"network": self.chain_id},
                    "sync_info": {
                        "latest_block_height": self.height.to_string(),
                        "latest_block_time": self.newest,
                        "earliest_block_height": self.earliest.to_string(),
                        "catching_up": self.catching_up,
                    },
                }))
            }
            "broadcast_tx_sync" => return self.broadcast(&bytes(&params["tx"])),
            "tx" => self.find(&bytes(&params["hash"])),
            "block" => self.block(number(&params["height"])),
            "block_results" => self.results(number(&params["height"])),
            "blockchain" => self.headers(params),
            "abci_query" => Ok(self.query(params)),
            other => Err(format!("no method {other}")),
        })
    }

    /// What waits goes into a block.
    pub fn make_block(&mut self) {
        self.height += 1;
        let taken = std::mem::take(&mut self.mempool);
        if !taken.is_empty() {
            self.blocks.push((self.height, taken));
        }
    }

    fn broadcast(&mut self, tx: &[u8]) -> Option<Result<Value, String>> {
        if let Some((code, log)) = &self.refuse {
            return Some(Ok(json!({"code": code, "codespace": "sdk", "log": log})));
        }
        let known = self.mempool.iter().any(|t| t == tx);
        if known {
            return Some(Err("tx already exists in cache".into()));
        }
        let raw = TxRaw::decode(tx).unwrap();
        let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap();
        let found = auth.signer_infos[0].sequence;
        if found != self.sequence {
            let log = format!(
                "account sequence mismatch, expected {}, got {found}: incorrect account sequence",
                self.sequence
            );
            return Some(Ok(json!({"code": 32, "codespace": "sdk", "log": log})));
        }
        if self.forget > 0 {
            self.forget -= 1;
            return Some(Ok(json!({"code": 0})));
        }
        self.sequence += 1;
        self.mempool.push(tx.to_vec());
        if self.lose > 0 {
            self.lose -= 1;
            return None;
        }
        Some(Ok(json!({"code": 0})))
    }

    fn find(&self, hash: &[u8]) -> Result<Value, String> {
        if !self.index {
            return Err("transaction indexing is disabled".into());
        }
        for (height, txs) in &self.blocks {
            if let Some(index) = txs.iter().position(|t| TxHash::of(t).0 == hash) {
                return Ok(json!({
                    "height": height.to_string(), "index": index, "tx_result": self.result,
                }));
            }
        }
        Err("tx (…) not found".into())
    }

    fn kept(&self, height: u64) -> Result<(), String> {
        if height > self.height {
            let now = self.height;
            return Err(format!(
                "height {height} must be less than or equal to the current blockchain height {now}"
            ));
        }
        if height < self.earliest {
            let first = self.earliest;
            return Err(format!(
                "height {height} is not available, lowest height is {first}"
            ));
        }
        Ok(())
    }

    fn txs(&self, height: u64) -> &[Vec<u8>] {
        let found = self.blocks.iter().find(|(h, _)| *h == height);
        found.map_or(&[], |(_, txs)| txs)
    }

    fn header(&self, height: u64) -> Value {
        json!({
            "chain_id": self.chain_id,
            "height": height.to_string(),
            "time": format!("2026-03-02T00:00:{:02}.25Z", height % 60),
        })
    }

    fn block(&self, height: u64) -> Result<Value, String> {
        self.kept(height)?;
        let txs: Vec<String> = self
            .txs(height)
            .iter()
            .map(|t| STANDARD.encode(t))
            .collect();
        Ok(json!({"block": {"header": self.header(height), "data": {"txs": txs}}}))
    }

    fn results(&self, height: u64) -> Result<Value, String> {
        self.kept(height)?;
        let results: Vec<&Value> = self.txs(height).iter().map(|_| &self.result).collect();
        Ok(
            json!({"height": height.to_string(), "txs_results": results, "finalize_block_events": null}),
        )
    }

    fn headers(&self, params: &Value) -> Result<Value, String> {
        let (from, to) = (number(&params["minHeight"]), number(&params["maxHeight"]));
        let from = from.max(self.earliest);
        let metas: Vec<Value> = (from..=to.min(self.height).min(from + 19))
            .rev()
            .map(|h| {
                json!({
                    "header": self.header(h),
                    "block_id": {"hash": format!("{}{h}", self.branch)},
                    "num_txs": self.txs(h).len().to_string(),
                })
            })
            .collect();
        Ok(json!({"block_metas": metas}))
    }

    fn query(&self, params: &Value) -> Value {
        let value = match params["path"].as_str().unwrap() {
            "/cosmos.auth.v1beta1.Query/Account" => {
                // What waits is not in the state yet.
                let waiting = u64::try_from(self.mempool.len()).unwrap();
                let account = BaseAccount {
                    account_number: 7,
                    sequence: self.sequence - waiting,
                    ..BaseAccount::default()
                };
                let answer = QueryAccountResponse {
                    account: Some(message::any(&account)),
                };
                answer.encode_to_vec()
            }
            "/app/simulate" => {
                if let Some((code, log)) = &self.refuse_simulation {
                    return json!({"response": {
                        "code": code, "codespace": "sdk", "log": log, "height": "0",
                    }});
                }
                let info = json!({"gas_info": {"gas_wanted": "0", "gas_used": self.gas}});
                info.to_string().into_bytes()
            }
            _ => {
                return json!({"response": {
                    "code": 6, "codespace": "sdk", "log": "unknown query path", "height": "0",
                }})
            }
        };
        json!({"response": {"code": 0, "value": STANDARD.encode(value), "height": self.height.to_string()}})
    }
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}
