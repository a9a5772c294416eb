//! A neighbourhood lives on a real chain, of one validator and of four: it trades as in the simulator, and all books
//! agree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod four;
mod scripts;

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wattpool_neighbourhood::run::Shown;

/// One network after the other: they would only slow each other down.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<T>(run: impl Future<Output = anyhow::Result<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run).unwrap_or_else(|e| panic!("{e:#}"))
}

fn agrees(shown: &Shown) {
    println!("{}", shown.words());
    assert!(shown.found.is_empty(), "{}", shown.found.join("\n"));
    let sellers = shown.counters.iter().filter(|c| c.sales > 0).count();
    let buyers = shown.counters.iter().filter(|c| c.purchases > 0).count();
    assert!(
        sellers > 1 && buyers > 1,
        "{sellers} sellers, {buyers} buyers"
    );
}
