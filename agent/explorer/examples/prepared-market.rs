//! A market with a past, for looking at the explorer: `prepared-market FILE TRADES` writes an export of so many trades that keeps every rule. One owner's
//! address and one proposed administrator are pieces of a page: whoever shows them as such is found.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a tool of tests"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use wattpool_audit::export::{Header, Row, Said, Writer};
use wattpool_chance::spread;
use wattpool_schema::escrow::{record_digest, TradeRecord};
use wattpool_schema::event::{
    AdminProposed, Covered, CreditHoldSet, Delivered, Deposited, Expired, LimitsSet,
    MarketEvent as E, MeterRegistered, Minted, Moved, NoticeGiven, Objected, Redeemed, RoleSet,
    Stated, TariffsSet, TradeClosed, Wired, ZonePairSet,
};
use wattpool_schema::pool::{HoldReason, MeterKind, Role};
use wattpool_schema::{
    Commitment, DeviceKey, Digest32, MeterId, Micro, Ppm, Price, Seconds, Tariff, TradeKind, Wh,
    Window, Zone,
};

/// Sellers; each has two buyers.
const SELLERS: u64 = 40;
/// First metered window: 1 May 2026.
const FIRST: u64 = 1_977_408 - 1_824;
const LENGTH: u64 = 900;
const HOSTILE: &str = "<img src=x onerror=\"document.title='taken'\">";

struct Chain<W: Write> {
    out: Writer<W>,
    height: u64,
    time: u64,
    tx: u32,
    index: u32,
}

impl<W: Write> Chain<W> {
    fn block(&mut self, time: u64) {
        self.height += 1;
        self.time = time;
        self.tx = 0;
        self.index = 0;
    }

    fn transaction(&mut self) {
        if self.index > 0 {
            self.tx += 1;
        }
        self.index = 0;
    }

    fn say(&mut self, contract: &str, event: E) {
        let said = Said::Event(Box::new(event));
        let contract = contract.to_owned();
        let row = Row {
            height: self.height,
            time: self.time,
            tx: self.tx,
            index: self.index,
            contract,
            said,
        };
        self.out.row(&row).unwrap();
        self.index += 1;
    }
}

fn meter(n: u64) -> MeterId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&spread(n).to_be_bytes());
    id[8..].copy_from_slice(&spread(n + 1_000).to_be_bytes());
    MeterId(id)
}

fn owner(n: u64) -> String {
    match n {
        1 => HOSTILE.to_owned(),
        n => format!("watt1home{n:04}"),
    }
}

fn founded<W: Write>(chain: &mut Chain<W>) {
    chain.block(FIRST * LENGTH - 3_600);
    let roles = [Role::Registrar, Role::GridOperator, Role::Regulator];
    for role in roles {
        chain.say(
            "pool",
            E::RoleSet(RoleSet {
                role,
                address: "watt1operator".to_owned(),
            }),
        );
    }
    chain.say(
        "pool",
        E::TariffsSet(TariffsSet {
            from_window: Window(0),
            import: Tariff(300_000),
            feed_in: Tariff(80_000),
        }),
    );
    chain.say(
        "pool",
        E::ZonePairSet(ZonePairSet {
            from_window: Window(0),
            from: Zone(1),
            to: Zone(1),
            loss: Ppm(0),
            charge: Price(5_000),
            capacity: None,
        }),
    );
    chain.transaction();
    chain.say(
        "token",
        E::Wired(Wired {
            pool: Some("pool".to_owned()),
            escrow: "escrow".to_owned(),
        }),
    );
    chain.say(
        "pool",
        E::Wired(Wired {
            pool: None,
            escrow: "escrow".to_owned(),
        }),
    );
    for n in 0..SELLERS * 3 {
        chain.transaction();
        let kind = if n < SELLERS {
            MeterKind::Pv
        } else {
            MeterKind::Consumer
        };
        chain.say(
            "pool",
            E::MeterRegistered(MeterRegistered {
                meter: meter(n),
                owner: owner(n),
                tenure: 1,
                device: DeviceKey([n as u8 + 1; 32]),
                household: None,
                zone: Zone(1),
                kind,
                max_export: Wh(5_000),
                max_import: Wh(5_000),
            }),
        );
        let limits = LimitsSet {
            meter: meter(n),
            tenure: 1,
            trading_off: false,
            min_sell_price: None,
            max_buy_price: None,
            max_spend_per_day: None,
            max_buy_per_day: None,
            max_sell_per_day: None,
        };
        chain.transaction();
        chain.say("escrow", E::LimitsSet(limits));
        if n >= SELLERS {
            chain.transaction();
            let amount = Micro(1_000_000_000);
            chain.say(
                "escrow",
                E::Deposited(Deposited {
                    owner: owner(n),
                    amount,
                    free: amount,
                }),
            );
        }
    }
    chain.transaction();
    chain.say(
        "pool",
        E::NoticeGiven(NoticeGiven {
            meter: meter(3),
            retire: true,
            from: Some(Seconds(FIRST * LENGTH + 86_400 * 30)),
        }),
    );
    chain.transaction();
    chain.say("pool", E::Objected(Objected { meter: meter(3) }));
    chain.transaction();
    let set = CreditHoldSet {
        owner: owner(5),
        from: Window(FIRST - 10),
        through: Window(FIRST - 7),
        reason: HoldReason::ReadingsDiffer,
        until: Seconds(chain.time + 86_400 * 30),
        by: "watt1operator".to_owned(),
    };
    chain.say("pool", E::CreditHoldSet(set));
    chain.transaction();
    chain.say(
        "pool",
        E::AdminProposed(AdminProposed {
            admin: Some(HOSTILE.to_owned()),
        }),
    );
}

