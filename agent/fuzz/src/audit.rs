//! What an auditor is handed: exports and openings, by people whom nobody trusts.

use crate::{agree, Target, LEAN};
use wattpool_audit::export::{Header, Row, Said, Transfer, Writer};
use wattpool_audit::opening::{Opening, Openings, Registers, VERSION};
use wattpool_audit::read::audit;
use wattpool_schema::event::{Deposited, MarketEvent, TariffsSet};
use wattpool_schema::{Commitment, MeterId, Micro, Tariff, Wh, Window};

/// Most bytes that are tried.
const LONGEST: usize = 64 * 1024;

pub(crate) const EXPORT: Target = Target {
    name: "audit_export",
    run: |data| {
        // Whatever a file says: a report, or a word why it is no export.
        if let Ok(report) = audit(data) {
            let listed = u64::try_from(report.findings.list.len()).ok();
            let most = listed.is_some_and(|n| n <= report.findings.total());
            agree("findings are counted", &true, &most);
        }
    },
    seeds: || vec![export().unwrap_or_default()],
    longest: LONGEST,
    per_byte: LEAN,
};

pub(crate) const OPENINGS: Target = Target {
    name: "audit_openings",
    run: |data| {
        let text = String::from_utf8_lossy(data);
        match Openings::parse(&text, METER) {
            Ok(read) => {
                let written = serde_json::to_string(&read).unwrap_or_default();
                agree("openings", &Ok(read), &Openings::parse(&written, METER));
            }
            Err(why) => agree("one line", &false, &why.contains('\n')),
        }
    },
    seeds: || vec![serde_json::to_vec(&openings()).unwrap_or_default()],
    longest: LONGEST,
    per_byte: LEAN,
};

const METER: MeterId = MeterId([7; 16]);

fn openings() -> Openings {
    let one = |n: u64| Opening {
        window: Window(n),
        registers: Registers {
            import: Wh(10),
            export: Wh(n),
        },
        salt: [3; 16],
        previous: Commitment([4; 32]),
    };
    Openings {
        version: VERSION,
        meter: METER,
        home: Some("home-1".to_owned()),
        installed: Some(Registers::default()),
        openings: vec![one(1), one(2)],
    }
}

fn export() -> std::io::Result<Vec<u8>> {
    let header = Header::new("chain-1", ["token", "pool", "escrow"], "uwatt", 900, 1);
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &header)?;
    let event = |event| Said::Event(Box::new(event));
    let said = [
        (
            "pool",
            event(MarketEvent::TariffsSet(TariffsSet {
                from_window: Window(0),
                import: Tariff(300_000),
                feed_in: Tariff(80_000),
            })),
        ),
        (
            "escrow",
            event(MarketEvent::Deposited(Deposited {
                owner: "watt1owner".to_owned(),
                amount: Micro(5),
                free: Micro(5),
            })),
        ),
        (
            "token",
            Said::Transfer(Transfer {
                from: "watt1owner".to_owned(),
                to: "watt1other".to_owned(),
                wh: Wh(0),
            }),
        ),
    ];
    for (tx, (contract, said)) in (0_u32..).zip(said) {
        writer.row(&Row {
            height: 2,
            time: 1_777_852_800,
            tx,
            index: 0,
            contract: contract.to_owned(),
            said,
        })?;
    }
    writer.finish(|_| None)?;
    Ok(file)
}
