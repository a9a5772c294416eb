//! Entries to write down.

use wattpool_core::io::{JournalEntry, Reading};
use wattpool_core::metering::{Carried, Registers};
use wattpool_schema::{
    Commitment, MeterId, Seconds, Signature, SignedStatement, Statement, Wh, Window, RECORD_VERSION,
};

/// What a window's metering leaves in the journal.
pub fn metered(window: u64) -> JournalEntry {
    JournalEntry::Metered {
        reading: Reading {
            window: Window(window),
            taken_at: Seconds((window + 1) * 900),
            import_register: Wh(10 * window),
            export_register: Wh(20 * window),
            power_w: Some(-40),
        },
        deficit: Wh(0),
        carried: Carried {
            import: 7,
            export: -3,
            shown: Some(Registers {
                import: Wh(11),
                export: Wh(22),
            }),
        },
        statement: SignedStatement {
            statement: Statement {
                version: RECORD_VERSION,
                chain: "chain-1".into(),
                pool: "pool".into(),
                meter: MeterId([1; 16]),
                window: Window(window),
                sequence: window,
                export_wh: Wh(10),
                commitment: Commitment([3; 32]),
            },
            signature: Signature([9; 64]),
        },
    }
}
