//! `ClaimFeedIn`: due credit becomes money, paid as far as the reserve goes, page by page.

use crate::market::*;
use cosmwasm_std::coins;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{FeedInCredited, FeedInPaid, MarketEvent, ReserveTaken};
use wattpool_schema::pool::{ExecuteMsg, FeedInResponse, QueryMsg, ReserveResponse, Tariffs};
use wattpool_schema::{Micro, Tariff, Wh, Window};

fn claim(name: &str, limit: Option<u32>) -> ExecuteMsg {
    ExecuteMsg::ClaimFeedIn {
        owner: addr(name).into_string(),
        limit,
    }
}

fn run(
    market: &mut Market,
    name: &str,
    limit: Option<u32>,
) -> Result<Vec<MarketEvent>, MarketError> {
    market
        .run("anybody", &claim(name, limit))
        .map(|r| events(&r))
}

fn credited(name: &str, window: u64, wh: u64, amount: u64, late: bool) -> MarketEvent {
    MarketEvent::FeedInCredited(FeedInCredited {
        owner: addr(name).into_string(),
        window: Window(window),
        wh: Wh(wh),
        amount: Micro(amount),
        late,
    })
}

fn paid(name: &str, amount: u64, owed: u64) -> MarketEvent {
    MarketEvent::FeedInPaid(FeedInPaid {
        owner: addr(name).into_string(),
        amount: Micro(amount),
        owed: Micro(owed),
    })
}

fn fund(market: &mut Market, amount: u128) {
    let funds = coins(amount, "uwatt");
    market
        .run_with("operator", &ExecuteMsg::FundReserve {}, &funds)
        .unwrap();
}

fn confirm(market: &mut Market, through: u64) {
    let through = Window(through);
    market
        .run("operator", &ExecuteMsg::ConfirmFeedIn { through })
        .unwrap();
}

fn reserve(market: &Market) -> (u64, u64, u64, u64) {
    let r: ReserveResponse = market.ask(&QueryMsg::Reserve {});
    (r.reserve.0, r.owed.0, r.paid.0, r.funded.0)
}

#[test]
fn confirmed_credit_is_paid() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    market.stated(1, LIVE.0 - 2, 1, 40);
    market.stated(1, LIVE.0, 2, 1_001);
    // While it is live, nothing of it is credit.
    market.go_to(NOW + 1);
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
    confirm(&mut market, LIVE.0);
    let events = run(&mut market, "ann", None).unwrap();
    // 40 Wh and 1,001 Wh at 80,000 per kWh.
    let expected = [
        credited("ann", LIVE.0, 1_001, 80_080, false),
        credited("ann", LIVE.0, 40, 3_200, true),
        paid("ann", 83_280, 0),
    ];
    assert_eq!(events, expected);
    assert_eq!(market.coins(&addr("ann")), 83_280);
    assert_eq!(market.coins(&addr("anybody")), 0);
    assert_eq!(reserve(&market), (916_720, 0, 83_280, 1_000_000));
    let account = market.feed_in("ann");
    assert_eq!((account.owed, account.paid), (Micro(0), Micro(83_280)));
    assert_eq!(
        (account.claimed_through, account.late),
        (Some(LIVE), vec![])
    );
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
}

#[test]
fn received_tokens_are_credit_of_who_holds_them() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    market.stated(1, LIVE.0, 1, 1_000);
    let transfer = wattpool_schema::token::ExecuteMsg::Transfer {
        recipient: addr("eve").into_string(),
        amount: 400u128.into(),
    };
    market.tell_token("ann", &transfer);
    market.go_to(NOW + 1);
    confirm(&mut market, LIVE.0);
    run(&mut market, "eve", None).unwrap();
    run(&mut market, "ann", None).unwrap();
    assert_eq!(
        (market.coins(&addr("eve")), market.coins(&addr("ann"))),
        (32_000, 48_000)
    );
}

