//! `HoldCredit`: unclaimed credit of closed windows, set aside by claims until the hold is over.

use crate::market::*;
use cosmwasm_std::coins;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{CreditHeld, CreditHoldSet, FeedInPaid, MarketEvent};
use wattpool_schema::pool::{
    ExecuteMsg, HoldReason, HoldResponse, HoldsResponse, QueryMsg, ReserveResponse, MAX_HOLDS,
};
use wattpool_schema::{Micro, Seconds, Window};

/// Seconds that a hold runs.
pub const RUNS: u64 = 30 * 86_400;

pub fn hold(name: &str, from: u64, through: u64) -> ExecuteMsg {
    ExecuteMsg::HoldCredit {
        owner: addr(name).into_string(),
        from: Window(from),
        through: Window(through),
        reason: HoldReason::ReadingsDiffer,
    }
}

pub fn claim(name: &str, limit: Option<u32>) -> ExecuteMsg {
    ExecuteMsg::ClaimFeedIn {
        owner: addr(name).into_string(),
        limit,
    }
}

/// What a claim set aside, by window, and what it paid and left owed, if it paid.
pub type Claimed = (Vec<(u64, u64)>, Option<(u64, u64)>);

/// The account's part of a claim's events: what was set aside by window, and what was paid with what is owed then.
pub fn claimed(events: &[MarketEvent]) -> Claimed {
    let aside = events.iter().filter_map(|e| match e {
        MarketEvent::CreditHeld(CreditHeld { window, amount, .. }) => Some((window.0, amount.0)),
        _ => None,
    });
    let paid = events.iter().find_map(|e| match e {
        MarketEvent::FeedInPaid(FeedInPaid { amount, owed, .. }) => Some((amount.0, owed.0)),
        _ => None,
    });
    (aside.collect(), paid)
}

impl Market {
    /// Sends a message and gives its events.
    pub fn told(
        &mut self,
        sender: &str,
        msg: &ExecuteMsg,
    ) -> Result<Vec<MarketEvent>, MarketError> {
        self.run(sender, msg).map(|response| events(&response))
    }

    /// Funds the reserve.
    pub fn fund(&mut self, amount: u128) {
        let funds = coins(amount, "uwatt");
        self.run_with("operator", &ExecuteMsg::FundReserve {}, &funds)
            .unwrap();
    }

    /// Confirms the feed-in of all windows whose trading has ended.
    pub fn confirm_all(&mut self) {
        let through = self.live().prev();
        self.run("operator", &ExecuteMsg::ConfirmFeedIn { through })
            .unwrap();
    }

    /// Claims: see [`claimed`].
    pub fn claims(&mut self, name: &str) -> Claimed {
        claimed(&self.told("anybody", &claim(name, Some(100))).unwrap())
    }

    /// All holds.
    pub fn holds(&self) -> Vec<HoldResponse> {
        let answer: HoldsResponse = self.ask(&QueryMsg::Holds {
            owner: None,
            start_after: None,
            limit: None,
        });
        answer.holds
    }

    /// The reserve, what is owed of it, what was paid.
    pub fn reserve(&self) -> (u64, u64, u64) {
        let r: ReserveResponse = self.ask(&QueryMsg::Reserve {});
        (r.reserve.0, r.owed.0, r.paid.0)
    }
}

/// Ann states 1,000 Wh and bob 500 in each of `windows` windows from [`LIVE`] on, all of it confirmed: 80,000 and 40,000.
pub fn stated(windows: u64) -> Market {
    let mut market = Market::new();
    for step in 0..windows {
        market.go_to(NOW + step);
        market.stated(1, LIVE.0 + step, step + 1, 1_000);
        market.stated(2, LIVE.0 + step, step + 1, 500);
    }
    market.go_to(NOW + windows);
    market.confirm_all();
    market
}

/// The same with a full reserve: all of ann's credit is held and set aside.
pub fn held(windows: u64) -> Market {
    let mut market = stated(windows);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + windows - 1))
        .unwrap();
    market.claims("ann");
    market
}

