use crate::common::{
    market, only, only_the, opened, pause, settle, trade, FAR, MONEY, NEAR, SELLER, SURPLUS,
};
use cosmwasm_std::Uint128;
use wattpool_fixtures::{keys::AgentSigner, Market};
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::escrow::{QueryMsg, SettleTrade, TradeRecord, TradeStatus};
use wattpool_schema::event::{Delivered, MarketEvent};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::{Approval, Micro, Price, Seconds, TradeKind, Wh, Window};

const PRICE: u64 = 100_000;

#[test]
fn energy_and_money_change_hands_in_one_message() {
    let mut m = market();
    let t = trade(&mut m, SELLER, FAR, 500, PRICE);
    let approval = t.approval.approval.clone();
    let response = settle(&mut m, FAR, t).unwrap();
    // 500 Wh that arrive of 538 sent: 500 / 0.93 rounded up; 50,000 to the seller, 5,000 charge.
    let event = only(&response, |e| match e {
        MarketEvent::Delivered(e) => Some(e),
        _ => None,
    });
    let (seller, buyer) = (m.homes[SELLER].clone(), m.homes[FAR].clone());
    assert_eq!(
        event,
        Delivered {
            kind: TradeKind::Spot,
            window: m.live(),
            trade_id: 1,
            seller: seller.meter,
            buyer: buyer.meter,
            seller_owner: seller.owner.to_string(),
            buyer_owner: buyer.owner.to_string(),
            net: Wh(500),
            gross: Wh(538),
            paid: Micro(50_000),
            charge: Micro(5_000),
        }
    );
    let record: TradeRecord = m.ask_escrow(&QueryMsg::Trade { sequence: 0 });
    assert_eq!(
        record,
        TradeRecord {
            version: 1,
            sequence: 0,
            kind: TradeKind::Spot,
            trade_id: 1,
            buyer: buyer.meter,
            seller: seller.meter,
            nonce: 1,
            window: m.live(),
            count: 1,
            asked: Wh(500),
            arrived: Wh(500),
            declined: Wh(0),
            missed: Wh(0),
            lost: Wh(38),
            price: Price(PRICE),
            paid: Micro(50_000),
            charge: Micro(5_000),
            requested_at: approval.requested_at,
            closed_at: m.now(),
        }
    );
    assert_eq!(m.money(&seller.owner).0, Micro(MONEY + 50_000));
    assert_eq!(m.money(&buyer.owner).0, Micro(MONEY - 55_000));
    assert_eq!(m.holding(&seller.owner), (Wh(SURPLUS - 538), Wh(0)));
    assert_eq!(m.holding(&buyer.owner), (Wh(0), Wh(0)));
    let sold = m.book_of(SELLER).statistics;
    assert_eq!(
        (sold.sales, sold.asked, sold.arrived, sold.wh_seconds),
        (1, Wh(500), Wh(500), 500 * 60)
    );
    let bought = m.book_of(FAR).statistics;
    assert_eq!((bought.purchases, bought.bought), (1, Wh(500)));
    m.check_all().unwrap();
}

#[test]
fn the_same_trade_again_succeeds_unchanged() {
    let mut m = market();
    let t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    settle(&mut m, NEAR, t.clone()).unwrap();
    let escrow = m.escrow.clone();
    let state = m.app.dump_wasm_raw(&escrow);
    m.windows(3);
    let response = settle(&mut m, NEAR, t.clone()).unwrap();
    assert!(wattpool_fixtures::events_of(&response.events).is_empty());
    assert_eq!(m.app.dump_wasm_raw(&escrow), state);
    let exists = MarketError::TradeExists {
        trade_id: t.trade_id,
    };
    for change in [
        |t: &mut SettleTrade| t.wh = Wh(399),
        |t: &mut SettleTrade| t.approval.approval.nonce = 99,
        |t: &mut SettleTrade| t.approval.approval.price = Price(1),
        |t: &mut SettleTrade| t.approval.approval.first_window = Window(3),
    ] {
        let mut other = t.clone();
        change(&mut other);
        assert_eq!(settle(&mut m, NEAR, other).unwrap_err(), exists);
    }
    // A standing order holds its id as well.
    let trade_id = opened(&mut m, SELLER, NEAR, 1, 10, PRICE);
    let mut other = trade(&mut m, SELLER, NEAR, 10, PRICE);
    other.trade_id = trade_id;
    assert_eq!(
        settle(&mut m, NEAR, other).unwrap_err(),
        MarketError::TradeExists { trade_id }
    );
    m.check_all().unwrap();
}

