//! The tables.

/// Marks a file as an explorer's index: "watt".
pub(super) const APPLICATION: i32 = 0x7761_7474;
/// Version of the tables: an index of another one is made anew.
pub(super) const VERSION: i32 = 2;

/// `events` is what was said, word by word; all other tables follow from it and are written in the same transaction. Sums that are beyond 63 bits stand
/// at the largest number.
pub(super) const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- Blocks with transactions; those of one day have the same day.
CREATE TABLE blocks (
    height INTEGER PRIMARY KEY, time INTEGER NOT NULL, day INTEGER NOT NULL, transactions INTEGER NOT NULL, failed INTEGER NOT NULL,
    gas INTEGER NOT NULL, fees INTEGER NOT NULL
);
CREATE INDEX blocks_by_day ON blocks (day);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, height INTEGER NOT NULL, time INTEGER NOT NULL, tx INTEGER NOT NULL, place INTEGER NOT NULL,
    name TEXT NOT NULL, meter BLOB, buyer BLOB, trade_id INTEGER, row TEXT NOT NULL,
    UNIQUE (height, tx, place)
);
CREATE INDEX events_by_name ON events (name, id);
CREATE INDEX events_by_meter ON events (meter, id) WHERE meter IS NOT NULL;
CREATE INDEX events_by_trade ON events (buyer, trade_id) WHERE buyer IS NOT NULL;
CREATE INDEX events_by_buyer ON events (buyer, id) WHERE buyer IS NOT NULL;
-- What the contracts stored when a file ends.
CREATE TABLE states (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE trades (
    sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, window INTEGER NOT NULL, kind TEXT NOT NULL, buyer BLOB NOT NULL,
    seller BLOB NOT NULL, arrived INTEGER NOT NULL, price INTEGER NOT NULL, head BLOB NOT NULL, trade TEXT NOT NULL
);
CREATE INDEX trades_by_price ON trades (price, sequence);
CREATE INDEX trades_by_energy ON trades (arrived, sequence);
CREATE INDEX trades_by_window ON trades (window, sequence);
CREATE INDEX trades_by_buyer ON trades (buyer, sequence);
CREATE INDEX trades_by_seller ON trades (seller, sequence);
CREATE TABLE windows (
    window INTEGER PRIMARY KEY, statements INTEGER NOT NULL DEFAULT 0, minted INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0,
    covered INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, arrived INTEGER NOT NULL DEFAULT 0,
    paid INTEGER NOT NULL DEFAULT 0, charges INTEGER NOT NULL DEFAULT 0, trades INTEGER NOT NULL DEFAULT 0,
    top_price INTEGER, top_seller BLOB, low_price INTEGER
);
CREATE INDEX windows_by_top ON windows (top_seller) WHERE top_seller IS NOT NULL;
CREATE TABLE meters (
    id BLOB PRIMARY KEY, owner TEXT, zone INTEGER, kind TEXT, max_export INTEGER, max_import INTEGER, registered INTEGER,
    retired INTEGER NOT NULL DEFAULT 0, notice INTEGER, notice_retires INTEGER, objected INTEGER NOT NULL DEFAULT 0,
    statements INTEGER NOT NULL DEFAULT 0, stated_to INTEGER, minted INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0,
    sales INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, sold INTEGER NOT NULL DEFAULT 0, earned INTEGER NOT NULL DEFAULT 0,
    purchases INTEGER NOT NULL DEFAULT 0, bought INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0,
    charges INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE covers (meter BLOB NOT NULL, window INTEGER NOT NULL, wh INTEGER NOT NULL, PRIMARY KEY (meter, window)) WITHOUT ROWID;
CREATE TABLE orders (
    buyer BLOB NOT NULL, trade_id INTEGER NOT NULL, seller BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    wh INTEGER NOT NULL, price INTEGER NOT NULL, locked INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0, opened INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (buyer, trade_id)
) WITHOUT ROWID;
-- Holds of feed-in credit by account and first window. `until`: when it is over; none: confirmed.
CREATE TABLE holds (
    owner TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL, set_at INTEGER NOT NULL, until INTEGER,
    held INTEGER NOT NULL DEFAULT 0, struck INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, PRIMARY KEY (owner, first)
) WITHOUT ROWID;
CREATE TABLE sums (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";