fn main() {
    let mut words = std::env::args().skip(1);
    let file = words.next();
    let trades = words.next().and_then(|t| t.parse().ok());
    let (Some(file), Some(trades)) = (file, trades) else {
        eprintln!("expected FILE TRADES");
        std::process::exit(2);
    };
    write(BufWriter::new(File::create(file).unwrap()), trades);
}

/// Writes it.
pub fn write(to: impl Write, trades: u64) {
    let header = Header::new(
        "prepared-1",
        ["token", "pool", "escrow"],
        "uwatt",
        LENGTH as u32,
        1,
    );
    let out = Writer::new(to, &header).unwrap();
    let mut chain = Chain {
        out,
        height: 0,
        time: 0,
        tx: 0,
        index: 0,
    };
    founded(&mut chain);
    let mut head = Digest32([0; 32]);
    let (mut sequence, mut round) = (0, 0);
    let mut left = vec![(Window(0), 0_u64); SELLERS as usize];
    while sequence < trades {
        // Sun from the eighth to the fortieth window of half a day, say.
        let window = Window(FIRST + (round / 48) * 96 + 24 + round % 48);
        let live = (window.0 + 1) * LENGTH;
        let sun = 24 - (round % 48).abs_diff(24);
        for n in 0..SELLERS {
            chain.block(live + 5 + n);
            let sold = 40 + sun * 20 + spread(window.0 * 64 + n) % 200;
            let rest = spread(window.0 * 64 + n + 7) % 90;
            let wh = Wh(sold + rest);
            let stated = Stated {
                meter: meter(n),
                owner: owner(n),
                window,
                sequence: round + 1,
                wh,
                commitment: Commitment([round as u8; 32]),
                minted: true,
            };
            chain.say("pool", E::Stated(stated));
            chain.say(
                "token",
                E::Minted(Minted {
                    window,
                    meter: meter(n),
                    owner: owner(n),
                    wh,
                }),
            );
            // What was left of the window before, found now.
            let before = left.get_mut(n as usize).unwrap();
            if before.1 > 0 {
                let (account, wh) = (owner(n), Wh(before.1));
                let expired = Expired {
                    account,
                    window: before.0,
                    wh,
                };
                chain.say("token", E::Expired(expired));
            }
            *before = (window, rest);
            if sequence >= trades {
                continue;
            }
            chain.transaction();
            let b = SELLERS + (n * 2 + spread(window.0 + n) % 2) % (SELLERS * 2);
            let price = Price(110_000 + (n % 7) * 12_000 + (24 - sun) * 3_000);
            let (net, trade_id) = (Wh(sold), sequence + 1);
            let paid = Micro((sold * price.0).div_ceil(1_000));
            let charge = Micro((sold * 5_000).div_ceil(1_000));
            let record = TradeRecord {
                version: 1,
                sequence,
                kind: TradeKind::Spot,
                trade_id,
                buyer: meter(b),
                seller: meter(n),
                nonce: trade_id,
                window,
                count: 1,
                asked: net,
                arrived: net,
                declined: Wh(0),
                missed: Wh(0),
                lost: Wh(0),
                price,
                paid,
                charge,
                requested_at: Seconds(chain.time - 3),
                closed_at: Seconds(chain.time),
            };
            head = record_digest(&head, &record);
            chain.say(
                "escrow",
                E::Delivered(Delivered {
                    kind: TradeKind::Spot,
                    window,
                    trade_id,
                    seller: meter(n),
                    buyer: meter(b),
                    seller_owner: owner(n),
                    buyer_owner: owner(b),
                    net,
                    gross: net,
                    paid,
                    charge,
                }),
            );
            chain.say(
                "escrow",
                E::TradeClosed(TradeClosed {
                    sequence,
                    kind: TradeKind::Spot,
                    trade_id,
                    buyer: record.buyer,
                    seller: record.seller,
                    nonce: record.nonce,
                    window,
                    count: 1,
                    asked: net,
                    arrived: net,
                    declined: Wh(0),
                    missed: Wh(0),
                    lost: Wh(0),
                    price,
                    paid,
                    charge,
                    requested_at: record.requested_at,
                    closed_at: record.closed_at,
                    head,
                }),
            );
            chain.say(
                "pool",
                E::Covered(Covered {
                    meter: meter(b),
                    window,
                    covered: net,
                }),
            );
            chain.say(
                "pool",
                E::Redeemed(Redeemed {
                    window,
                    trade_id,
                    seller: meter(n),
                    buyer: meter(b),
                    gross: net,
                    net,
                    sold: net,
                    redeemed: net,
                }),
            );
            chain.say(
                "token",
                E::Moved(Moved {
                    window,
                    trade_id,
                    seller: meter(n),
                    buyer: meter(b),
                    from: owner(n),
                    to: owner(b),
                    gross: net,
                    net,
                    lost: Wh(0),
                }),
            );
            sequence += 1;
        }
        round += 1;
    }
    chain.out.finish(|_| None).unwrap();
}
