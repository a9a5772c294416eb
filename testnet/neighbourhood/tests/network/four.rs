use crate::{agrees, alone, wait};
use wattpool_neighbourhood::chain::{window_for, Chain};
use wattpool_neighbourhood::run::run;
use wattpool_neighbourhood::street::street;
use wattpool_schema::Zone;
use wattpool_testnet::{Options, Testnet};

/// Four validators, homes in two zones that lose and charge differently; each home asks another node first.
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
        let street = street(8, &[Zone(0), Zone(1)], 5)?;
        let market = chain.deploy(&street, window_for(pace)?, pace).await?;
        run(&chain, &market, &street, pace).await
    });
    agrees(&shown);
}
