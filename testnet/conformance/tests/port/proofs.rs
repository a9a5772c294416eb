//! What the chain proves of the market, against a node that lies about it in every way.

use crate::liar::{Liar, Lie};
use crate::node::{settings, Setup, World};
use serde_json::{json, Value};
use std::sync::Arc;
use std::time::Duration;
use wattpool_conformance::port::party::Keys;
use wattpool_core::io::TxFailure;
use wattpool_core::ports::ledger::Ledger;
use wattpool_ledger_wasmd::proof::state::{self, Place};
use wattpool_ledger_wasmd::proof::{ProofError, Prover, Time, Trust, TrustedBlock};
use wattpool_ledger_wasmd::proto::cosmwasm::wasm::v1::QuerySmartContractStateResponse;
use wattpool_ledger_wasmd::proto::prost::Message;
use wattpool_ledger_wasmd::rpc::Fault;
use wattpool_ledger_wasmd::Client;
use wattpool_schema::escrow::MeterBookResponse;
use wattpool_schema::pool::{MeterPosition, MeterResponse, QueryMsg, Tariffs};
use wattpool_schema::stored::escrow::MeterBook;
use wattpool_schema::stored::pool::{Meter, PairTerms};
use wattpool_schema::{escrow, Wh, Window, Zone, PAYMENT_DENOM};

/// Trust in a block of this chain.
async fn trust(client: &Client) -> Trust {
    let hash = client.rpc().headers(2, 2).await.unwrap()[0].hash.clone();
    Trust {
        origin: TrustedBlock { height: 2, hash },
        period: Duration::from_secs(14 * 86_400),
        newest: Duration::from_secs(60),
    }
}

/// A prover over these nodes, asked as often as it likes.
async fn prover(rpc: Vec<String>, trust: &Trust) -> (Arc<Client>, Prover) {
    let client = Arc::new(Client::connect(settings(rpc)).await.unwrap());
    // Windows of a second: there is a new one for every question.
    let prover = Prover::new(Arc::clone(&client), trust.clone(), 1, None);
    (client, prover)
}

/// The clock of this machine, shifted by so many seconds.
fn shifted(seconds: i64) -> Time {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = i64::try_from(now.as_secs()).unwrap() + seconds;
    Time::from_unix_timestamp(at, 0).unwrap()
}

