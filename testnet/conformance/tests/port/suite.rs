//! The suite on both ledgers, and that both write the same.

use crate::{embedded, node};
use wattpool_conformance::port::play;
use wattpool_conformance::port::script::Cast;

#[tokio::test]
async fn the_ledger_in_process_passes_and_writes_the_same_twice() {
    let first = play(&embedded::cast().await).await;
    let second = play(&embedded::cast().await).await;
    assert_eq!(first, second);
    assert!(first.len() > 60, "{} lines", first.len());
}

#[tokio::test]
async fn wasmd_passes_and_writes_what_the_ledger_in_process_writes() {
    let mut world = node::World::start(node::Setup {
        window_s: Some(20),
        ..node::Setup::default()
    })
    .await;
    let cast = Cast {
        seller: world.party(1).await,
        buyer: world.party(2).await,
        other: world.party(3).await,
    };
    let real = play(&cast).await;
    let embedded = play(&embedded::cast().await).await;
    for (i, (real, embedded)) in real.iter().zip(&embedded).enumerate() {
        assert_eq!(real, embedded, "line {i}");
    }
    assert_eq!(real.len(), embedded.len());
    world.check_books().await;
}
