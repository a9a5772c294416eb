//! Small networks of real nodes on 127.0.0.1.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wattpool_core::ports::network::Peers;
use wattpool_discovery_libp2p::{Limits, Mesh};
use wattpool_schema::peer::{Answer, DenialReason, SignedRequest, TradeAnswer, TradeRequest};
use wattpool_schema::{MeterId, Price, Seconds, Signature, TradeKind, Wh, Window};
use wattpool_testbed::{limits, Member, Register, Signed, Stranger};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Deadline of look-ups that are not about deadlines.
pub const WITHIN: Duration = Duration::from_secs(30);

pub fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

/// Asks again and again until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let started = Instant::now();
    while !is().await {
        assert!(started.elapsed() < PATIENCE, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Members, their register, and the nodes that were started.
pub struct Net {
    pub members: Vec<Member>,
    pub register: Arc<Register>,
    pub limits: Limits,
    pub nodes: Vec<Mesh>,
}

impl Net {
    /// `meters` registered members, nobody started.
    pub fn new(meters: u32) -> Self {
        Self::numbered(0, meters)
    }

    /// Members numbered from another number on: other keys.
    pub fn numbered(first: u32, meters: u32) -> Self {
        let members: Vec<_> = (first..first + meters)
            .map(|n| Member::new(n).unwrap())
            .collect();
        Self {
            register: Register::new(&members, Seconds(1_000_000)),
            members,
            limits: limits(),
            nodes: Vec::new(),
        }
    }

    /// The first `nodes` members started, all of them known to each other.
    pub async fn up(meters: u32, nodes: u32) -> Self {
        let mut net = Self::new(meters);
        for n in 0..nodes {
            net.start(n).await;
        }
        net.settle().await;
        net
    }

    pub fn member(&self, n: u32) -> &Member {
        &self.members[n as usize]
    }

    pub fn node(&self, n: u32) -> &Mesh {
        &self.nodes[n as usize]
    }

    pub async fn bootstrap(&self) -> Vec<String> {
        match self.nodes.first() {
            Some(first) => first.addresses().await,
            None => Vec::new(),
        }
    }

    pub async fn begin(&self, n: u32, bootstrap: Vec<String>) -> Mesh {
        let config = self.member(n).config(bootstrap, self.limits.clone());
        let check = Arc::clone(&self.register);
        let mesh = Mesh::start(&config, check, self.register.clock()).unwrap();
        until("it listens", || async {
            !mesh.addresses().await.is_empty()
        })
        .await;
        mesh
    }

    pub async fn start(&mut self, n: u32) {
        let node = self.begin(n, self.bootstrap().await).await;
        self.nodes.push(node);
    }

    /// All nodes know all others.
    pub async fn settle(&self) {
        let all = self.nodes.len() as u64 - 1;
        for node in &self.nodes {
            until("all know each other", || async {
                node.figures().known >= all
            })
            .await;
        }
    }

    /// A stranger that everybody knows.
    pub async fn stranger(&self, n: u32, answer: Option<Vec<u8>>, version: u16) -> Stranger {
        let bootstrap = self.bootstrap().await;
        Stranger::start(self.member(n), &self.register, bootstrap, answer, version).unwrap()
    }

    /// The end of records that hold for a while.
    pub fn soon(&self) -> Seconds {
        Seconds(self.register.now().0 + 900)
    }

    pub fn offer(&self, n: u32, wh: u64, sequence: u64) -> Signed {
        let meters = self.members.len();
        self.member(n)
            .signed_offer(wh, sequence, self.soon(), meters)
    }
}

/// A request for some energy.
pub fn request(id: u64) -> SignedRequest {
    SignedRequest {
        request: TradeRequest {
            version: 1,
            network: "trial-1/escrow".into(),
            id,
            buyer: MeterId([1; 16]),
            seller: MeterId([2; 16]),
            kind: TradeKind::Spot,
            first_window: Window(7),
            count: 1,
            wh: Wh(100 + id),
            max_price: Price(9),
            requested_at: Seconds(1),
            expires_at: Seconds(2),
        },
        signature: Signature::default(),
    }
}

/// Its denial, which names the Wh asked for.
pub fn denial(request: &SignedRequest) -> TradeAnswer {
    TradeAnswer {
        id: request.request.id,
        seller: request.request.seller,
        buyer: request.request.buyer,
        answer: Answer::Denied {
            reason: DenialReason::SoldOut,
            available: request.request.wh,
        },
    }
}

/// Answers every request with a denial that names the Wh asked for.
pub fn deny_all(node: &Arc<Mesh>) -> tokio::task::JoinHandle<()> {
    let node = Arc::clone(node);
    tokio::spawn(async move {
        while let Some((request, reply)) = node.next_request().await {
            reply(denial(&request));
        }
    })
}
