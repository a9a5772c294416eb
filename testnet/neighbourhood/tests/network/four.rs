use crate::{agrees, alone, wait};
use wattpool_neighbourhood::chain::{window_for, Chain};
use wattpool_neighbourhood::run::run;
use wattpool_neighbourhood::street::{street, with_thin_lines};
use wattpool_schema::{Wh, Zone};
use wattpool_testnet::{Options, Testnet};

/// Of each line between the zones, in a window: less than one side could use.
const CAPACITY: Wh = Wh(150);

/// Four validators, homes in two zones that lose and charge differently, thin lines between them, of which nobody asks
/// for more than they still carry; each home asks another node first.
#[test]
fn a_street_in_two_zones_on_four_validators() {
    let _alone = alone();
    let network = Testnet::start(&Options {
        validators: 4,
        block_ms: 500,
        ..Options::default()
    })
    .expect("a network of four nodes");
    let shown = wait(async {
        let chain = Chain::connect(network.description().clone()).await?;
        let pace = chain.pace().await?;
        let street = with_thin_lines(street(8, &[Zone(0), Zone(1)], 5)?, CAPACITY);
        let market = chain.deploy(&street, window_for(pace)?, pace).await?;
        run(&chain, &market, &street, pace).await
    });
    agrees(&shown);
    assert!(
        shown.over_lines > 5 && shown.carried.0 * 2 > CAPACITY.0 && shown.carried <= CAPACITY,
        "{} requests, {} Wh",
        shown.over_lines,
        shown.carried
    );
}
