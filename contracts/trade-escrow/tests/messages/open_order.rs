use crate::common::{
    market, only, only_the, open, opened, order, order_of, pause, settle, trade, FAR, MONEY, NEAR,
    SELLER,
};
use wattpool_fixtures::Market;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, OrderRef, OrderResponse, QueryMsg, TradeStatus};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Approval, Micro, Price, TradeKind, Wh, Window};

const PRICE: u64 = 100_000;

#[test]
fn the_buyers_money_is_locked_for_all_of_it() {
    let mut m = market();
    let first = m.running();
    let o = order(&mut m, (SELLER, FAR), (first, 4), 100, PRICE);
    let response = open(&mut m, FAR, o.clone()).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::OrderOpened(e) => Some(e),
        _ => None,
    });
    // 400 Wh at 100,000 and 10,000 charge per kWh.
    let locked = Micro(44_000);
    assert_eq!(event.locked, locked);
    let owner = m.homes[FAR].owner.clone();
    assert_eq!(m.money(&owner), (Micro(MONEY - 44_000), locked));
    assert_eq!(
        order_of(&m, FAR, 1),
        OrderResponse {
            buyer: m.homes[FAR].meter,
            trade_id: 1,
            seller: m.homes[SELLER].meter,
            nonce: 1,
            first_window: first,
            last_window: first.plus(3),
            wh: Wh(100),
            price: Price(PRICE),
            locked,
            delivered: Wh(0),
            paid: Micro(0),
            charge: Micro(0),
            current: first,
            delivered_now: Wh(0),
            shown_now: Wh(0),
            short_now: false,
            cancelled: false,
        }
    );
    let name = OrderRef {
        buyer: m.homes[FAR].meter,
        trade_id: 1,
    };
    assert_eq!(
        (m.book_of(SELLER).sells, m.book_of(FAR).buys),
        (vec![name], vec![name])
    );
    let used: bool = m.ask_escrow(&QueryMsg::NonceUsed {
        seller: m.homes[SELLER].meter,
        nonce: 1,
    });
    assert!(used);
    // Again it succeeds unchanged; with other content it does not.
    let state = m.app.dump_wasm_raw(&m.escrow.clone());
    open(&mut m, FAR, o.clone()).unwrap();
    assert_eq!(m.app.dump_wasm_raw(&m.escrow.clone()), state);
    let mut other = o.clone();
    other.wh = Wh(99);
    assert_eq!(
        open(&mut m, FAR, other).unwrap_err(),
        MarketError::TradeExists { trade_id: 1 }
    );
    let mut other = o;
    other.trade_id = 2;
    assert_eq!(
        open(&mut m, FAR, other).unwrap_err(),
        MarketError::NonceUsed { nonce: 1 }
    );
    m.check_all().unwrap();
}

fn refused(change: impl Fn(&mut Market, &mut Approval), refusal: impl Fn(&Market) -> MarketError) {
    let mut m = market();
    let first = m.running();
    let mut o = order(&mut m, (SELLER, FAR), (first, 4), 100, PRICE);
    let mut approval = o.approval.approval.clone();
    change(&mut m, &mut approval);
    o.approval = m.approve(SELLER, approval);
    let expected = refusal(&m);
    assert_eq!(open(&mut m, FAR, o).unwrap_err(), expected);
    m.check_all().unwrap();
}

#[test]
fn an_approval_must_fit() {
    let mismatch = |field: &str| MarketError::ApprovalMismatch {
        field: field.into(),
    };
    refused(
        |_, a| a.version = 0,
        |_| MarketError::UnknownVersion { found: 0, known: 1 },
    );
    refused(|_, a| a.kind = TradeKind::Spot, |_| mismatch("kind"));
    refused(
        |_, a| a.chain = String::new(),
        |_| MarketError::WrongChain {
            found: String::new(),
        },
    );
    refused(
        |_, a| a.escrow = "x".into(),
        |_| MarketError::WrongContract { found: "x".into() },
    );
    refused(|_, a| a.seller = a.buyer, |_| MarketError::SelfTrade);
    refused(|_, a| a.wh = Wh(99), |_| mismatch("wh"));
    refused(
        |m, a| a.expires_at.0 = m.now().0 - 1,
        |m| MarketError::ApprovalExpired {
            expired: m.now().0 - 1,
            now: m.now().0,
        },
    );
    refused(
        |_, a| a.max_charge = Price(9_999),
        |_| MarketError::ChargeAboveApproved {
            charge: 10_000,
            max: 9_999,
        },
    );
    // 100 Wh of 108 sent: 100 / 0.93 rounded up.
    refused(
        |_, a| a.max_gross = Wh(107),
        |_| MarketError::GrossAboveApproved {
            gross: 108,
            max: 107,
        },
    );
}