/// Changes an approval before it is signed, and expects the refusal.
fn refused(change: impl Fn(&mut Market, &mut Approval), refusal: impl Fn(&Market) -> MarketError) {
    let mut m = market();
    let mut t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    let mut approval = t.approval.approval.clone();
    change(&mut m, &mut approval);
    t.approval = m.approve(SELLER, approval);
    let expected = refusal(&m);
    assert_eq!(settle(&mut m, NEAR, t).unwrap_err(), expected);
    m.check_all().unwrap();
}

fn mismatch(field: &str) -> MarketError {
    MarketError::ApprovalMismatch {
        field: field.into(),
    }
}

#[test]
fn an_approval_is_for_one_purpose() {
    refused(
        |_, a| a.version = 2,
        |_| MarketError::UnknownVersion { found: 2, known: 1 },
    );
    refused(|_, a| a.kind = TradeKind::Forward, |_| mismatch("kind"));
    refused(
        |_, a| a.chain = "other".into(),
        |_| MarketError::WrongChain {
            found: "other".into(),
        },
    );
    refused(
        |m, a| a.escrow = m.pool.to_string(),
        |m| MarketError::WrongContract {
            found: m.pool.to_string(),
        },
    );
    refused(|_, a| a.buyer = a.seller, |_| MarketError::SelfTrade);
    refused(|_, a| a.wh = Wh(399), |_| mismatch("wh"));
    refused(|_, a| a.count = 2, |_| mismatch("count"));
    refused(
        |m, a| a.expires_at = Seconds(m.now().0 - 1),
        |m| MarketError::ApprovalExpired {
            expired: m.now().0 - 1,
            now: m.now().0,
        },
    );
    refused(
        |_, a| a.first_window = a.first_window.next(),
        |m| MarketError::TooEarly {
            window: m.running(),
            now: m.running(),
        },
    );
    refused(
        |_, a| a.first_window = a.first_window.prev(),
        |m| MarketError::WindowClosed {
            window: m.live().prev(),
            live: m.live(),
        },
    );
    refused(
        |_, a| a.max_gross = Wh(399),
        |_| MarketError::GrossAboveApproved {
            gross: 400,
            max: 399,
        },
    );
}

#[test]
fn a_settle_at_the_last_second_of_its_approval_counts() {
    let mut m = market();
    let mut t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    let approval = Approval {
        expires_at: m.now(),
        ..t.approval.approval.clone()
    };
    t.approval = m.approve(SELLER, approval);
    settle(&mut m, NEAR, t).unwrap();
}

#[test]
fn nothing_is_no_trade_and_fewer_may_be_taken() {
    let mut m = market();
    let mut t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    t.wh = Wh(0);
    assert_eq!(
        settle(&mut m, NEAR, t.clone()).unwrap_err(),
        MarketError::BadInput {
            field: "wh".into(),
            expected: "at least 1 Wh".into()
        }
    );
    t.wh = Wh(300);
    settle(&mut m, NEAR, t.clone()).unwrap();
    // The rest lapses: the nonce is consumed.
    t.trade_id = 50;
    t.wh = Wh(100);
    let nonce = t.approval.approval.nonce;
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::NonceUsed { nonce }
    );
    m.check_all().unwrap();
}

#[test]
fn only_the_buyers_agent_with_the_sellers_signature() {
    let mut m = market();
    let t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    for sender in [
        m.homes[NEAR].owner.clone(),
        m.homes[SELLER].agent_address.clone(),
        m.stranger.clone(),
    ] {
        let msg = wattpool_schema::escrow::ExecuteMsg::Settle { trade: t.clone() };
        assert_eq!(
            m.escrow(&sender, &msg).unwrap_err(),
            only_the("buying meter's agent")
        );
    }
    let by_agent = MarketError::BadSignature {
        by: "seller's agent".into(),
    };
    let mut forged = t.clone();
    forged.approval.approval.price = Price(1);
    assert_eq!(settle(&mut m, NEAR, forged).unwrap_err(), by_agent);
    let mut forged = t.clone();
    let bytes = t.approval.approval.sign_bytes();
    forged.approval.signature = AgentSigner::from_seed(77).sign(&bytes, true);
    assert_eq!(settle(&mut m, NEAR, forged).unwrap_err(), by_agent);
    // The key that is registered when the approval is used counts.
    let (owner, meter) = (m.homes[SELLER].owner.clone(), m.homes[SELLER].meter);
    let agent = Some(AgentSigner::from_seed(78).public);
    m.pool(&owner, &Pool::SetAgent { meter, agent }).unwrap();
    assert_eq!(settle(&mut m, NEAR, t.clone()).unwrap_err(), by_agent);
    m.pool(&owner, &Pool::SetAgent { meter, agent: None })
        .unwrap();
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::AgentUnset { meter }
    );
}

