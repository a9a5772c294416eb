//! The tables of figures: one row a window and one a delivery, so that a year is added up in a moment. Each row is
//! found again by its key, so that what is heard twice counts once.

use rusqlite::{params, Transaction};
use wattpool_core::io::{BlockRef, Notice};
use wattpool_schema::event::{Delivered, MarketEvent, TradeClosed};
use wattpool_schema::pool::Tariffs;
use wattpool_schema::Window;

/// Windows kept: three years of quarters of an hour.
const WINDOWS: i64 = 105_408;
/// Deliveries and trades kept, each: the newest.
const DEALS: i64 = 50_000;
/// Rows dropped at a time, so that dropping is rare.
const SLACK: i64 = 500;

/// What makes version 4 of version 3: the tables, filled from what is still there.
pub(crate) const TABLES: &str = "
    CREATE TABLE windows (
        window INTEGER PRIMARY KEY,
        surplus INTEGER,
        deficit INTEGER,
        import INTEGER,
        feed_in INTEGER
    );
    CREATE TABLE deliveries (
        height INTEGER NOT NULL,
        place INTEGER NOT NULL,
        window INTEGER NOT NULL,
        seller TEXT NOT NULL,
        buyer TEXT NOT NULL,
        net INTEGER NOT NULL,
        gross INTEGER NOT NULL,
        paid INTEGER NOT NULL,
        charge INTEGER NOT NULL,
        PRIMARY KEY (height, place)
    ) WITHOUT ROWID;
    CREATE INDEX deliveries_by_window ON deliveries (window);
    CREATE TABLE trades (
        sequence INTEGER PRIMARY KEY,
        height INTEGER NOT NULL,
        closed_at INTEGER NOT NULL,
        seller TEXT NOT NULL,
        buyer TEXT NOT NULL,
        trade TEXT NOT NULL
    );
    CREATE INDEX trades_by_time ON trades (closed_at);
    INSERT OR IGNORE INTO windows (window, surplus, deficit)
        SELECT json_extract(notice, '$.metered.window'), json_extract(notice, '$.metered.surplus'),
               json_extract(notice, '$.metered.deficit')
        FROM notices WHERE json_extract(notice, '$.metered.window') IS NOT NULL ORDER BY number DESC;
    INSERT OR IGNORE INTO deliveries
        SELECT height, place, json_extract(event, '$.delivered.window'), json_extract(event, '$.delivered.seller'),
               json_extract(event, '$.delivered.buyer'), json_extract(event, '$.delivered.net'),
               json_extract(event, '$.delivered.gross'), json_extract(event, '$.delivered.paid'),
               json_extract(event, '$.delivered.charge')
        FROM events WHERE kind = 'delivered';
    INSERT OR IGNORE INTO trades
        SELECT json_extract(event, '$.trade_closed.sequence'), height, json_extract(event, '$.trade_closed.closed_at'),
               json_extract(event, '$.trade_closed.seller'), json_extract(event, '$.trade_closed.buyer'),
               json_extract(event, '$.trade_closed')
        FROM events WHERE kind = 'trade_closed';
    INSERT INTO sizes SELECT 'deliveries', count(*) FROM deliveries;
    INSERT INTO sizes SELECT 'trades', count(*) FROM trades;
";

/// SQLite's integers are signed; what is counted here does not come near the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A window was metered.
pub(crate) fn note(change: &Transaction<'_>, notice: &Notice) -> rusqlite::Result<()> {
    let Notice::Metered {
        window,
        surplus,
        deficit,
    } = notice
    else {
        return Ok(());
    };
    change.execute(
        "INSERT INTO windows (window, surplus, deficit) VALUES (?1, ?2, ?3)
         ON CONFLICT (window) DO UPDATE SET surplus = excluded.surplus, deficit = excluded.deficit",
        params![signed(window.0), signed(surplus.0), signed(deficit.0)],
    )?;
    keep(change, *window)
}

/// What the grid asks and pays in a window.
pub(crate) fn tariffs(
    change: &Transaction<'_>,
    window: Window,
    tariffs: Tariffs,
) -> rusqlite::Result<()> {
    change.execute(
        "INSERT INTO windows (window, import, feed_in) VALUES (?1, ?2, ?3)
         ON CONFLICT (window) DO UPDATE SET import = excluded.import, feed_in = excluded.feed_in",
        params![signed(window.0), tariffs.import.0, tariffs.feed_in.0],
    )?;
    keep(change, window)
}

/// Drops windows that are too old, a day's worth at a time.
fn keep(change: &Transaction<'_>, newest: Window) -> rusqlite::Result<()> {
    let oldest = signed(newest.0).saturating_sub(WINDOWS);
    if oldest.rem_euclid(96) == 0 {
        for table in ["windows", "fees", "generated"] {
            let delete = format!("DELETE FROM {table} WHERE window < ?1");
            change.execute(&delete, [oldest])?;
        }
    }
    Ok(())
}

/// A block moved energy and money.
pub(crate) fn happened(
    change: &Transaction<'_>,
    block: BlockRef,
    place: i64,
    event: &MarketEvent,
) -> rusqlite::Result<()> {
    match event {
        MarketEvent::Delivered(d) => delivered(change, block, place, d),
        MarketEvent::TradeClosed(t) => closed(change, block, t),
        _ => Ok(()),
    }
}

fn delivered(
    change: &Transaction<'_>,
    block: BlockRef,
    place: i64,
    d: &Delivered,
) -> rusqlite::Result<()> {
    let new = change.execute(
        "INSERT OR IGNORE INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            signed(block.height),
            place,
            signed(d.window.0),
            d.seller.to_string(),
            d.buyer.to_string(),
            signed(d.net.0),
            signed(d.gross.0),
            signed(d.paid.0),
            signed(d.charge.0),
        ],
    )?;
    if new > 0 {
        drop_oldest(
            change,
            "deliveries",
            "DELETE FROM deliveries WHERE (height, place) IN
             (SELECT height, place FROM deliveries ORDER BY height, place LIMIT ?1)",
        )?;
    }
    Ok(())
}

fn closed(change: &Transaction<'_>, block: BlockRef, t: &TradeClosed) -> rusqlite::Result<()> {
    let text = serde_json::to_string(t)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let new = change.execute(
        "INSERT OR IGNORE INTO trades VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            signed(t.sequence),
            signed(block.height),
            signed(t.closed_at.0),
            t.seller.to_string(),
            t.buyer.to_string(),
            text,
        ],
    )?;
    if new > 0 {
        drop_oldest(
            change,
            "trades",
            "DELETE FROM trades WHERE sequence IN (SELECT sequence FROM trades ORDER BY closed_at, sequence LIMIT ?1)",
        )?;
    }
    Ok(())
}

/// Counts a new row in, and drops the oldest ones when there are too many.
fn drop_oldest(change: &Transaction<'_>, of: &str, delete: &str) -> rusqlite::Result<()> {
    change.execute(
        "INSERT INTO sizes (of, bytes) VALUES (?1, 1) ON CONFLICT (of) DO UPDATE SET bytes = bytes + 1",
        [of],
    )?;
    let rows: i64 = change.query_row("SELECT bytes FROM sizes WHERE of = ?1", [of], |row| {
        row.get(0)
    })?;
    if rows > DEALS.saturating_add(SLACK) {
        let gone = change.execute(delete, [SLACK])?;
        change.execute(
            "UPDATE sizes SET bytes = bytes - ?2 WHERE of = ?1",
            params![of, i64::try_from(gone).unwrap_or(SLACK)],
        )?;
    }
    Ok(())
}