#[test]
fn one_to_96_windows_from_the_running_one_to_96_ahead() {
    let count = |_: &Market| MarketError::BadInput {
        field: "count".into(),
        expected: "1 to 96 windows".into(),
    };
    refused(|_, a| a.count = 0, count);
    refused(|_, a| a.count = 97, count);
    refused(
        |_, a| a.first_window = a.first_window.prev(),
        |m| MarketError::WindowClosed {
            window: m.live(),
            live: m.live(),
        },
    );
    refused(
        |_, a| a.first_window = a.first_window.plus(97),
        |m| MarketError::BadInput {
            field: "first_window".into(),
            expected: format!("window {} or before", m.running().plus(96)),
        },
    );
    let mut m = market();
    let last: Window = m.running().plus(96);
    let o = order(&mut m, (SELLER, FAR), (last, 96), 100, PRICE);
    open(&mut m, FAR, o).unwrap();
    m.check_all().unwrap();
}

#[test]
fn only_the_buyers_agent_with_the_sellers_signature() {
    let mut m = market();
    let first = m.running();
    let o = order(&mut m, (SELLER, FAR), (first, 4), 100, PRICE);
    for sender in [
        m.homes[FAR].owner.clone(),
        m.homes[SELLER].agent_address.clone(),
    ] {
        let msg = ExecuteMsg::OpenOrder { order: o.clone() };
        assert_eq!(
            m.escrow(&sender, &msg).unwrap_err(),
            only_the("buying meter's agent")
        );
    }
    let mut forged = o.clone();
    forged.approval.approval.price = Price(0);
    assert_eq!(
        open(&mut m, FAR, forged).unwrap_err(),
        MarketError::BadSignature {
            by: "seller's agent".into()
        }
    );
    pause(&mut m, true);
    assert_eq!(open(&mut m, FAR, o).unwrap_err(), MarketError::Paused);
}

#[test]
fn at_most_eight_a_side_and_money_for_all() {
    let mut m = market();
    for _ in 0..8 {
        opened(&mut m, SELLER, NEAR, 1, 10, PRICE);
    }
    let first = m.running();
    for (seller, buyer) in [(SELLER, FAR), (FAR, NEAR)] {
        let o = order(&mut m, (seller, buyer), (first, 1), 10, PRICE);
        assert_eq!(
            open(&mut m, buyer, o).unwrap_err(),
            MarketError::TooManyOrders { max: 8 }
        );
    }
    let o = order(&mut m, (NEAR, FAR), (first, 10), 1_000, 1_000_000);
    assert_eq!(
        open(&mut m, FAR, o).unwrap_err(),
        // 10 kWh at 1,000,000 and 10,000 charge.
        MarketError::InsufficientMoney {
            wanted: 10_100_000,
            there: MONEY
        }
    );
    m.check_all().unwrap();
}

#[test]
fn an_order_and_a_spot_trade_share_their_names() {
    let mut m = market();
    let t = trade(&mut m, SELLER, NEAR, 10, PRICE);
    let trade_id = t.trade_id;
    settle(&mut m, NEAR, t).unwrap();
    let first = m.running();
    let mut o = order(&mut m, (SELLER, NEAR), (first, 1), 10, PRICE);
    o.trade_id = trade_id;
    assert_eq!(
        open(&mut m, NEAR, o).unwrap_err(),
        MarketError::TradeExists { trade_id }
    );
    let id = opened(&mut m, SELLER, NEAR, 1, 10, PRICE);
    let status: TradeStatus = m.ask_escrow(&QueryMsg::TradeOf {
        buyer: m.homes[NEAR].meter,
        trade_id: id,
    });
    assert!(matches!(status, TradeStatus::Open { order } if order.trade_id == id));
}
