//! What other nodes send.

use crate::{agree, Target};
use wattpool_discovery_libp2p::wire::{
    decode_answer, decode_ask, decode_record, decode_reply, decode_request, encode_answer,
    encode_ask, encode_record, encode_reply, encode_request, At, RecordsAnswer, RecordsRequest,
    Refusal, TradeReply, MAX_ANSWER, MAX_RECORD, MAX_REQUEST, MAX_TRADE,
};
use wattpool_schema::peer::{Answer, DenialReason, SignedRequest, TradeAnswer, TradeRequest};
use wattpool_schema::{
    Approval, MeterId, Price, Seconds, Signature, SignedApproval, TradeKind, Wh, Window,
};
use wattpool_testbed::{Member, Signed};

pub(crate) const RECORDS_REQUEST: Target = Target {
    name: "records_request",
    run: |data| {
        if let Ok(request) = decode_request(data) {
            if let RecordsRequest::Put { at, record } = &request {
                record.belongs_at(&at.0);
                record.sign_bytes();
            }
            agree(
                "request",
                &Ok(request.clone()),
                &decode_request(&encode_request(&request)),
            );
        }
    },
    seeds: || {
        let (offer, status) = records();
        let put = |signed: &Signed| RecordsRequest::Put {
            at: At(signed.at),
            record: Box::new((*signed.record).clone()),
        };
        [
            put(&offer),
            put(&status),
            RecordsRequest::Get {
                at: vec![At(offer.at), At(status.at)],
            },
            RecordsRequest::Withdraw {
                at: At(offer.at),
                meter: offer.record.meter(),
                sequence: 7,
            },
        ]
        .iter()
        .map(encode_request)
        .collect()
    },
    longest: MAX_REQUEST + 1,
    per_byte: crate::LEAN,
};

pub(crate) const RECORDS_ANSWER: Target = Target {
    name: "records_answer",
    run: |data| {
        let Ok(answer) = decode_answer(data) else {
            return;
        };
        let read = decode_answer(&encode_answer(&answer));
        let good = |answer: &RecordsAnswer| match answer {
            RecordsAnswer::Records { records, .. } => records.iter().flatten().count(),
            _ => 0,
        };
        // Lines that could not be read are left out when it is written again.
        match (&answer, &read) {
            (RecordsAnswer::Records { .. }, Ok(again)) => {
                agree("list", &good(&answer), &good(again))
            }
            _ => agree("answer", &Ok(answer.clone()), &read),
        }
    },
    seeds: || {
        let (offer, status) = records();
        let records = [&offer, &status, &offer].map(|s| Ok((*s.record).clone()));
        [
            RecordsAnswer::Done,
            RecordsAnswer::Busy,
            RecordsAnswer::Refused(Refusal::Stale),
            RecordsAnswer::Records {
                records: Vec::new(),
                truncated: true,
            },
            RecordsAnswer::Records {
                records: records.to_vec(),
                truncated: false,
            },
        ]
        .iter()
        .map(encode_answer)
        .collect()
    },
    longest: MAX_ANSWER + 1,
    per_byte: crate::LEAN,
};

pub(crate) const RECORD: Target = Target {
    name: "record",
    run: |data| {
        if let Ok(record) = decode_record(data) {
            record.sign_bytes();
            agree(
                "record",
                &Ok(record.clone()),
                &decode_record(&encode_record(&record)),
            );
        }
    },
    seeds: || {
        let (offer, status) = records();
        vec![encode_record(&offer.record), encode_record(&status.record)]
    },
    longest: MAX_RECORD + 1,
    per_byte: crate::LEAN,
};

pub(crate) const TRADE_REQUEST: Target = Target {
    name: "trade_request",
    run: |data| {
        if let Ok(request) = decode_ask(data) {
            request.request.sign_bytes();
            agree(
                "request",
                &Ok(request.clone()),
                &decode_ask(&encode_ask(&request)),
            );
        }
    },
    seeds: || vec![encode_ask(&trade_request())],
    longest: MAX_TRADE + 1,
    per_byte: crate::LEAN,
};

pub(crate) const TRADE_REPLY: Target = Target {
    name: "trade_reply",
    run: |data| {
        if let Ok(reply) = decode_reply(data) {
            if let TradeReply::Answer(answer) = &reply {
                if let Answer::Approved(approval) = &answer.answer {
                    approval.approval.sign_bytes();
                }
            }
            agree(
                "reply",
                &Ok(reply.clone()),
                &decode_reply(&encode_reply(&reply)),
            );
        }
    },
    seeds: || {
        let answers = [
            Answer::Denied {
                reason: DenialReason::Price,
                available: Wh(3),
            },
            Answer::Approved(approval()),
        ];
        let answer = |answer| TradeAnswer {
            id: 9,
            seller: MeterId([2; 16]),
            buyer: MeterId([1; 16]),
            answer,
        };
        let replies = answers.map(answer).map(TradeReply::Answer).into_iter();
        replies
            .chain([TradeReply::Busy, TradeReply::Refused(Refusal::Malformed)])
            .map(|reply| encode_reply(&reply))
            .collect()
    },
    longest: MAX_TRADE + 1,
    per_byte: crate::LEAN,
};

/// An offer and a status of a meter.
fn records() -> (Signed, Signed) {
    match Member::new(1) {
        Ok(member) => (
            member.signed_offer(700, 5, Seconds(1_900), 40),
            member.signed_status(700, 6, Seconds(1_900), 40),
        ),
        Err(e) => panic!("a member: {e}"),
    }
}

fn trade_request() -> SignedRequest {
    SignedRequest {
        request: TradeRequest {
            version: 1,
            network: "chain-1/escrow".to_owned(),
            id: 9,
            buyer: MeterId([1; 16]),
            seller: MeterId([2; 16]),
            kind: TradeKind::Forward,
            first_window: Window(7),
            count: 4,
            wh: Wh(250),
            max_price: Price(300_000),
            requested_at: Seconds(6_300),
            expires_at: Seconds(6_310),
        },
        signature: Signature([7; 64]),
    }
}

pub(crate) fn approval() -> SignedApproval {
    SignedApproval {
        approval: Approval {
            version: 1,
            kind: TradeKind::Spot,
            chain: "chain-1".to_owned(),
            escrow: "escrow".to_owned(),
            seller: MeterId([2; 16]),
            buyer: MeterId([1; 16]),
            first_window: Window(7),
            count: 1,
            wh: Wh(250),
            min_wh: Wh(1),
            price: Price(200_000),
            max_gross: Wh(260),
            max_charge: Price(10_000),
            requested_at: Seconds(6_300),
            expires_at: Seconds(6_310),
            nonce: 11,
        },
        signature: Signature([8; 64]),
    }
}