#[tokio::test]
async fn terms_limits_positions_accounts_and_their_absence() {
    let world = World::start(Setup::default()).await;
    let trust = trust(&world.client).await;
    let (client, prover) = prover(world.net.rpc_addresses(), &trust).await;
    let (pool, escrow) = (&world.market.pool, &world.market.escrow);
    for contract in [&world.market.token, pool, escrow] {
        prover.contract(contract).await.unwrap();
    }
    let window = Window::at(
        client.head().await.unwrap().time,
        world.market.window_seconds,
    );
    let rpc = client.rpc();
    let read = async |place: Place| {
        // The budget is of one second here.
        tokio::time::sleep(Duration::from_millis(300)).await;
        prover.read(&place).await.unwrap()
    };

    // The tariffs of a window are those that were set last before it.
    let told: Tariffs = rpc
        .smart(&pool.address, &QueryMsg::Tariffs { window })
        .await
        .unwrap();
    let place = state::tariffs(&pool.address, window).unwrap();
    let rates = state::in_force(&place, read(place.clone()).await.value, "tariffs").unwrap();
    assert_eq!(state::as_tariffs(rates), told);
    let before = state::tariffs(&pool.address, Window(0)).unwrap();
    let shown = read(before.clone()).await.value;
    let _ = state::in_force::<wattpool_schema::stored::pool::Rates>(&before, shown, "tariffs");

    // Terms between zones; there are none between others.
    let terms = world
        .party_by(1, settings(world.net.rpc_addresses()), None)
        .await
        .ledger
        .terms(window)
        .await
        .unwrap();
    let pair = terms.pairs[0];
    let place = state::pair(&pool.address, pair.from, pair.to, window).unwrap();
    let found: PairTerms =
        state::in_force(&place, read(place.clone()).await.value, "pair").unwrap();
    assert_eq!(found, (pair.loss, pair.charge, pair.capacity));
    let place = state::pair(&pool.address, Zone(700), Zone(701), window).unwrap();
    let shown = read(place.clone()).await.value;
    let error =
        state::in_force::<PairTerms>(&place, shown, "terms between these zones").unwrap_err();
    assert_eq!(error, ProofError::Absent("terms between these zones"));

    // A meter, its position and its limits.
    let keys = Keys::of(1);
    let told: MeterResponse = rpc
        .smart(&pool.address, &QueryMsg::Meter { meter: keys.meter })
        .await
        .unwrap();
    let shown = read(state::meter(&pool.address, keys.meter).unwrap())
        .await
        .value;
    let meter: Meter = state::packed(shown, "the meter").unwrap().unwrap();
    assert_eq!((meter.agent, meter.terms.zone), (told.agent, told.zone));
    let shown = read(state::position(&pool.address, keys.meter).unwrap())
        .await
        .value;
    let position: Option<MeterPosition> = state::packed(shown, "the position").unwrap();
    assert_eq!(position.unwrap_or_default(), told.position);
    let question = escrow::QueryMsg::Meter { meter: keys.meter };
    let told: MeterBookResponse = rpc.smart(&escrow.address, &question).await.unwrap();
    let shown = read(state::book(&escrow.address, keys.meter).unwrap())
        .await
        .value;
    let book: MeterBook = state::packed(shown, "the limits").unwrap().unwrap();
    assert_eq!(
        (&book.limits, book.statistics),
        (&told.limits, told.statistics)
    );
    let nobody = wattpool_schema::MeterId([0xEE; 16]);
    let shown = read(state::meter(&pool.address, nobody).unwrap())
        .await
        .value;
    assert_eq!(state::packed::<Meter>(shown, "the meter"), Ok(None));

    // An account with its sequence and its coins.
    let owner = crate::node::address(&keys.owner);
    let shown = read(Place::account(&owner).unwrap()).await.value;
    assert_eq!(
        state::account(shown).unwrap(),
        rpc.account(&owner).await.unwrap()
    );
    let shown = read(Place::balance(&owner, PAYMENT_DENOM).unwrap())
        .await
        .value;
    let told = rpc.balance(&owner, PAYMENT_DENOM).await.unwrap();
    assert_eq!(state::balance(shown), Ok(told));
    assert!(told > 0);
    let shown = read(Place::balance(&owner, "other").unwrap()).await.value;
    assert_eq!(state::balance(shown), Ok(0));

    let counts = prover.counts();
    assert_eq!((counts.refuted, counts.missing), (0, 0), "{counts:?}");
    let each = f64::from(u32::try_from(counts.requests).unwrap())
        / f64::from(u32::try_from(counts.proven).unwrap());
    eprintln!("{counts:?}: {each:.1} requests a value");
    // Other code than the file says is no market.
    let mut other = pool.clone();
    other.checksum = "00".repeat(32);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = prover.contract(&other).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("and the addresses file says 0000"),
        "{error}"
    );
}

/// Something is changed in the middle of a text of hexadecimal or base64.
fn change(text: &mut Value) {
    let old = text.as_str().unwrap().to_owned();
    let at = old.len() / 2;
    let other = if &old[at..=at] == "A" { "B" } else { "A" };
    *text = json!(format!("{}{other}{}", &old[..at], &old[at + 1..]));
}