#[test]
fn a_hold_is_visible_to_all() {
    let mut market = stated(3);
    let (from, through) = (LIVE, Window(LIVE.0 + 1));
    let now = market.app.block_info().time.seconds();
    let events = market.told("operator", &hold("ann", from.0, through.0));
    let until = Seconds(now + RUNS);
    let set = CreditHoldSet {
        owner: addr("ann").into_string(),
        from,
        through,
        reason: HoldReason::ReadingsDiffer,
        until,
        by: addr("operator").into_string(),
    };
    assert_eq!(events.unwrap(), [MarketEvent::CreditHoldSet(set)]);
    let expected = HoldResponse {
        owner: addr("ann").into_string(),
        from,
        through,
        reason: HoldReason::ReadingsDiffer,
        set_at: Seconds(now),
        until: Some(until),
        set_aside: Micro(0),
    };
    assert_eq!(market.holds(), [expected]);
}

#[test]
fn what_cannot_be_held() {
    let mut market = stated(3);
    let refused = |market: &mut Market, from: u64, through: u64| {
        market
            .run("operator", &hold("ann", from, through))
            .unwrap_err()
    };
    let expected = format!("window {} or a later one", LIVE.0 + 1);
    assert_eq!(
        refused(&mut market, LIVE.0 + 1, LIVE.0),
        bad("through", expected)
    );
    // The live window is LIVE + 3: it is not closed.
    let (window, now) = (Window(LIVE.0 + 4), Window(NOW + 3));
    assert_eq!(
        refused(&mut market, LIVE.0, LIVE.0 + 3),
        MarketError::TooEarly { window, now }
    );
    assert_eq!(
        refused(&mut market, LIVE.0, u64::MAX).code(),
        Code::TooEarly
    );
    let msg = ExecuteMsg::HoldCredit {
        owner: "ann".into(),
        from: LIVE,
        through: LIVE,
        reason: HoldReason::Tampering,
    };
    let result = market.run("operator", &msg);
    assert_eq!(result.unwrap_err().code(), Code::Std);
    // A window that is open, though nothing of it is paid, is claimed.
    let claimed = |window, through| MarketError::CreditClaimed {
        window: Window(window),
        through: Window(through),
    };
    assert_eq!(market.claims("ann"), (vec![], None));
    assert_eq!(
        refused(&mut market, LIVE.0, LIVE.0 + 1),
        claimed(LIVE.0, LIVE.0)
    );
    market.fund(120_000);
    market.claims("ann");
    assert_eq!(market.feed_in("ann").claimed_through, Some(LIVE));
    assert_eq!(
        refused(&mut market, LIVE.0 + 1, LIVE.0 + 2),
        claimed(LIVE.0 + 1, LIVE.0 + 1)
    );
    market
        .run("operator", &hold("ann", LIVE.0 + 2, LIVE.0 + 2))
        .unwrap();
}

#[test]
fn holds_do_not_overlap_and_are_few() {
    let mut market = stated(1);
    let max = u64::from(MAX_HOLDS);
    for i in 0..max {
        let from = START - 100 + 3 * i;
        market
            .run("operator", &hold("ann", from, from + 1))
            .unwrap();
    }
    let overlaps = MarketError::HoldOverlaps {
        from: Window(START - 100),
        through: Window(START - 99),
    };
    for (from, through) in [(-100, -100), (-99, -98), (-101, -100), (-101, 0)] {
        let [from, through] = [from, through].map(|by| START.checked_add_signed(by).unwrap());
        let result = market.run("operator", &hold("ann", from, through));
        assert_eq!(result.unwrap_err(), overlaps, "{from} to {through}");
    }
    let many = MarketError::TooManyHolds { max: MAX_HOLDS };
    let next = hold("ann", START, START);
    assert_eq!(market.run("operator", &next).unwrap_err(), many);
    market.run("operator", &hold("bob", START, START)).unwrap();
    // Over by themselves, with nothing set aside, they make room, and their windows may be held again.
    let now = market.app.block_info().time.seconds();
    market.go_to_second(now + RUNS - 1);
    assert_eq!(market.run("operator", &next).unwrap_err(), many);
    market.go_to_second(now + RUNS);
    market.run("operator", &next).unwrap();
    market
        .run("operator", &hold("ann", START - 100, START - 99))
        .unwrap();
    let owners: Vec<_> = market.holds().into_iter().map(|h| h.owner).collect();
    assert_eq!(
        owners
            .iter()
            .filter(|o| **o == addr("ann").as_str())
            .count(),
        2
    );
}

