//! The suite of the agent's port, on the ledger in process.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod embedded_cast;

#[tokio::test]
async fn the_embedded_ledger_passes_and_writes_the_same_twice() {
    let first = wattpool_conformance::port::play(&embedded_cast::cast().await).await;
    let second = wattpool_conformance::port::play(&embedded_cast::cast().await).await;
    assert_eq!(first, second);
    assert!(first.len() > 60, "{} lines", first.len());
}
