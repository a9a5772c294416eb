//! Reading what the agent wants done, and answering it as the others would.

use super::{market, pair, signed_by};
use wattpool_core::io::{Command, Event, Gate, JournalEntry, MarketTx, Millis, Notice, Timer};
use wattpool_rules::loss;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::peer::{
    Answer, DenialReason, Location, Offer, Record, SignedRequest, Status, TradeAnswer,
};
use wattpool_schema::{
    Approval, Price, Seconds, SignedApproval, SignedStatement, Wh, RECORD_VERSION,
};

/// When a timer is due, by the last command that set it.
pub fn timer_at(set: &[Command], which: Timer) -> Option<Millis> {
    set.iter().rev().find_map(|c| match c {
        Command::SetTimer { timer, at } if *timer == which => Some(*at),
        _ => None,
    })
}

pub fn looked_up(set: &[Command]) -> (u32, Vec<Location>) {
    lookups(set)
        .pop()
        .unwrap_or_else(|| panic!("no look-up in {set:?}"))
}

pub fn lookups(set: &[Command]) -> Vec<(u32, Vec<Location>)> {
    let all = set.iter().filter_map(|c| match c {
        Command::Lookup {
            lookup, locations, ..
        } => Some((*lookup, locations.clone())),
        _ => None,
    });
    all.collect()
}

pub fn submits(set: &[Command]) -> Vec<(u64, MarketTx)> {
    let all = set.iter().filter_map(|c| match c {
        Command::Submit { intent, tx } => Some((*intent, tx.clone())),
        _ => None,
    });
    all.collect()
}

/// The statements submitted.
pub fn stated(set: &[Command]) -> (u64, Vec<SignedStatement>) {
    let found = submits(set).into_iter().find_map(|(intent, tx)| match tx {
        MarketTx::State(statements) => Some((intent, statements)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no statement in {set:?}"))
}

pub fn settles(set: &[Command]) -> Vec<(u64, SettleTrade)> {
    let all = submits(set)
        .into_iter()
        .filter_map(|(intent, tx)| match tx {
            MarketTx::Settle(trade) => Some((intent, *trade)),
            _ => None,
        });
    all.collect()
}

/// The only trade submitted.
pub fn settled(set: &[Command]) -> (u64, SettleTrade) {
    let mut all = settles(set);
    assert_eq!(all.len(), 1, "{set:?}");
    all.remove(0)
}

pub fn offers(set: &[Command]) -> Vec<Offer> {
    let all = set.iter().filter_map(|c| match c {
        Command::Announce { record, .. } => match &record.record {
            Record::Offer(o) => Some(o.clone()),
            Record::Status(_) => None,
        },
        _ => None,
    });
    all.collect()
}

pub fn statuses(set: &[Command]) -> Vec<Status> {
    let all = set.iter().filter_map(|c| match c {
        Command::Announce { record, .. } => match &record.record {
            Record::Status(s) => Some(s.clone()),
            Record::Offer(_) => None,
        },
        _ => None,
    });
    all.collect()
}

pub fn withdrawals(set: &[Command]) -> usize {
    set.iter()
        .filter(|c| matches!(c, Command::Withdraw { .. }))
        .count()
}

pub fn asks(set: &[Command]) -> Vec<SignedRequest> {
    let all = set.iter().filter_map(|c| match c {
        Command::Ask { request, .. } => Some((**request).clone()),
        _ => None,
    });
    all.collect()
}

/// The only request sent.
pub fn asked(set: &[Command]) -> SignedRequest {
    let mut all = asks(set);
    assert_eq!(all.len(), 1, "{set:?}");
    all.remove(0)
}

pub fn replies(set: &[Command]) -> Vec<TradeAnswer> {
    let all = set.iter().filter_map(|c| match c {
        Command::Reply(answer) => Some((**answer).clone()),
        _ => None,
    });
    all.collect()
}

/// What was answered, if anything.
pub fn decision(set: &[Command]) -> Option<Result<SignedApproval, DenialReason>> {
    replies(set).pop().and_then(|a| match a.answer {
        Answer::Approved(approval) => Some(Ok(approval)),
        Answer::Denied { reason, .. } => Some(Err(reason)),
        Answer::Waiting { .. } => None,
    })
}

pub fn notices(set: &[Command]) -> Vec<Notice> {
    let all = set.iter().filter_map(|c| match c {
        Command::Tell(notice) => Some(notice.clone()),
        _ => None,
    });
    all.collect()
}

pub fn journalled(set: &[Command]) -> Vec<JournalEntry> {
    let all = set.iter().filter_map(|c| match c {
        Command::Journal(entry) => Some(entry.clone()),
        _ => None,
    });
    all.collect()
}

pub fn gates(set: &[Command]) -> Vec<Gate> {
    let all = set.iter().filter_map(|c| match c {
        Command::SetGate(gate) => Some(*gate),
        _ => None,
    });
    all.collect()
}

/// The place of the first command that is one of these.
pub fn place(set: &[Command], which: impl Fn(&Command) -> bool) -> usize {
    set.iter()
        .position(which)
        .unwrap_or_else(|| panic!("not in {set:?}"))
}

/// The seller's answer to a request: an approval of what was asked, changed and then signed.
pub fn approved(request: &SignedRequest, change: impl FnOnce(&mut Approval)) -> Event {
    let r = &request.request;
    let terms = pair(u16::from(r.seller.0[0] > 100), 0);
    let market = market();
    let mut approval = Approval {
        version: RECORD_VERSION,
        kind: r.kind,
        chain: market.chain.clone(),
        escrow: market.escrow.clone(),
        seller: r.seller,
        buyer: r.buyer,
        first_window: r.first_window,
        count: r.count,
        wh: r.wh,
        min_wh: Wh(1),
        price: Price(150_000),
        max_gross: Wh(0),
        max_charge: terms.charge,
        requested_at: r.requested_at,
        expires_at: Seconds(r.requested_at.0 + 30),
        nonce: r.id,
    };
    approval.max_gross = loss::gross_for(approval.wh, terms.loss).expect("fits");
    change(&mut approval);
    let signature = signed_by(r.seller.0[0], &approval.sign_bytes());
    answer(
        request,
        Answer::Approved(SignedApproval {
            approval,
            signature,
        }),
    )
}

pub fn denied(request: &SignedRequest, reason: DenialReason, available: u64) -> Event {
    answer(
        request,
        Answer::Denied {
            reason,
            available: Wh(available),
        },
    )
}

pub fn answer(request: &SignedRequest, answer: Answer) -> Event {
    let r = &request.request;
    Event::Answer(Box::new(TradeAnswer {
        id: r.id,
        seller: r.seller,
        buyer: r.buyer,
        answer,
    }))
}
