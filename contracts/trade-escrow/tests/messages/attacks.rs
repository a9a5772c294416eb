//! What thieves of keys, of names and of records cannot do. Each of these once worked.

use crate::common::{
    by_default, market, next, open, order, settle, show_cover, trade, FAR, MONEY, NEAR, SELLER,
};
use wattpool_fixtures::keys::{AgentSigner, DeviceSigner};
use wattpool_fixtures::{Home, Market, Setup};
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::escrow::{ExecuteMsg as Escrow, LimitName, LimitsChange, SettleTrade};
use wattpool_schema::pool::{ExecuteMsg as Pool, PoolWindow, QueryMsg as AskPool};
use wattpool_schema::{MeterId, Micro, Price, Wh};

const PRICE: u64 = 100_000;

/// A meter registered in somebody's name, with a thief's agent and device keys.
fn in_the_name_of(m: &mut Market, victim: usize) -> usize {
    let agent = AgentSigner::from_seed(666);
    let thief = Home {
        meter: MeterId([0x66; 16]),
        device: DeviceSigner::from_seed(666),
        agent_address: agent.address(m.app.api()),
        agent,
        ..m.homes[victim].clone()
    };
    let registration = thief.registration();
    m.homes.push(thief);
    let registrar = m.registrar.clone();
    m.pool(&registrar, &Pool::RegisterMeter { registration })
        .unwrap();
    m.homes.len() - 1
}

#[test]
fn a_meter_registered_in_a_victims_name_spends_nothing() {
    let mut m = market();
    let thief = in_the_name_of(&mut m, NEAR);
    let victim = m.homes[NEAR].owner.clone();
    let t = trade(&mut m, SELLER, thief, 1, PRICE);
    let meter = m.homes[thief].meter;
    // Nobody but the owner names an agent,
    assert_eq!(
        settle(&mut m, thief, t.clone()).unwrap_err(),
        MarketError::AgentUnset { meter }
    );
    // and even with one nobody but the owner says that the account pays.
    let agent = Some(m.homes[thief].agent.public);
    m.pool(&victim, &Pool::SetAgent { meter, agent }).unwrap();
    assert_eq!(
        settle(&mut m, thief, t.clone()).unwrap_err(),
        MarketError::NoLimits { meter }
    );
    let first = m.running();
    let o = order(&mut m, (SELLER, thief), (first, 1), 1, PRICE);
    assert_eq!(
        open(&mut m, thief, o).unwrap_err(),
        MarketError::NoLimits { meter }
    );
    assert_eq!(m.money(&victim), (Micro(MONEY), Micro(0)));
    m.limit(thief, LimitsChange::default(), &[]).unwrap();
    settle(&mut m, thief, t).unwrap();
    m.check_all().unwrap();
}

#[test]
fn limits_end_with_the_tenure_and_the_next_owner_pays_nothing_unasked() {
    let mut m = market();
    let (old, new) = (m.homes[NEAR].owner.clone(), m.homes[FAR].owner.clone());
    let meter = m.homes[NEAR].meter;
    m.pool(
        &old,
        &Pool::ProposeOwner {
            meter,
            owner: Some(new.to_string()),
        },
    )
    .unwrap();
    m.pool(&new, &Pool::AcceptOwner { meter }).unwrap();
    let agent = Some(m.homes[NEAR].agent.public);
    m.pool(&new, &Pool::SetAgent { meter, agent }).unwrap();
    // The window that is live is the former owner's: the new agent buys nothing for it.
    let t = trade(&mut m, SELLER, NEAR, 1, PRICE);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::AgentUnset { meter }
    );
    next(&mut m, 100);
    next(&mut m, 100);
    let t = trade(&mut m, SELLER, NEAR, 1, PRICE);
    assert_eq!(
        settle(&mut m, NEAR, t.clone()).unwrap_err(),
        MarketError::NoLimits { meter }
    );
    // The former owner has no say any more.
    let set = LimitsChange::default();
    let msg = Escrow::SetLimits {
        meter,
        set: set.clone(),
        remove: vec![],
    };
    assert_eq!(m.escrow(&old, &msg).unwrap_err().code(), Code::Unauthorized);
    m.escrow(&new, &msg).unwrap();
    assert_eq!(
        m.book_of(NEAR).limits.max_buy_price,
        None,
        "nothing of another tenure is left"
    );
    settle(&mut m, NEAR, t).unwrap();
    assert_eq!(m.money(&old), (Micro(MONEY), Micro(0)));
    m.check_all().unwrap();
}