#[test]
fn due_after_days_without_a_confirmation() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    market.stated(1, LIVE.0, 1, 1_000);
    // Trading of the live window ends when NOW does; two days later its credit is due.
    let due = (NOW + 1) * u64::from(LEN) + 2 * 86_400;
    market.go_to_second(due - 1);
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
    market.go_to_second(due);
    let events = run(&mut market, "ann", None).unwrap();
    assert_eq!(
        events,
        [
            credited("ann", LIVE.0, 1_000, 80_000, false),
            paid("ann", 80_000, 0)
        ]
    );
}

#[test]
fn partial_when_the_reserve_is_short() {
    let mut market = Market::new();
    fund(&mut market, 30_000);
    market.stated(1, LIVE.0, 1, 1_000);
    market.stated(2, LIVE.0, 1, 500);
    market.go_to(NOW + 1);
    confirm(&mut market, LIVE.0);
    // A quarter of what all are owed is there, and a quarter of what ann is owed is paid.
    let events = run(&mut market, "ann", None).unwrap();
    assert_eq!(
        events,
        [
            credited("ann", LIVE.0, 1_000, 80_000, false),
            paid("ann", 20_000, 60_000)
        ]
    );
    assert_eq!(reserve(&market), (10_000, 100_000, 20_000, 30_000));
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::ReserveEmpty
    );
    let events = run(&mut market, "bob", None).unwrap();
    assert_eq!(
        events,
        [
            credited("bob", LIVE.0, 500, 40_000, false),
            paid("bob", 10_000, 30_000)
        ]
    );
    assert_eq!(reserve(&market), (0, 90_000, 30_000, 30_000));
    fund(&mut market, 60_000);
    assert_eq!(
        run(&mut market, "ann", None).unwrap(),
        [paid("ann", 40_000, 20_000)]
    );
    fund(&mut market, 30_000);
    // What was paid to one does not depend on when another one asked.
    assert_eq!(
        run(&mut market, "bob", None).unwrap(),
        [paid("bob", 30_000, 0)]
    );
    assert_eq!(
        run(&mut market, "ann", None).unwrap(),
        [paid("ann", 20_000, 0)]
    );
    for name in ["ann", "bob"] {
        assert_eq!(
            run(&mut market, name, None).unwrap_err(),
            MarketError::NothingDue
        );
    }
    assert_eq!(reserve(&market), (0, 0, 120_000, 120_000));
    assert_eq!(market.coins(&market.pool), 0);
}

#[test]
fn pages_skip_nothing() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    for step in 0..7 {
        market.go_to(NOW + step);
        market.stated(1, LIVE.0 + step, step + 1, 1_000 + step);
    }
    // Two of bob's windows are late ones: they fall due with the window in which they were stated.
    market.stated(2, LIVE.0 + 2, 1, 10);
    market.stated(2, LIVE.0 + 4, 2, 20);
    market.stated(2, LIVE.0 + 6, 3, 30);
    market.go_to(NOW + 7);
    confirm(&mut market, LIVE.0 + 6);
    let windows = |events: Vec<MarketEvent>| -> Vec<u64> {
        let window = |e: &MarketEvent| match e {
            MarketEvent::FeedInCredited(c) => Some(c.window.0 - LIVE.0),
            _ => None,
        };
        events.iter().filter_map(window).collect()
    };
    let page = |market: &mut Market, name: &str, limit| windows(run(market, name, limit).unwrap());
    assert_eq!(page(&mut market, "ann", Some(3)), [0, 1, 2]);
    assert_eq!(
        market.feed_in("ann").claimed_through,
        Some(Window(LIVE.0 + 2))
    );
    assert_eq!(page(&mut market, "ann", Some(0)), [3]);
    assert_eq!(page(&mut market, "ann", Some(3)), [4, 5, 6]);
    assert_eq!(
        run(&mut market, "ann", Some(3)).unwrap_err(),
        MarketError::NothingDue
    );
    assert_eq!(page(&mut market, "bob", Some(1)), [6, 6]);
    assert_eq!(
        market.feed_in("bob").claimed_through,
        Some(Window(LIVE.0 + 6))
    );
    let sum: u64 = (0..7).map(|s| (1_000 + s) * 80).sum();
    assert_eq!(market.coins(&addr("ann")), u128::from(sum));
}