/// Every lie, by its name and by what is said of it.
fn lies() -> Vec<(&'static str, Lie, &'static str)> {
    let with = |question, answer| Lie { question, answer };
    let ask = |question| with(question, |_, _| {});
    let say = |answer| with(|_, _| {}, answer);
    vec![
        (
            "the proof of another key",
            ask(|method, params| {
                if method == "abci_query" && params["prove"] == json!(true) {
                    // A meter's in place of the tariffs'.
                    let key = params["data"].as_str().unwrap();
                    params["data"] = json!(format!("{}6d{}", &key[..66], &key[68..]));
                }
            }),
            "of another key",
        ),
        (
            "the proof of another height",
            ask(|method, params| {
                if method == "abci_query" && params["prove"] == json!(true) {
                    let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
                    params["height"] = json!((height - 2).to_string());
                }
            }),
            "is not of the verified state",
        ),
        (
            "the proof of another contract",
            ask(|method, params| {
                if method == "abci_query" && params["prove"] == json!(true) {
                    let key = params["data"].as_str().unwrap();
                    let other = format!("{}{}{}", &key[..2], "ab".repeat(32), &key[66..]);
                    params["data"] = json!(other);
                }
            }),
            "of another key",
        ),
        (
            "no proof",
            say(|method, result| {
                if method == "abci_query" {
                    result["response"]["proofOps"] = Value::Null;
                }
            }),
            "expected a proof of two steps",
        ),
        (
            "a proof that was changed",
            say(|method, result| {
                if method == "abci_query" && !result["response"]["proofOps"].is_null() {
                    change(&mut result["response"]["proofOps"]["ops"][0]["data"]);
                }
            }),
            "wasm at ",
        ),
        (
            "a header with another state",
            say(|method, result| {
                if method == "commit" {
                    change(&mut result["signed_header"]["header"]["app_hash"]);
                }
            }),
            "the signatures are for another header",
        ),
        (
            "a forged signature",
            say(|method, result| {
                if method == "commit" {
                    change(&mut result["signed_header"]["commit"]["signatures"][0]["signature"]);
                }
            }),
            "a signature is forged",
        ),
        (
            "other validators",
            say(|method, result| {
                if method == "commit" {
                    change(&mut result["signed_header"]["header"]["validators_hash"]);
                }
            }),
            "its validators are not those that its header names",
        ),
        (
            "another time",
            say(|method, result| {
                if method == "commit" {
                    result["signed_header"]["header"]["time"] = json!("2036-01-01T00:00:00.5Z");
                }
            }),
            "the signatures are for another header",
        ),
    ]
}

#[tokio::test]
async fn every_lie_is_refused_and_the_other_node_gone_on_with() {
    let world = World::start(Setup::default()).await;
    let trust = trust(&world.client).await;
    let honest = world.net.rpc_addresses().remove(0);
    let liar = Liar::start(&honest).await;
    let pool = &world.market.pool.address;
    let window = Window::at(
        world.client.head().await.unwrap().time,
        world.market.window_seconds,
    );
    let place = state::tariffs(pool, window).unwrap();
    for (name, lie, said) in lies() {
        liar.tell(Lie::HONEST);
        let (client, prover) = prover(vec![liar.url.clone(), honest.clone()], &trust).await;
        // It has shown a true block before.
        prover.head().await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        liar.tell(lie);
        let found = prover
            .read(&place)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let rates = state::in_force(&place, found.value, "tariffs").unwrap();
        let told: Tariffs = world
            .client
            .rpc()
            .smart(pool, &QueryMsg::Tariffs { window })
            .await
            .unwrap();
        assert_eq!(state::as_tariffs(rates), told, "{name}");
        assert_eq!(prover.counts().refuted, 1, "{name}");
        let nodes = client.rpc().nodes().0;
        let Some(Fault::Unproven { why }) = &nodes[0].fault else {
            panic!("{name}: {nodes:?}");
        };
        assert!(why.contains(said), "{name}: {why}");
        assert!(
            nodes[1].in_use && nodes[1].fault.is_none(),
            "{name}: {nodes:?}"
        );
        eprintln!("{name}: {why}");
    }
    // Alone with it nothing is proven, and that is said.
    let alone = prover(vec![liar.url.clone()], &trust).await.1;
    let error = alone.read(&place).await.unwrap_err();
    assert!(
        matches!(error, ProofError::Origin { height: 2, .. }),
        "{error}"
    );
    assert_eq!(alone.counts().missing, 1);
    assert!(alone.trouble().is_some());
}

