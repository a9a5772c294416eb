//! The bytes of what contracts store: a public format. Who changes one of these counts [`LAYOUT_VERSION`] up.

use cosmwasm_std::Addr;
use std::fmt::Debug;
use wattpool_schema::escrow::{Limits, Participation, Statistics, TradeRecord};
use wattpool_schema::packed::{self, Packed};
use wattpool_schema::pool::{MeterKind, MeterPosition, Notice, SkippedRange};
use wattpool_schema::stored::escrow::{Current, MeterBook, Order, Promises, Side};
use wattpool_schema::stored::pool::{Meter, MeterTerms, PairTerms, Rates};
use wattpool_schema::stored::{escrow, pool, LAYOUT, LAYOUT_VERSION};
use wattpool_schema::{
    AgentKey, Commitment, DeviceKey, HouseholdId, MeterId, Micro, Ppm, Price, Seconds, Tariff,
    TradeKind, Wh, Window, Zone, RECORD_VERSION,
};

const SELLER: MeterId = MeterId([0x11; 16]);
const BUYER: MeterId = MeterId([0x22; 16]);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value's bytes are these, and say this value.
fn golden<T: Packed + PartialEq + Debug>(value: &T, expected: &str) {
    let bytes = packed::bytes(value);
    assert_eq!(hex(&bytes), expected.replace([' ', '\n'], ""), "{value:?}");
    assert_eq!(packed::read::<T>(&bytes).as_ref(), Some(value));
}

fn terms(owner: &str) -> MeterTerms {
    MeterTerms {
        owner: Addr::unchecked(owner),
        tenure: 2,
        zone: Zone(300),
        max_export: Wh(5_000),
        max_import: Wh(7_000),
    }
}

fn limits() -> Limits {
    Limits {
        trading_off: true,
        min_sell_price: Some(Price(90_000)),
        max_buy_price: Some(Price(290_000)),
        max_spend_per_day: Some(Micro(3_000_000)),
        max_buy_per_day: Some(Wh(20_000)),
        max_sell_per_day: None,
    }
}

#[test]
fn the_version_is_of_these_bytes() {
    assert_eq!((LAYOUT, LAYOUT_VERSION), (b"layout".as_slice(), 1));
    golden(&LAYOUT_VERSION, "01");
}

#[test]
fn keys() {
    let window = Window(1_970_000);
    let (one, other) = (hex(&SELLER.0), hex(&BUYER.0));
    for (key, expected) in [
        (pool::meter(SELLER), format!("6d{one}")),
        (
            pool::history(SELLER, window),
            format!("68{one}00000000001e0f50"),
        ),
        (pool::position(SELLER), format!("70{one}")),
        (pool::tariffs(window), "7400000000001e0f50".into()),
        (
            pool::pair(Zone(1), Zone(515), window),
            "7a0001020300000000001e0f50".into(),
        ),
        (escrow::meter(&SELLER), format!("6d{one}")),
        (escrow::promises(&SELLER), format!("6c{one}")),
        (
            escrow::order(&BUYER, 258),
            format!("6f{other}0000000000000102"),
        ),
        (escrow::record(258), "740000000000000102".into()),
        (
            escrow::numbered(escrow::BY_BUYER, &BUYER, 258),
            format!("62{other}0000000000000102"),
        ),
        (
            escrow::numbered(escrow::BY_SELLER, &SELLER, 258),
            format!("73{one}0000000000000102"),
        ),
    ] {
        assert_eq!(hex(&key), expected);
    }
}

#[test]
fn terms_of_windows_and_zones() {
    let rates: Rates = (Tariff(300_000), Tariff(-64));
    golden(&rates, "c0cf247f");
    let pair: PairTerms = (Ppm(20_000), Price(10_000), Some(Wh(150)));
    golden(&pair, "a09c01904e019601");
    let open: PairTerms = (Ppm(0), Price(0), None);
    golden(&open, "000000");
    golden(&terms("watt1owner"), "0a77617474316f776e657202ac028827d836");
}

#[test]
fn a_meter() {
    let whole = Meter {
        terms: terms("watt1old"),
        terms_from: Window(1_970_000),
        coming: vec![(Window(1_970_001), terms("watt1new"))],
        proposed_owner: Some(Addr::unchecked("watt1next")),
        notice: Some(Notice {
            retire: false,
            from: Seconds(1_773_000_000),
            objected: true,
        }),
        device: DeviceKey([0x33; 32]),
        agent: Some(AgentKey([0x02; 33])),
        agent_address: Some(Addr::unchecked("watt1agent")),
        agent_tenure: 2,
        household: Some(HouseholdId([0x44; 16])),
        kind: MeterKind::Mixed,
        retired: Some(Seconds(1_774_000_000)),
        since: Window(1_960_000),
    };
    golden(
        &whole,
        "0877617474316f6c6402ac028827d836d09e7801d19e780877617474316e657702ac028827d83601 \
         0977617474316e6578740100c0aab7cd060133333333333333333333333333333333333333333333 \
         33333333333333333333010202020202020202020202020202020202020202020202020202020202 \
         02020202010a77617474316167656e74020144444444444444444444444444444444030180aff4cd \
         06c0d077",
    );
    let bare = Meter {
        coming: Vec::new(),
        proposed_owner: None,
        notice: None,
        agent: None,
        agent_address: None,
        agent_tenure: 0,
        household: None,
        kind: MeterKind::Consumer,
        retired: None,
        ..whole
    };
    golden(
        &bare,
        "0877617474316f6c6402ac028827d836d09e78000000333333333333333333333333333333333333 \
         3333333333333333333333333333000000000400c0d077",
    );
}