#[test]
fn meters_must_be_known_in_service_and_connected() {
    let mut m = market();
    let unknown = wattpool_schema::MeterId([0; 16]);
    let mut t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    let approval = Approval {
        seller: unknown,
        ..t.approval.approval.clone()
    };
    t.approval = m.approve(SELLER, approval);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::UnknownMeter { meter: unknown }
    );
    // From zone 0 to zone 3 there are no terms.
    let t = trade(&mut m, SELLER, 5, 400, PRICE);
    let (seller, buyer) = (m.homes[SELLER].meter, m.homes[5].meter);
    assert_eq!(
        settle(&mut m, 5, t).unwrap_err(),
        MarketError::NoRoute { seller, buyer }
    );
    let t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    let (owner, meter) = (m.homes[NEAR].owner.clone(), m.homes[NEAR].meter);
    m.pool(&owner, &Pool::RetireMeter { meter }).unwrap();
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::MeterRetired { meter }
    );
}

#[test]
fn tokens_cover_capacity_and_money_must_be_there() {
    let mut m = market();
    let t = trade(&mut m, SELLER, NEAR, 1_001, PRICE);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::Unsold {
            wanted: 1_001,
            there: 1_000
        }
    );
    let mut t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    t.cover = Some(m.cover(NEAR, m.live(), 399));
    assert_eq!(
        settle(&mut m, NEAR, t.clone()).unwrap_err(),
        MarketError::CoverMissing {
            wanted: 400,
            there: 399
        }
    );
    t.cover = None;
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::CoverMissing {
            wanted: 400,
            there: 0
        }
    );
    // 700 Wh per window from zone 0 to zone 2.
    let t = trade(&mut m, SELLER, 4, 701, PRICE);
    assert_eq!(
        settle(&mut m, 4, t).unwrap_err(),
        MarketError::CapacityExceeded {
            wanted: 701,
            there: 700
        }
    );
    let t = trade(&mut m, SELLER, FAR, 500, 20_000_000);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::InsufficientMoney {
            wanted: 10_005_000,
            there: MONEY
        }
    );
    m.check_all().unwrap();
}

#[test]
fn charges_beyond_the_approval_and_pauses() {
    let mut m = market();
    let mut t = trade(&mut m, SELLER, FAR, 500, PRICE);
    let approval = Approval {
        max_charge: Price(9_999),
        ..t.approval.approval.clone()
    };
    t.approval = m.approve(SELLER, approval);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::ChargeAboveApproved {
            charge: 10_000,
            max: 9_999
        }
    );
    let t = trade(&mut m, SELLER, NEAR, 400, PRICE);
    pause(&mut m, true);
    assert_eq!(
        settle(&mut m, NEAR, t.clone()).unwrap_err(),
        MarketError::Paused
    );
    pause(&mut m, false);
    settle(&mut m, NEAR, t).unwrap();
}

#[test]
fn tokens_passed_on_cannot_be_sold() {
    let mut m = market();
    let (from, to) = (m.homes[SELLER].owner.clone(), m.homes[FAR].owner.clone());
    let pass = |recipient: String, amount: u128| Token::Transfer {
        recipient,
        amount: Uint128::new(amount),
    };
    m.token(&from, &pass(to.to_string(), 700)).unwrap();
    // Back again they are received, not own.
    m.token(&to, &pass(from.to_string(), 700)).unwrap();
    let t = trade(&mut m, SELLER, NEAR, 301, PRICE);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::InsufficientOwn {
            wanted: 301,
            there: 300
        }
    );
    let t = trade(&mut m, SELLER, NEAR, 300, PRICE);
    settle(&mut m, NEAR, t).unwrap();
    m.check_all().unwrap();
}