/// A node that tells tariffs a hundred times what they are, and has no proof of them.
fn tells_tariffs(method: &str, result: &mut Value) {
    if method != "abci_query" {
        return;
    }
    result["response"]["proofOps"] = Value::Null;
    let Some(value) = result["response"]["value"].as_str() else {
        return;
    };
    let bytes = base64(value);
    let Ok(answer) = QuerySmartContractStateResponse::decode(bytes.as_slice()) else {
        return;
    };
    let Ok(mut tariffs) = serde_json::from_slice::<Value>(&answer.data) else {
        return;
    };
    if let Some(import) = tariffs["import"].as_i64() {
        tariffs["import"] = json!(import * 100);
        let data = tariffs.to_string().into_bytes();
        let lie = QuerySmartContractStateResponse { data }.encode_to_vec();
        result["response"]["value"] = json!(cosmwasm_std::Binary::from(lie).to_base64());
    }
}

fn base64(text: &str) -> Vec<u8> {
    cosmwasm_std::Binary::from_base64(text).unwrap().into()
}

#[tokio::test]
async fn no_money_follows_terms_that_are_not_proven() {
    let (world, seller, live) = crate::faults::trading().await;
    let trust = trust(&world.client).await;
    let honest = world.net.rpc_addresses().remove(0);
    let liar = Liar::start(&honest).await;
    let pool = &world.market.pool.address;
    let truth: Tariffs = world
        .client
        .rpc()
        .smart(pool, &QueryMsg::Tariffs { window: live })
        .await
        .unwrap();
    let buyer = async |rpc: Vec<String>| {
        let mut buyer = world.party_by(2, settings(rpc.clone()), None).await;
        let prover = prover(rpc, &trust).await.1;
        buyer.ledger = buyer.ledger.proving(Arc::new(prover));
        buyer
    };
    let sold = || async { seller.ledger.position(seller.meter()).await.unwrap().sold };

    // Alone with the liar what it tells is taken for no more than that.
    let alone = buyer(vec![liar.url.clone()]).await;
    liar.tell(Lie {
        question: |_, _| {},
        answer: tells_tariffs,
    });
    let told = alone.ledger.terms(live).await.unwrap();
    assert_eq!(told.tariffs.import.0, truth.import.0 * 100, "the lie works");
    let broadcast = crate::faults::trade(&seller, &alone, live, 1, 500);
    let outcome = alone.ledger.execute(broadcast).await.outcome;
    let Err(TxFailure::Unsent(why)) = &outcome else {
        panic!("{outcome:?}");
    };
    eprintln!("alone with a liar: {why}");
    assert!(
        why.contains("cannot prove its blocks") || why.contains("proof"),
        "{why}"
    );
    assert_eq!(sold().await, Wh(0));
    assert!(alone.ledger.prover().unwrap().counts().missing > 0);

    // Beside a good node the terms are those that are proven, and the trade goes on.
    liar.tell(Lie::HONEST);
    let both = buyer(vec![liar.url.clone(), honest.clone()]).await;
    liar.tell(Lie {
        question: |_, _| {},
        answer: tells_tariffs,
    });
    let found = both.ledger.terms(live).await.unwrap();
    assert_eq!(found.tariffs, truth);
    let tx = crate::faults::trade(&seller, &both, live, 1, 500);
    let outcome = both.ledger.execute(tx).await.outcome;
    assert_eq!(crate::faults::closed(&outcome), 1);
    assert!(sold().await.0 > 500);
    let counts = both.ledger.prover().unwrap().counts();
    eprintln!("terms and a trade beside a liar: {counts:?}");
    // A position older than the proven one is no position.
    let position = both.ledger.position(both.meter()).await.unwrap();
    assert_eq!(position.redeemed, Wh(500));
    world.check_books().await;
}

