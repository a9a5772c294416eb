//! Energy is conserved: random mints, transfers, settles and steps in time.

use crate::token::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use wattpool_schema::cw20::AllAccountsResponse;
use wattpool_schema::token::QueryMsg;
use wattpool_schema::Window;

const PEOPLE: [&str; 4] = ["ann", "bob", "cid", "dan"];

#[derive(Clone, Debug)]
enum Step {
    Mint(Vec<(usize, u64)>),
    Transfer(usize, usize, u64),
    Settle(usize, usize, u64, u64),
    Time(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PEOPLE.len();
    prop_oneof![
        3 => prop::collection::vec((who(), 0..500u64), 1..4).prop_map(Step::Mint),
        4 => (who(), who(), 0..400u64).prop_map(|(a, b, wh)| Step::Transfer(a, b, wh)),
        4 => (who(), who(), 0..400u64, 0..60u64).prop_map(|(a, b, g, lost)| Step::Settle(a, b, g, lost)),
        2 => (1..4u64).prop_map(Step::Time),
    ]
}

/// What a window's tokens must come to, kept beside the contract.
#[derive(Default)]
struct Expected {
    minted: u64,
    redeemed: u64,
    lost: u64,
}

fn check(token: &Token, windows: &BTreeMap<u64, Expected>) {
    let live = token.live().0;
    let everyone: AllAccountsResponse = token.ask(&QueryMsg::AllAccounts {
        start_after: None,
        limit: None,
    });
    assert!(everyone.accounts.len() <= PEOPLE.len());
    let held: u64 = PEOPLE
        .iter()
        .map(|p| token.holding(p))
        .map(|(o, r)| o + r)
        .sum();
    let credits: Vec<(u64, u64)> = PEOPLE.iter().flat_map(|p| token.credits(p)).collect();
    for (window, expected) in windows {
        let (minted, redeemed, lost, credited) = token.books(Window(*window));
        assert_eq!(
            (minted, redeemed, lost),
            (expected.minted, expected.redeemed, expected.lost)
        );
        let left = minted - redeemed - lost;
        if *window == live {
            assert_eq!((held, credited), (left, 0), "balances of the live window");
        } else {
            let found: u64 = credits
                .iter()
                .filter(|(w, _)| w == window)
                .map(|(_, wh)| wh)
                .sum();
            assert_eq!(found, left, "what expired in {window} is somebody's credit");
            assert!(credited <= left, "credited once");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    })]
    #[test]
    fn nothing_comes_from_nothing(steps in prop::collection::vec(step(), 1..60)) {
        let mut token = Token::new();
        let mut now = NOW;
        let mut windows: BTreeMap<u64, Expected> = BTreeMap::new();
        for step in steps {
            let live = token.live();
            let books = windows.entry(live.0).or_default();
            match step {
                Step::Mint(items) => {
                    let items: Vec<_> = items.iter().map(|(i, wh)| (PEOPLE[*i], *wh)).collect();
                    token.run("pool", &mint(live, &items)).unwrap();
                    books.minted += items.iter().map(|(_, wh)| wh).sum::<u64>();
                }
                Step::Transfer(from, to, wh) => {
                    let (own, received) = token.holding(PEOPLE[from]);
                    let result = token.transfer(PEOPLE[from], PEOPLE[to], u128::from(wh));
                    prop_assert_eq!(result.is_ok(), wh <= own + received);
                }
                Step::Settle(from, to, gross, lost) => {
                    let net = gross.saturating_sub(lost);
                    let (own, _) = token.holding(PEOPLE[from]);
                    let msg = settle(live, PEOPLE[from], PEOPLE[to], gross, net);
                    let result = token.run("escrow", &msg);
                    prop_assert_eq!(result.is_ok(), gross <= own);
                    if result.is_ok() {
                        books.redeemed += net;
                        books.lost += gross - net;
                    }
                }
                Step::Time(more) => {
                    now += more;
                    token.go_to(now);
                }
            }
            check(&token, &windows);
        }
        // Once everybody has been touched in a later window, nothing is left to be found.
        token.go_to(now + 1);
        for person in PEOPLE {
            token.mint(person, 1);
        }
        for (window, expected) in &windows {
            let left = expected.minted - expected.redeemed - expected.lost;
            prop_assert_eq!(token.books(Window(*window)).3, left);
        }
    }
}