#[test]
fn a_stolen_device_takes_no_more_than_its_import_at_the_tariff() {
    let mut m = by_default();
    for i in [NEAR, FAR] {
        show_cover(&mut m, i, 10_000);
    }
    let covered = |m: &mut Market, buyer, wh, price| {
        let t = trade(m, SELLER, buyer, wh, price);
        SettleTrade { cover: None, ..t }
    };
    for (price, refused) in [(300_001, true), (300_000, false)] {
        let t = covered(&mut m, NEAR, 1, price);
        let result = settle(&mut m, NEAR, t).map(|_| ());
        let limit = MarketError::LimitPrice {
            limit: 300_000,
            found: 300_001,
        };
        assert_eq!(result.err(), refused.then_some(limit));
    }
    // With the charge of 10,000 it is no more.
    let t = covered(&mut m, FAR, 1, 290_001);
    assert_eq!(settle(&mut m, FAR, t).unwrap_err().code(), Code::LimitPrice);
    // And it gives nothing away below the feed-in tariff for what is sent: 80,000 / (1 - 7 %).
    for (buyer, floor) in [(NEAR, 80_000), (FAR, 86_022)] {
        let t = covered(&mut m, buyer, 100, floor - 1);
        assert_eq!(
            settle(&mut m, buyer, t).unwrap_err().code(),
            Code::LimitPrice
        );
        let t = covered(&mut m, buyer, 100, floor);
        settle(&mut m, buyer, t).unwrap();
    }
    // By orders it locks what the home may import in a day: 100 kWh in each of 96 windows, at the tariff.
    let first = m.running();
    let most = 100_000 * 96 * 300;
    let owner = m.homes[NEAR].owner.clone();
    m.deposit(&owner, 900_000_000).unwrap();
    let o = order(&mut m, (SELLER, NEAR), (first, 96), 100_001, 300_000);
    let refused = open(&mut m, NEAR, o).unwrap_err();
    let limit = MarketError::LimitSpend {
        limit: most,
        found: 100_001 * 96 * 300,
    };
    assert_eq!(refused, limit);
    m.check_all().unwrap();
}

#[test]
fn where_the_grid_pays_to_take_energy_nothing_is_bought() {
    let mut m = by_default();
    let operator = m.operator.clone();
    let from_window = m.running().plus(2);
    let tariffs = wattpool_schema::pool::Tariffs {
        import: wattpool_schema::Tariff(-1),
        feed_in: wattpool_schema::Tariff(-2),
    };
    m.pool(
        &operator,
        &Pool::SetTariffs {
            from_window,
            tariffs,
        },
    )
    .unwrap();
    for _ in 0..3 {
        next(&mut m, 100);
    }
    let t = trade(&mut m, SELLER, NEAR, 1, 0);
    let limit = MarketError::LimitPrice { limit: 0, found: 0 };
    assert_eq!(settle(&mut m, NEAR, t).unwrap_err(), limit);
}

#[test]
fn one_limit_is_set_and_removed_by_itself() {
    let mut m = market();
    let set = LimitsChange {
        max_buy_per_day: Some(Wh(50)),
        ..LimitsChange::default()
    };
    m.limit(NEAR, set, &[]).unwrap();
    let limits = m.book_of(NEAR).limits;
    assert_eq!(
        (limits.max_buy_per_day, limits.min_sell_price),
        (Some(Wh(50)), Some(Price(0)))
    );
    m.limit(NEAR, LimitsChange::default(), &[LimitName::MinSellPrice])
        .unwrap();
    let limits = m.book_of(NEAR).limits;
    assert_eq!(
        (limits.max_buy_per_day, limits.min_sell_price),
        (Some(Wh(50)), None)
    );
}