#[tokio::test]
async fn old_headers_and_wrong_clocks_prove_nothing_and_blame_nobody() {
    let world = World::start(Setup::default()).await;
    let trust = trust(&world.client).await;
    let honest = world.net.rpc_addresses().remove(0);
    let pool = &world.market.pool.address;
    let window = Window::at(
        world.client.head().await.unwrap().time,
        world.market.window_seconds,
    );
    let place = state::tariffs(pool, window).unwrap();
    let by = async |url: &str, trust: &Trust, shift: i64| {
        let client = Arc::new(
            Client::connect(settings(vec![url.to_owned()]))
                .await
                .unwrap(),
        );
        let clock = move || shifted(shift);
        let prover = Prover::with_clock(Arc::clone(&client), trust.clone(), 1, None, clock);
        let error = prover.read(&place).await.unwrap_err();
        assert_eq!(prover.counts().refuted, 0, "{error}");
        assert_eq!(client.rpc().nodes().0[0].fault, None, "{error}");
        error
    };
    // A month later, or a month without a new trusted block.
    let error = by(&honest, &trust, 31 * 86_400).await;
    assert!(
        matches!(
            error,
            ProofError::Expired {
                height: 2,
                days: 31,
                most: 14
            }
        ),
        "{error}"
    );
    assert!(error
        .to_string()
        .contains("name it in the configuration as chain.trusted_height and chain.trusted_hash"));
    // A clock of 1970, and one that is an hour behind.
    let error = by(&honest, &trust, -(50 * 365 * 86_400)).await;
    assert!(matches!(error, ProofError::Clock { .. }), "{error}");
    let error = by(&honest, &trust, -3_600).await;
    assert!(matches!(error, ProofError::Clock { .. }), "{error}");
    // A valid header, but an old one.
    let liar = Liar::start(&honest).await;
    liar.tell(Lie {
        question: |method, params| {
            if method == "commit" && params.get("height").is_none() {
                params["height"] = json!("4");
            }
        },
        answer: |_, _| {},
    });
    let mut strict = trust.clone();
    strict.newest = Duration::from_secs(5);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let error = by(&liar.url, &strict, 0).await;
    assert!(
        matches!(error, ProofError::Stale { height: 4, .. }),
        "{error}"
    );
    // Beside it a node that goes on is enough.
    let both = prover(vec![liar.url.clone(), honest.clone()], &strict)
        .await
        .1;
    both.read(&place).await.unwrap();
    // Another trusted block than the chain has.
    let mut other = trust.clone();
    other.origin.hash = "AB".repeat(32);
    let error = by(&honest, &other, 0).await;
    assert!(
        matches!(error, ProofError::Origin { height: 2, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_meter_that_was_off_goes_on_from_the_block_it_kept_and_asks_a_window_twelve_times_at_most(
) {
    let world = World::start(Setup::default()).await;
    let trust = trust(&world.client).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verified.json");
    let make = |shift: i64, window_s: u32| {
        let clock = move || shifted(shift);
        let client = Arc::clone(&world.client);
        Prover::with_clock(client, trust.clone(), window_s, Some(file.clone()), clock)
    };
    let head = make(0, 1).head().await.unwrap();
    assert!(head.height() > 2);
    // The origin is not asked for again.
    let mut gone = trust.clone();
    gone.origin.hash = "AB".repeat(32);
    let clock = || shifted(0);
    let again = Prover::with_clock(
        Arc::clone(&world.client),
        gone,
        1,
        Some(file.clone()),
        clock,
    );
    again.head().await.unwrap();
    // A long window: after twelve requests it is enough.
    let prover = make(0, 1_000_000);
    let pool = &world.market.pool.address;
    let place = state::tariffs(pool, Window(1)).unwrap();
    let mut errors = Vec::new();
    for _ in 0..15 {
        errors.extend(prover.read(&place).await.err());
    }
    assert!(errors.contains(&ProofError::Budget), "{errors:?}");
    assert!(prover.counts().requests <= 12, "{:?}", prover.counts());
}
