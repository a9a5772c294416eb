use crate::{fast, processes};
use std::time::{Duration, Instant};
use wattpool_testnet::{Options, Testnet};

#[test]
fn four_validators_bear_the_loss_of_one_and_wait_for_the_second() {
    let options = Options {
        validators: 4,
        ..fast()
    };
    let mut network = Testnet::start(&options).unwrap();
    assert_eq!(processes(network.home()).len(), 8);
    for node in 0..4 {
        network.wait_for_height(node, 4).unwrap();
    }

    network.kill(3).unwrap();
    // A height in the making may still have had its votes; so many later ones cannot.
    network.wait_for_blocks(0, 6).unwrap();

    network.kill(2).unwrap();
    let stopped = network.height(0).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        // The height that was in the making may have had its votes.
        assert!(
            network.height(0).unwrap() <= stopped + 1,
            "half of the votes make no block"
        );
        std::thread::sleep(Duration::from_millis(100));
    }

    network.restart(2).unwrap();
    network.wait_for_height(0, stopped + 3).unwrap();
    network.restart(3).unwrap();
    // The one that was away longest has caught up when it knows a height that was made after its return.
    let height = network.height(0).unwrap() + 1;
    network.wait_for_height(3, height).unwrap();
}