#[test]
fn forged_and_foreign_covers_undo_the_whole_trade() {
    let mut m = market();
    let good = trade(&mut m, SELLER, NEAR, 400, PRICE);
    let with = |m: &Market, change: fn(&mut wattpool_schema::Cover, &Market)| {
        let mut t = good.clone();
        let mut cover = t.cover.clone().unwrap().cover;
        change(&mut cover, m);
        t.cover = Some(m.sign_cover(NEAR, cover));
        t
    };
    let t = with(&m, |c, _| c.version = 9);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::UnknownVersion { found: 9, known: 1 }
    );
    let t = with(&m, |c, _| c.chain = "other".into());
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::WrongChain {
            found: "other".into()
        }
    );
    let t = with(&m, |c, m| c.pool = m.token.to_string());
    let found = m.token.to_string();
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::WrongContract { found }
    );
    let t = with(&m, |c, _| c.window = c.window.next());
    let (window, live) = (m.running(), m.live());
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::WindowClosed { window, live }
    );
    let t = with(&m, |c, m| c.meter = m.homes[FAR].meter);
    let expected = format!("the buying meter {}", m.homes[NEAR].meter);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::BadInput {
            field: "cover.meter".into(),
            expected
        }
    );
    let mut t = good.clone();
    let cover = t.cover.as_mut().unwrap();
    cover.cover.import_wh = Wh(900);
    let before = m.app.dump_wasm_raw(&m.escrow.clone());
    let error = settle(&mut m, NEAR, t).unwrap_err();
    assert_eq!(error.code(), Code::BadSignature);
    assert_eq!(m.app.dump_wasm_raw(&m.escrow.clone()), before);
    settle(&mut m, NEAR, good).unwrap();
    m.check_all().unwrap();
}

#[test]
fn trades_in_one_hand_and_tiny_ones_do_not_count() {
    let mut m = market();
    let t = trade(&mut m, SELLER, NEAR, 4, PRICE);
    settle(&mut m, NEAR, t).unwrap();
    assert_eq!(m.book_of(SELLER).statistics.sales, 0);
    // The buying meter goes to the seller's owner, who pays nobody but the grid.
    let (meter, from, to) = (
        m.homes[FAR].meter,
        m.homes[FAR].owner.clone(),
        m.homes[SELLER].owner.clone(),
    );
    let owner = Some(to.to_string());
    m.pool(&from, &Pool::ProposeOwner { meter, owner }).unwrap();
    m.pool(&to, &Pool::AcceptOwner { meter }).unwrap();
    let agent = Some(m.homes[FAR].agent.public);
    m.pool(&to, &Pool::SetAgent { meter, agent }).unwrap();
    m.homes[FAR].owner = to.clone();
    m.limit(FAR, crate::common::generous(), &[]).unwrap();
    m.windows(2);
    let live = m.live();
    m.state(SELLER, live, 1_000).unwrap();
    let before = m.money(&to).0;
    let t = trade(&mut m, SELLER, FAR, 500, PRICE);
    settle(&mut m, FAR, t).unwrap();
    assert_eq!(m.money(&to).0, Micro(before.0 - 5_000));
    assert_eq!(m.book_of(SELLER).statistics, Default::default());
    assert_eq!(m.book_of(FAR).statistics, Default::default());
    let status: TradeStatus = m.ask_escrow(&QueryMsg::TradeOf {
        buyer: meter,
        trade_id: 1,
    });
    assert!(matches!(status, TradeStatus::Closed { record } if record.arrived == Wh(500)));
    m.check_all().unwrap();
}

#[test]
fn one_wh_trades_cost_the_buyer_no_less() {
    let (mut whole, mut split) = (market(), market());
    let t = trade(&mut whole, SELLER, FAR, 20, 12_345);
    settle(&mut whole, FAR, t).unwrap();
    for i in 1..=20 {
        let mut t = trade(&mut split, SELLER, FAR, 1, 12_345);
        t.cover = Some(split.cover(FAR, split.live(), i));
        settle(&mut split, FAR, t).unwrap();
    }
    let spent = |m: &Market| MONEY - m.money(&m.homes[FAR].owner.clone()).0 .0;
    assert!(spent(&split) >= spent(&whole));
    let left = |m: &Market| m.holding(&m.homes[SELLER].owner.clone()).0;
    assert!(left(&split) <= left(&whole), "the loss is not dodged");
}