#[test]
fn a_position() {
    let whole = MeterPosition {
        stated: Some(Window(1_970_000)),
        sequence: 12,
        commitment: Some(Commitment([0x55; 32])),
        skipped: vec![SkippedRange {
            from: Window(1_969_990),
            to: Window(1_969_992),
            above: 5,
            below: 9,
        }],
        minted_window: Window(1_970_000),
        minted: Wh(1_200),
        sold: Wh(300),
        cover_window: Window(1_969_999),
        covered: Wh(800),
        redeemed: Wh(799),
    };
    golden(
        &whole,
        "7fd09e780c555555555555555555555555555555555555555555555555555555555555555501c69e \
         78c89e780509b009ac02cf9e78a0069f06",
    );
    golden(&MeterPosition::default(), "00");
}

#[test]
fn limits_and_counters() {
    golden(&limits(), "010190bf0501d0d91101c08db70101a09c0100");
    golden(&Limits::default(), "000000000000");
    let book = MeterBook {
        limits: limits(),
        tenure: Some(2),
        locked: Micro(1_000),
        day: 20_520,
        spent: Micro(2_000),
        bought: Wh(3_000),
        sold: Wh(4_000),
        statistics: Statistics {
            sales: 1,
            asked: Wh(200),
            arrived: Wh(190),
            missed: Wh(10),
            purchases: 3,
            bought: Wh(400),
            wh_seconds: 5_000,
            part: Participation {
                period: 684,
                windows: 7,
                before: 8,
            },
        },
        shown: (Window(1_970_000), Wh(70)),
        part: (Window(1_969_999), Wh(80)),
    };
    golden(
        &book,
        "010190bf0501d0d91101c08db70101a09c01000102e807a8a001d00fb817a01f01c801be010a0390 \
         038827ac050708d09e7846cf9e7850",
    );
    golden(
        &MeterBook::default(),
        "0000000000000000000000000000000000000000000000000000",
    );
}

#[test]
fn lists_of_standing_orders() {
    let promises = Promises {
        sells: vec![(BUYER, 258)],
        buys: vec![259, 260],
    };
    golden(
        &promises,
        "012222222222222222222222222222222282020283028402",
    );
}

#[test]
fn a_standing_order() {
    let order = Order {
        seller: SELLER,
        nonce: 77,
        first: Window(1_970_000),
        last: Window(1_970_003),
        wh: Wh(250),
        price: Price(200_000),
        loss: Ppm(20_000),
        charge: Price(10_000),
        selling: Side {
            owner: "watt1seller".into(),
            tenure: 1,
            zone: Zone(0),
        },
        buying: Side {
            owner: "watt1buyer".into(),
            tenure: 3,
            zone: Zone(1),
        },
        inside: false,
        requested_at: Seconds(1_773_000_000),
        locked: Micro(210_000),
        totals: (Wh(100), Wh(103), Micro(20_000), Micro(1_000)),
        declined: Wh(1),
        missed: Wh(2),
        void: Wh(3),
        last_chunk: Some(Seconds(1_773_000_905)),
        cancelled: true,
        now: Current {
            window: Window(1_970_001),
            net: Wh(50),
            gross: Wh(52),
            shown: Wh(60),
            short: true,
            skipped: false,
        },
    };
    golden(
        &order,
        "111111111111111111111111111111114dd09e78d39e78fa01c09a0ca09c01904e0b776174743173 \
         656c6c657201000a77617474316275796572030100c0aab7cd06d0e80c6467a09c01e80701020301 \
         c9b1b7cd0601d19e7832343c0100",
    );
}

#[test]
fn a_closed_trade() {
    let record = TradeRecord {
        version: RECORD_VERSION,
        sequence: 258,
        kind: TradeKind::Forward,
        trade_id: 259,
        buyer: BUYER,
        seller: SELLER,
        nonce: 77,
        window: Window(1_970_000),
        count: 4,
        asked: Wh(1_000),
        arrived: Wh(900),
        declined: Wh(60),
        missed: Wh(40),
        lost: Wh(19),
        price: Price(200_000),
        paid: Micro(180_000),
        charge: Micro(9_000),
        requested_at: Seconds(1_773_000_000),
        closed_at: Seconds(1_773_003_600),
    };
    golden(
        &record,
        "01820201830222222222222222222222222222222222111111111111111111111111111111114dd0 \
         9e7804e807c7013c2813c09a0ca0fe0aa846c0aab7cd06a038",
    );
    // The farthest apart, either way.
    for (asked, arrived, requested, closed) in [
        (0, u64::MAX, u64::MAX, 0),
        (5, 4, 9, 8),
        (1 << 63, 0, 0, 1 << 63),
    ] {
        let record = TradeRecord {
            asked: Wh(asked),
            arrived: Wh(arrived),
            requested_at: Seconds(requested),
            closed_at: Seconds(closed),
            ..record.clone()
        };
        let bytes = packed::bytes(&record);
        assert_eq!(packed::read::<TradeRecord>(&bytes), Some(record));
    }
    golden(&Some(258u64), "018202");
    golden(&None::<u64>, "00");
}
