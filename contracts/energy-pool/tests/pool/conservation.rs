//! Energy and feed-in money are conserved: random statements, covers, trades, transfers, pauses, claims
//! and steps in time, against plain sums kept beside the contracts.

use crate::market::*;
use cosmwasm_std::coins;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{ExecuteMsg, QueryMsg, RedeemMsg, ReserveResponse};
use wattpool_schema::token::{self, CreditsResponse, SettleMsg, TokenWindow};
use wattpool_schema::{Wh, Window};

#[derive(Clone, Debug)]
enum Step {
    /// Meter, windows back, sequence on top of the last one (may be too few), Wh.
    State(u8, u64, u64, u64),
    Cover(u8, u64),
    /// Seller, buyer, net, lost: pool and token together, as the escrow does.
    Trade(u8, u8, u64, u64),
    Transfer(u8, u8, u64),
    Time(u64),
    Pause(bool),
    Confirm(u64),
    Claim(u8, u32),
    Fund(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let meter = || 1..4u8;
    prop_oneof![
        6 => (meter(), 0..6u64, 0..5u64, 0..900u64).prop_map(|(m, b, s, wh)| Step::State(m, b, s, wh)),
        3 => (meter(), 0..900u64).prop_map(|(m, wh)| Step::Cover(m, wh)),
        4 => (meter(), meter(), 0..500u64, 0..40u64).prop_map(|(s, b, n, l)| Step::Trade(s, b, n, l)),
        2 => (meter(), meter(), 0..500u64).prop_map(|(a, b, wh)| Step::Transfer(a, b, wh)),
        4 => (1..3u64).prop_map(Step::Time),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => (1..4u64).prop_map(Step::Confirm),
        2 => (meter(), 1..4u32).prop_map(|(m, l)| Step::Claim(m, l)),
        1 => (1..90_000u64).prop_map(Step::Fund),
    ]
}

/// What has been taken, by window.
#[derive(Default)]
struct Sums {
    minted: BTreeMap<u64, u64>,
    late: BTreeMap<u64, u64>,
    gross: BTreeMap<u64, u64>,
    net: BTreeMap<u64, u64>,
    turned: BTreeMap<u64, u64>,
    /// Stated late, by the window that was live then.
    stated_late: BTreeMap<u64, u64>,
    late_turned: BTreeMap<u64, u64>,
    funded: u64,
}

fn trade(market: &mut Market, seller: u8, buyer: u8, gross: u64, net: u64) -> bool {
    let window = market.live();
    let holding = |m: &Market| {
        let address = addr(owner(seller)).into_string();
        let h: token::HoldingResponse = m.ask_token(&token::QueryMsg::Holding { address });
        h.own.0
    };
    if holding(market) < gross {
        return false;
    }
    let redeem = RedeemMsg {
        window,
        ..redeem(seller, buyer, gross, net, None)
    };
    if market
        .run("escrow", &ExecuteMsg::Redeem { redeem })
        .is_err()
    {
        return false;
    }
    let trade = SettleMsg {
        window,
        trade_id: 7,
        seller: id(seller),
        buyer: id(buyer),
        from: addr(owner(seller)).into_string(),
        to: addr(owner(buyer)).into_string(),
        gross: Wh(gross),
        net: Wh(net),
    };
    market.tell_token("escrow", &token::ExecuteMsg::Settle { trade });
    true
}

fn apply(market: &mut Market, sums: &mut Sums, now: &mut u64, step: &Step) {
    let live = market.live().0;
    match *step {
        Step::State(meter, back, ahead, wh) => {
            let position = market.position(meter);
            let window = *now - back;
            let sequence = position.sequence + ahead * 2;
            let sequence = if back > 2 {
                sequence.saturating_sub(3)
            } else {
                sequence
            };
            let statement = market.statement(meter, window, sequence, wh);
            let response = market.state(&[statement]);
            let taken = events(&response).into_iter().find_map(|e| match e {
                MarketEvent::Stated(s) => Some(s.minted),
                _ => None,
            });
            match taken {
                Some(true) => *sums.minted.entry(window).or_default() += wh,
                Some(false) => {
                    *sums.late.entry(window).or_default() += wh;
                    *sums.stated_late.entry(live).or_default() += wh;
                }
                None => assert!(codes(&response)[0].is_some()),
            }
        }
        Step::Cover(meter, wh) => market.covered(meter, wh),
        Step::Trade(seller, buyer, net, lost) => {
            if trade(market, seller, buyer, net + lost, net) {
                *sums.gross.entry(live).or_default() += net + lost;
                *sums.net.entry(live).or_default() += net;
            }
        }
        Step::Transfer(from, to, wh) => {
            if market.tokens(owner(from)) >= wh {
                let transfer = token::ExecuteMsg::Transfer {
                    recipient: addr(owner(to)).into_string(),
                    amount: u128::from(wh).into(),
                };
                market.tell_token(owner(from), &transfer);
            }
        }
        Step::Time(more) => {
            *now += more;
            market.go_to(*now);
        }
        Step::Pause(on) => {
            let msg = if on {
                ExecuteMsg::Pause {}
            } else {
                ExecuteMsg::Unpause {}
            };
            market.run("admin", &msg).unwrap();
        }
        Step::Confirm(back) => {
            let through = Window(live - back);
            // May be confirmed already.
            let _ = market.run("operator", &ExecuteMsg::ConfirmFeedIn { through });
        }
        Step::Claim(meter, limit) => {
            let owner = addr(owner(meter)).into_string();
            let limit = Some(limit);
            if let Ok(response) = market.run("x", &ExecuteMsg::ClaimFeedIn { owner, limit }) {
                for event in events(&response) {
                    if let MarketEvent::FeedInCredited(c) = event {
                        let turned = if c.late {
                            &mut sums.late_turned
                        } else {
                            &mut sums.turned
                        };
                        *turned.entry(c.window.0).or_default() += c.wh.0;
                    }
                }
            }
        }
        Step::Fund(amount) => {
            let funds = coins(u128::from(amount), "uwatt");
            market
                .run_with("operator", &ExecuteMsg::FundReserve {}, &funds)
                .unwrap();
            sums.funded += amount;
        }
    }
}

fn check(market: &Market, sums: &Sums, first: u64, now: u64) {
    let live = market.live().0;
    let of = |map: &BTreeMap<u64, u64>, w: u64| map.get(&w).copied().unwrap_or(0);
    let owners = [1, 2, 3].map(owner);
    let held: u64 = owners.iter().map(|o| market.tokens(o)).sum();
    let credits: Vec<(u64, u64)> = owners.iter().flat_map(|o| credits(market, o)).collect();
    let late: Vec<(u64, u64)> = owners.iter().flat_map(|o| market.late(o)).collect();
    for w in first..now {
        let window = Window(w);
        let pool = market.books(w);
        let token: TokenWindow = market.ask_token(&token::QueryMsg::Window { window });
        assert_eq!(pool.minted.0, of(&sums.minted, w));
        assert_eq!(pool.late.0, of(&sums.late, w));
        assert_eq!(
            (pool.sold.0, pool.redeemed.0),
            (of(&sums.gross, w), of(&sums.net, w))
        );
        assert_eq!((token.minted, token.redeemed), (pool.minted, pool.redeemed));
        assert_eq!(token.lost.0, pool.sold.0 - pool.redeemed.0);
        assert!(pool.redeemed <= pool.covered);
        let expired = pool.minted.0 - pool.sold.0;
        let sum = |list: &[(u64, u64)]| -> u64 {
            list.iter()
                .filter(|(of, _)| *of == w)
                .map(|(_, wh)| wh)
                .sum()
        };
        if w == live {
            assert_eq!(held, expired, "balances of the live window");
        } else {
            // Credits stay on record at the token; late credit leaves when it is turned into money.
            assert_eq!(sum(&credits), expired);
        }
        assert_eq!(
            sum(&late) + of(&sums.late_turned, w),
            of(&sums.stated_late, w),
            "late credit is there until it is turned into money"
        );
        assert!(of(&sums.turned, w) <= expired, "no Wh is paid twice");
    }
    let r: ReserveResponse = market.ask(&QueryMsg::Reserve {});
    assert_eq!(r.funded.0, sums.funded);
    assert_eq!(r.reserve.0 + r.paid.0, r.funded.0);
    assert_eq!(market.coins(&market.pool), u128::from(r.reserve.0));
    let accounts = owners.map(|o| market.feed_in(o));
    assert!(accounts.iter().map(|a| a.owed.0).sum::<u64>() <= r.owed.0);
    assert_eq!(accounts.iter().map(|a| a.paid.0).sum::<u64>(), r.paid.0);
}

fn credits(market: &Market, name: &str) -> Vec<(u64, u64)> {
    let answer: CreditsResponse = market.ask_token(&token::QueryMsg::Credits {
        address: addr(name).into_string(),
        after: None,
        through: Window::MAX,
        limit: Some(100),
    });
    answer
        .credits
        .iter()
        .map(|c| (c.window.0, c.wh.0))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    })]
    #[test]
    fn nothing_comes_from_nothing(steps in prop::collection::vec(step(), 1..80)) {
        let mut market = Market::new();
        let (mut sums, mut now) = (Sums::default(), NOW);
        for step in &steps {
            apply(&mut market, &mut sums, &mut now, step);
        }
        check(&market, &sums, START, now);
        // In the end everything that expired or was stated late is turned into money, once.
        now += 3;
        market.go_to(now);
        let through = Window(now - 2);
        market.run("operator", &ExecuteMsg::ConfirmFeedIn { through }).unwrap();
        apply(&mut market, &mut sums, &mut now, &Step::Fund(100_000_000));
        // Windows are gone through a page at a time.
        for _ in 0..3 {
            let last = [1, 2, 3].map(|meter| Step::Claim(meter, 100));
            last.iter().for_each(|step| apply(&mut market, &mut sums, &mut now, step));
        }
        check(&market, &sums, START, now);
        for w in START..now - 1 {
            let books = market.books(w);
            let of = |map: &BTreeMap<u64, u64>| map.get(&w).copied().unwrap_or(0);
            prop_assert_eq!(of(&sums.turned), books.minted.0 - books.sold.0, "window {}", w);
            prop_assert_eq!(of(&sums.late_turned), of(&sums.stated_late), "window {}", w);
        }
        let r: ReserveResponse = market.ask(&QueryMsg::Reserve {});
        // Each owner's credit of a window is rounded down.
        prop_assert!(r.owed.0 <= 3 * (now - START), "all is paid but fractions: {:?}", r);
    }
}
