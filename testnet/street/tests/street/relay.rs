//! A relay in user space that makes a link slow and lossy, by a seed: what passes is delayed, some of it stalls as long
//! as a lost segment takes to be sent again, and now and then a connection is cut.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wattpool_chance::Chance;

/// One way, and what is added to it by chance.
const DELAY_MS: u64 = 20;
const JITTER_MS: u64 = 30;
/// One of so many pieces is lost, and sent again after so long.
const LOST: u64 = 50;
const AGAIN_MS: u64 = 250;
/// With one of so many pieces the connection is cut.
const CUT: u64 = 1_500;
/// A piece is what a segment carries.
const PIECE: usize = 1_400;
const UNDER_WAY: usize = 256;

#[derive(Debug, Default)]
pub struct Counts {
    pub connections: AtomicU64,
    pub pieces: AtomicU64,
    pub lost: AtomicU64,
    pub cut: AtomicU64,
}

/// Relays, until it is dropped.
pub struct Relay {
    runtime: Runtime,
    seed: u64,
    pub counts: Arc<Counts>,
}

impl Relay {
    pub fn new(seed: u64) -> Self {
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            seed,
            counts: Arc::default(),
        }
    }

    /// From an address that others dial to the one where somebody listens.
    pub fn relay(&self, from: SocketAddr, to: SocketAddr) {
        let listener = self.runtime.block_on(TcpListener::bind(from)).unwrap();
        let (counts, seed) = (Arc::clone(&self.counts), self.seed ^ u64::from(from.port()));
        self.runtime.spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    continue;
                };
                let number = counts.connections.fetch_add(1, Ordering::Relaxed);
                let chance = Chance::new(seed.wrapping_add(number << 32));
                tokio::spawn(connection(near, to, chance, Arc::clone(&counts)));
            }
        });
    }
}

async fn connection(near: TcpStream, to: SocketAddr, mut chance: Chance, counts: Arc<Counts>) {
    tokio::time::sleep(Duration::from_millis(DELAY_MS)).await;
    // Nobody listens: the caller's connection ends with this.
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    for end in [&near, &far] {
        end.set_nodelay(true).unwrap();
    }
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let back = Chance::new(chance.word());
    // Where one way ends so does the other, and both ends see it.
    tokio::select! {
        () = way(near_read, far_write, chance, &counts) => {}
        () = way(far_read, near_write, back, &counts) => {}
    }
}

async fn way(
    mut read: OwnedReadHalf,
    mut write: OwnedWriteHalf,
    mut chance: Chance,
    counts: &Counts,
) {
    let (send, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let reading = async move {
        let mut due = Instant::now();
        loop {
            let mut piece = vec![0; PIECE];
            let Ok(length @ 1..) = read.read(&mut piece).await else {
                return;
            };
            piece.truncate(length);
            counts.pieces.fetch_add(1, Ordering::Relaxed);
            if chance.below(CUT) == 0 {
                counts.cut.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let mut delay = DELAY_MS + chance.below(JITTER_MS);
            if chance.below(LOST) == 0 {
                counts.lost.fetch_add(1, Ordering::Relaxed);
                delay += AGAIN_MS;
            }
            // What follows waits: a stream keeps its order.
            due = due.max(Instant::now() + Duration::from_millis(delay));
            if send.send((due, piece)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = pieces.recv().await {
            tokio::time::sleep_until(due).await;
            if write.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}
