//! `Redeem`: unsold surplus against unused cover, within capacity.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{Covered, MarketEvent, Redeemed};
use wattpool_schema::pool::{ExecuteMsg, PriceSignal, QueryMsg, RedeemMsg, TermsResponse};
use wattpool_schema::{Micro, Price, Wh, Window};

/// Meter 1 has 1,500 Wh to sell, meters 2 and 3 have covered 1,200 Wh.
fn market() -> Market {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 1_500);
    market.covered(2, 1_200);
    market.covered(3, 1_200);
    market
}

fn run(market: &mut Market, redeem: RedeemMsg) -> Result<Vec<MarketEvent>, MarketError> {
    let response = market.run("escrow", &ExecuteMsg::Redeem { redeem });
    response.map(|r| events(&r))
}

fn redeemed(buyer: u8, gross: u64, net: u64, sold: u64, redeemed: u64) -> MarketEvent {
    MarketEvent::Redeemed(Redeemed {
        window: LIVE,
        trade_id: 7,
        seller: id(1),
        buyer: id(buyer),
        gross: Wh(gross),
        net: Wh(net),
        sold: Wh(sold),
        redeemed: Wh(redeemed),
    })
}

#[test]
fn books_both_sides() {
    let mut market = market();
    let events = run(&mut market, redeem(1, 2, 500, 500, None)).unwrap();
    assert_eq!(events, [redeemed(2, 500, 500, 500, 500)]);
    let events = run(&mut market, redeem(1, 3, 108, 100, None)).unwrap();
    assert_eq!(events, [redeemed(3, 108, 100, 608, 100)]);
    let (seller, buyer) = (market.position(1), market.position(3));
    assert_eq!((seller.minted, seller.sold), (Wh(1_500), Wh(608)));
    assert_eq!((buyer.covered, buyer.redeemed), (Wh(1_200), Wh(100)));
    let books = market.books(LIVE.0);
    assert_eq!(
        (books.sold, books.redeemed, books.paid),
        (Wh(608), Wh(600), Micro(60_000))
    );
    market.go_to(NOW + 1);
    let signal: PriceSignal = market.ask(&QueryMsg::PriceSignal {});
    let expected = PriceSignal {
        window: LIVE,
        supply: Wh(1_500),
        demand: Wh(2_400),
        mean_price: Some(Price(100_000)),
    };
    assert_eq!(signal, expected);
}

#[test]
fn raises_the_cover_first() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 1_500);
    let cover = Some(market.cover_of(2, LIVE, 300));
    let events = run(&mut market, redeem(1, 2, 300, 300, cover.clone())).unwrap();
    let covered = MarketEvent::Covered(Covered {
        meter: id(2),
        window: LIVE,
        covered: Wh(300),
    });
    assert_eq!(events, [covered, redeemed(2, 300, 300, 300, 300)]);
    // The same cover again covers nothing more.
    let short = MarketError::CoverMissing {
        wanted: 1,
        there: 0,
    };
    assert_eq!(
        run(&mut market, redeem(1, 2, 1, 1, cover)).unwrap_err(),
        short
    );
}

#[test]
fn nothing_at_all_takes_the_cover_alone() {
    let mut market = Market::new();
    let cover = Some(market.cover_of(2, LIVE, 300));
    let events = run(&mut market, redeem(1, 2, 0, 0, cover)).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(market.position(2).covered, Wh(300));
    let mut forged = market.cover_of(2, LIVE, 300);
    forged.cover.import_wh = Wh(400);
    let by = "device".to_owned();
    let refused = MarketError::BadSignature { by };
    assert_eq!(
        run(&mut market, redeem(1, 2, 0, 0, Some(forged))).unwrap_err(),
        refused
    );
}