#[test]
fn late_credit_after_a_claim_is_not_lost() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    market.stated(1, START, 1, 0);
    market.stated(1, LIVE.0, 50, 100);
    market.go_to(NOW + 1);
    confirm(&mut market, LIVE.0);
    run(&mut market, "ann", None).unwrap();
    market.stated(1, START + 3, 20, 1_000);
    // The window was confirmed before this was stated: that is no confirmation of it.
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
    market.go_to(NOW + 2);
    confirm(&mut market, LIVE.0 + 1);
    let events = run(&mut market, "ann", None).unwrap();
    assert_eq!(
        events,
        [
            credited("ann", LIVE.0 + 1, 1_000, 80_000, true),
            paid("ann", 80_000, 0)
        ]
    );
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
}

#[test]
fn the_tariff_is_that_of_the_window() {
    let mut market = Market::new();
    fund(&mut market, 1_000_000);
    for (from, feed_in) in [(NOW + 2, -50_000), (NOW + 3, 120_000)] {
        let tariffs = Tariffs {
            import: Tariff(1),
            feed_in: Tariff(feed_in),
        };
        let from_window = Window(from);
        market
            .run(
                "operator",
                &ExecuteMsg::SetTariffs {
                    from_window,
                    tariffs,
                },
            )
            .unwrap();
    }
    for step in 2..5 {
        market.go_to(NOW + step);
        market.stated(1, LIVE.0 + step, step, 1_000);
    }
    market.go_to(NOW + 5);
    confirm(&mut market, NOW + 3);
    let events = run(&mut market, "ann", None).unwrap();
    let expected = [
        credited("ann", NOW + 1, 1_000, 80_000, false),
        // A negative feed-in tariff belongs to the grid bill: the credit is nothing.
        credited("ann", NOW + 2, 1_000, 0, false),
        credited("ann", NOW + 3, 1_000, 120_000, false),
        paid("ann", 200_000, 0),
    ];
    assert_eq!(events, expected);
}

#[test]
fn the_owner_is_validated() {
    let mut market = Market::new();
    let msg = ExecuteMsg::ClaimFeedIn {
        owner: "ann".into(),
        limit: None,
    };
    assert_eq!(market.run("ann", &msg).unwrap_err().code(), Code::Std);
    assert_eq!(
        run(&mut market, "stranger", None).unwrap_err(),
        MarketError::NothingDue
    );
}

#[test]
fn late_statements_do_not_pass_a_confirmation_that_came_before_them() {
    let mut market = Market::new();
    fund(&mut market, 900_000_000);
    market.go_to(NOW + 500);
    confirm(&mut market, NOW + 498);
    let live = NOW + 499;
    // A device that lies states a month of windows that the operator has confirmed as empty.
    market.stated(1, live, 10_000, MAX);
    for batch in 0..9 {
        let statements: Vec<_> = (0..50)
            .map(|i| batch * 50 + i)
            .map(|n| market.statement(1, START + n, n + 1, MAX))
            .collect();
        assert!(codes(&market.state(&statements))
            .iter()
            .all(Option::is_none));
    }
    for _ in 0..3 {
        assert_eq!(
            run(&mut market, "ann", Some(100)).unwrap_err(),
            MarketError::NothingDue
        );
    }
    // The days without a confirmation count from when it was stated.
    let stated = (NOW + 501) * u64::from(LEN);
    market.go_to_second(stated + 2 * 86_400 - 1);
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
    market.go_to_second(stated + 2 * 86_400);
    run(&mut market, "ann", None).unwrap();
}