#[test]
fn what_is_set_aside_is_paid_in_full_when_the_hold_ends() {
    let mut market = stated(3);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 1))
        .unwrap();
    let set = market.app.block_info().time.seconds();
    let aside = vec![(LIVE.0, 80_000), (LIVE.0 + 1, 80_000)];
    assert_eq!(market.claims("ann"), (aside, Some((80_000, 0))));
    let account = market.feed_in("ann");
    assert_eq!(
        (account.owed, account.held, account.paid),
        (Micro(0), Micro(160_000), Micro(80_000))
    );
    assert_eq!(account.claimed_through, Some(Window(LIVE.0 + 2)));
    assert_eq!(market.holds()[0].set_aside, Micro(160_000));
    // Held, it is owed all the same.
    assert_eq!(market.reserve(), (920_000, 280_000, 80_000));
    market.go_to_second(set + RUNS - 1);
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::NothingDue);
    market.go_to_second(set + RUNS);
    let account = market.feed_in("ann");
    assert_eq!((account.owed, account.held), (Micro(160_000), Micro(0)));
    assert_eq!(market.claims("ann"), (vec![], Some((160_000, 0))));
    assert_eq!(market.coins(&addr("ann")), 240_000);
    assert_eq!(market.holds(), []);
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::NothingDue);
}

#[test]
fn setting_aside_alone_is_a_success() {
    let mut market = stated(1);
    market.fund(1_000_000);
    market.run("operator", &hold("ann", START, LIVE.0)).unwrap();
    assert_eq!(market.claims("ann"), (vec![(LIVE.0, 80_000)], None));
    assert_eq!(market.coins(&addr("ann")), 0);
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::NothingDue);
    // Late credit is held with the window in which it was stated, and what earns nothing is not set aside.
    assert_eq!(market.claims("bob"), (vec![], Some((40_000, 0))));
}

#[test]
fn the_cursor_passes_held_windows_that_the_reserve_does_not_cover() {
    let mut market = stated(3);
    market.fund(60_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0))
        .unwrap();
    // Half of the first window is there; ann's part of it is set aside, and of the second nothing is covered.
    assert_eq!(market.claims("ann"), (vec![(LIVE.0, 80_000)], None));
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::ReserveEmpty);
    // Bob gets what he would have got without the hold.
    assert_eq!(market.claims("bob"), (vec![], Some((20_000, 20_000))));
    assert_eq!(market.reserve(), (40_000, 340_000, 20_000));
}

#[test]
fn a_claim_sets_aside_page_by_page() {
    let mut market = stated(5);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0 + 1, LIVE.0 + 3))
        .unwrap();
    let mut page = |limit| claimed(&market.told("ann", &claim("ann", Some(limit))).unwrap());
    assert_eq!(page(2), (vec![(LIVE.0 + 1, 80_000)], Some((80_000, 0))));
    assert_eq!(
        page(2),
        (vec![(LIVE.0 + 2, 80_000), (LIVE.0 + 3, 80_000)], None)
    );
    assert_eq!(page(2), (vec![], Some((80_000, 0))));
}

#[test]
fn holds_have_pages() {
    let mut market = stated(1);
    for name in ["ann", "bob"] {
        for i in 0..3 {
            let window = START - 50 + i;
            market.run("operator", &hold(name, window, window)).unwrap();
        }
    }
    let ask = |owner: Option<&str>, start_after, limit| -> Vec<(String, u64)> {
        let owner = owner.map(|name| addr(name).into_string());
        let answer: HoldsResponse = market.ask(&QueryMsg::Holds {
            owner,
            start_after,
            limit,
        });
        let list = answer.holds.into_iter();
        list.map(|h| (h.owner, h.from.0)).collect()
    };
    let all = ask(None, None, None);
    assert_eq!(all.len(), 6);
    let mut pages = Vec::new();
    loop {
        let after = pages.last().cloned().map(|(o, w)| (o, Window(w)));
        let page = ask(None, after, Some(4));
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, all);
    let of_bob = ask(Some("bob"), None, None);
    assert_eq!(of_bob.len(), 3);
    let after = Some((addr("bob").into_string(), Window(START - 50)));
    assert_eq!(ask(Some("bob"), after, None), of_bob[1..]);
}