#[test]
fn limits_of_both_sides() {
    let mut market = market();
    let short = MarketError::Unsold {
        wanted: 1_501,
        there: 1_500,
    };
    assert_eq!(
        run(&mut market, redeem(1, 2, 1_501, 1_000, None)).unwrap_err(),
        short
    );
    let short = MarketError::CoverMissing {
        wanted: 1_201,
        there: 1_200,
    };
    assert_eq!(
        run(&mut market, redeem(1, 2, 1_300, 1_201, None)).unwrap_err(),
        short
    );
    run(&mut market, redeem(1, 2, 1_400, 1_150, None)).unwrap();
    let short = MarketError::Unsold {
        wanted: 101,
        there: 100,
    };
    assert_eq!(
        run(&mut market, redeem(1, 3, 101, 100, None)).unwrap_err(),
        short
    );
    let short = MarketError::CoverMissing {
        wanted: 51,
        there: 50,
    };
    assert_eq!(
        run(&mut market, redeem(1, 2, 60, 51, None)).unwrap_err(),
        short
    );
    run(&mut market, redeem(1, 2, 100, 50, None)).unwrap();
    // What was minted to another meter, or nothing, cannot be sold.
    let short = MarketError::Unsold {
        wanted: 1,
        there: 0,
    };
    assert_eq!(
        run(&mut market, redeem(2, 3, 1, 1, None)).unwrap_err(),
        short
    );
}

#[test]
fn capacity_of_the_zone_pair() {
    let mut market = market();
    run(&mut market, redeem(1, 3, 700, 600, None)).unwrap();
    let short = MarketError::CapacityExceeded {
        wanted: 401,
        there: 400,
    };
    assert_eq!(
        run(&mut market, redeem(1, 3, 450, 401, None)).unwrap_err(),
        short
    );
    let terms = |market: &Market| -> TermsResponse {
        market.ask(&QueryMsg::Terms {
            seller: id(1),
            buyer: id(3),
        })
    };
    assert_eq!(terms(&market).capacity_left, Some(Wh(400)));
    run(&mut market, redeem(1, 3, 450, 400, None)).unwrap();
    assert_eq!(terms(&market).capacity_left, Some(Wh(0)));
    // Each window has its own.
    market.go_to(NOW + 1);
    assert_eq!(terms(&market).capacity_left, Some(Wh(1_000)));
    market.stated(1, NOW, 2, 1_500);
    market.covered(3, 1_200);
    let again = RedeemMsg {
        window: Window(NOW),
        ..redeem(1, 3, 1_100, 1_000, None)
    };
    run(&mut market, again).unwrap();
}

#[test]
fn a_pair_without_terms_carries_nothing() {
    let mut market = Market::new();
    market.stated(3, LIVE.0, 1, 1_500);
    market.covered(1, 100);
    let none = MarketError::CapacityExceeded {
        wanted: 10,
        there: 0,
    };
    assert_eq!(
        run(&mut market, redeem(3, 1, 10, 10, None)).unwrap_err(),
        none
    );
}

#[test]
fn refusals() {
    let mut market = market();
    for window in [LIVE.0 - 1, NOW] {
        let window = Window(window);
        let msg = RedeemMsg {
            window,
            ..redeem(1, 2, 1, 1, None)
        };
        let closed = MarketError::WindowClosed { window, live: LIVE };
        assert_eq!(run(&mut market, msg).unwrap_err(), closed);
    }
    assert_eq!(
        run(&mut market, redeem(1, 1, 1, 1, None)).unwrap_err(),
        MarketError::SelfTrade
    );
    let most = bad("net", "at most 10 Wh");
    assert_eq!(
        run(&mut market, redeem(1, 2, 10, 11, None)).unwrap_err(),
        most
    );
    let cover = Some(market.cover_of(3, LIVE, 1_300));
    let other = bad("cover", "one of the buyer's meter");
    assert_eq!(
        run(&mut market, redeem(1, 2, 1, 1, cover)).unwrap_err(),
        other
    );
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    // Of a selling meter only what its position shows counts: the escrow knows the rest.
    let nothing = MarketError::Unsold {
        wanted: 1,
        there: 0,
    };
    assert_eq!(
        run(&mut market, redeem(9, 2, 1, 1, None)).unwrap_err(),
        nothing
    );
    assert_eq!(
        run(&mut market, redeem(1, 9, 1, 1, None)).unwrap_err(),
        unknown
    );
    let books = market.books(LIVE.0);
    assert_eq!((books.sold, books.redeemed), (Wh(0), Wh(0)));
}

#[test]
fn late_credit_cannot_be_sold() {
    let mut market = Market::new();
    market.stated(1, LIVE.0 - 1, 1, 500);
    market.covered(2, 100);
    let short = MarketError::Unsold {
        wanted: 1,
        there: 0,
    };
    assert_eq!(
        run(&mut market, redeem(1, 2, 1, 1, None)).unwrap_err(),
        short
    );
}
