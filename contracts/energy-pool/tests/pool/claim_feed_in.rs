//! `ClaimFeedIn`: due credit becomes money, paid as far as the reserve goes, page by page.

use crate::market::*;
use cosmwasm_std::coins;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{FeedInCredited, FeedInPaid, MarketEvent};
use wattpool_schema::pool::{ExecuteMsg, QueryMsg, ReserveResponse, Tariffs};
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
        credited("ann", LIVE.0 - 2, 40, 3_200, true),
        credited("ann", LIVE.0, 1_001, 80_080, false),
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
    let events = run(&mut market, "ann", None).unwrap();
    assert_eq!(
        events,
        [
            credited("ann", LIVE.0, 1_000, 80_000, false),
            paid("ann", 30_000, 50_000)
        ]
    );
    // Nothing is left for bob, but what he is owed is on record.
    let events = run(&mut market, "bob", None).unwrap();
    assert_eq!(events, [credited("bob", LIVE.0, 500, 40_000, false)]);
    assert_eq!(reserve(&market), (0, 90_000, 30_000, 30_000));
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::ReserveEmpty
    );
    assert_eq!(
        run(&mut market, "bob", None).unwrap_err(),
        MarketError::ReserveEmpty
    );
    fund(&mut market, 60_000);
    assert_eq!(
        run(&mut market, "ann", None).unwrap(),
        [paid("ann", 50_000, 0)]
    );
    assert_eq!(
        run(&mut market, "bob", None).unwrap(),
        [paid("bob", 10_000, 30_000)]
    );
    assert_eq!(
        run(&mut market, "ann", None).unwrap_err(),
        MarketError::NothingDue
    );
    assert_eq!(reserve(&market), (0, 30_000, 90_000, 90_000));
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
    // Two of bob's windows are late ones.
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
    // Late credit comes first and counts towards the page.
    assert_eq!(page(&mut market, "bob", Some(2)), [2, 4]);
    assert_eq!(market.feed_in("bob").claimed_through, None);
    assert_eq!(page(&mut market, "bob", Some(2)), [6]);
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
    let events = run(&mut market, "ann", None).unwrap();
    assert_eq!(
        events,
        [
            credited("ann", START + 3, 1_000, 80_000, true),
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