#[test]
fn who_claims_first_gets_no_more_than_who_claims_last() {
    let orders: [[&str; 3]; 3] = [
        ["ann", "bob", "cid"],
        ["cid", "bob", "ann"],
        ["bob", "ann", "cid"],
    ];
    for order in orders {
        let mut market = Market::new();
        for meter in [1, 2, 3] {
            market.stated(meter, LIVE.0, 1, 1_000);
        }
        market.go_to(NOW + 1);
        confirm(&mut market, LIVE.0);
        fund(&mut market, 80_000);
        for name in order {
            run(&mut market, name, None).unwrap();
            assert_eq!(market.coins(&addr(name)), 26_666, "{name} of {order:?}");
        }
    }
}

#[test]
fn the_oldest_window_of_all_is_paid_first() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 1_000);
    market.go_to(NOW + 1);
    market.stated(2, LIVE.0 + 1, 1, 1_000);
    market.go_to(NOW + 2);
    confirm(&mut market, LIVE.0 + 1);
    fund(&mut market, 100_000);
    // Bob's window is the later one: what is left of the reserve after ann's is a quarter of it.
    run(&mut market, "bob", None).unwrap();
    assert_eq!(market.coins(&addr("bob")), 20_000);
    run(&mut market, "ann", None).unwrap();
    assert_eq!(market.coins(&addr("ann")), 80_000);
}

#[test]
fn late_credit_has_pages() {
    let mut market = Market::new();
    for step in 0..40 {
        market.go_to(NOW + 2 + step);
        market.stated(1, NOW + step, step + 1, 10);
    }
    let page = |start_after: Option<Window>| -> Vec<u64> {
        let owner = addr("ann").into_string();
        let answer: FeedInResponse = market.ask(&QueryMsg::FeedIn {
            owner,
            start_after,
            limit: None,
        });
        answer.late.iter().map(|c| c.window.0 - LIVE.0).collect()
    };
    assert_eq!(page(None), (2..32).collect::<Vec<_>>());
    let rest = page(Some(Window(LIVE.0 + 31)));
    assert_eq!(rest, (32..42).collect::<Vec<_>>());
    assert_eq!(page(Some(Window::MAX)), [0u64; 0]);
}

#[test]
fn the_operator_takes_back_what_nobody_is_owed_and_no_more() {
    let mut market = Market::new();
    fund(&mut market, 200_000);
    let take = |market: &mut Market, amount: Option<u64>| {
        let amount = amount.map(Micro);
        market
            .run("operator", &ExecuteMsg::TakeBack { amount })
            .map(|r| events(&r))
    };
    let short = |wanted, there| MarketError::InsufficientMoney { wanted, there };
    // Not due, not claimed, not even expired: owed all the same.
    market.stated(1, LIVE.0, 1, 1_000);
    assert_eq!(reserve(&market), (200_000, 80_000, 0, 200_000));
    assert_eq!(
        take(&mut market, Some(120_001)).unwrap_err(),
        short(120_001, 120_000)
    );
    assert_eq!(take(&mut market, Some(0)).unwrap_err(), short(1, 120_000));
    let before = market.coins(&addr("operator"));
    let taken = |amount| {
        MarketEvent::ReserveTaken(ReserveTaken {
            to: addr("operator").into_string(),
            amount: Micro(amount),
        })
    };
    assert_eq!(take(&mut market, Some(20_000)).unwrap(), [taken(20_000)]);
    assert_eq!(take(&mut market, None).unwrap(), [taken(100_000)]);
    assert_eq!(take(&mut market, None).unwrap_err(), short(1, 0));
    assert_eq!(market.coins(&addr("operator")) - before, 120_000);
    market.go_to(NOW + 1);
    confirm(&mut market, LIVE.0);
    run(&mut market, "ann", None).unwrap();
    assert_eq!(market.coins(&addr("ann")), 80_000);
    assert_eq!(reserve(&market), (0, 0, 80_000, 80_000));
    assert_eq!(market.coins(&market.pool), 0);
}