#[test]
fn a_statistic_at_its_end_stops_nobody() {
    let rich = u64::MAX / 40;
    let setup = Setup {
        coins: rich,
        ..Setup::default()
    };
    let mut m = Market::new(&setup);
    let dear = LimitsChange {
        max_buy_price: Some(Price(u64::MAX)),
        max_spend_per_day: Some(Micro(u64::MAX)),
        ..LimitsChange::default()
    };
    for (i, amount) in [(0, rich - 1), (1, rich - 1), (3, MONEY)] {
        let owner = m.homes[i].owner.clone();
        m.deposit(&owner, amount).unwrap();
        m.limit(i, dear.clone(), &[]).unwrap();
    }
    m.windows(2);
    m.advance(60);
    let live = m.live();
    for i in [0, 1, 2, 3] {
        m.state(i, live, 100_000).unwrap();
        show_cover(&mut m, i, 100_000);
    }
    // Two meters of one person trade 1 kWh to and fro without loss or charge: the money comes back each time.
    let mut left = u64::MAX;
    let mut n = 0;
    while left > 0 {
        let price = left.min(rich - 1).max(80_000);
        let (seller, buyer) = if n % 2 == 0 { (0, 1) } else { (1, 0) };
        let mut t = trade(&mut m, seller, buyer, 1_000, price);
        t.cover = None;
        settle(&mut m, buyer, t).unwrap();
        left = left.saturating_sub(price);
        n += 1;
    }
    let mut t = trade(&mut m, 2, 3, 1_000, PRICE);
    t.cover = None;
    settle(&mut m, 3, t).unwrap();
    let books: PoolWindow = m.ask_pool(&AskPool::Window { window: live });
    assert_eq!(books.paid, Micro(u64::MAX));
}

#[test]
fn trades_within_a_household_are_no_record() {
    let mut m = market();
    let registrar = m.registrar.clone();
    let household = Some("00112233445566778899aabbccddeeff".parse().unwrap());
    for i in [SELLER, NEAR] {
        let (owner, meter) = (m.homes[i].owner.clone(), m.homes[i].meter);
        m.pool(&owner, &Pool::RetireMeter { meter }).unwrap();
        let registration = wattpool_schema::pool::Registration {
            household,
            ..m.homes[i].registration()
        };
        m.pool(&registrar, &Pool::RegisterMeter { registration })
            .unwrap();
        m.enter(i);
        m.limit(i, crate::common::generous(), &[]).unwrap();
    }
    m.windows(2);
    next(&mut m, 1_000);
    let t = trade(&mut m, SELLER, NEAR, 900, PRICE);
    settle(&mut m, NEAR, t).unwrap();
    let s = m.book_of(SELLER).statistics;
    assert_eq!((s.sales, s.arrived, s.part.windows), (0, Wh(0), 0));
    let t = trade(&mut m, SELLER, FAR, 90, PRICE);
    settle(&mut m, FAR, t).unwrap();
    assert_eq!(
        m.book_of(SELLER).statistics.part.windows,
        0,
        "less than half was sold outside"
    );
    next(&mut m, 1_000);
    for wh in [200, 200, 200, 200] {
        let t = trade(&mut m, SELLER, FAR, wh, PRICE);
        let t = trade_without_less_cover(&m, t);
        settle(&mut m, FAR, t).unwrap();
    }
    assert_eq!(
        m.book_of(SELLER).statistics.part.windows,
        1,
        "a window counts once"
    );
    m.check_all().unwrap();
}

/// The same trade with a cover that leaves room for the ones before it.
fn trade_without_less_cover(m: &Market, trade: SettleTrade) -> SettleTrade {
    let cover = Some(m.cover(FAR, m.live(), 5_000));
    SettleTrade { cover, ..trade }
}
