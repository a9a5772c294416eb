//! What transactions may use of gas at most, whatever a simulation says: twice what was measured (docs/bench/gas.md, contracts that are not pinned).

use crate::events::items;
use wattpool_core::io::MarketTx;

/// Measured gas of one message with one item, and of each further item.
const fn measured(tx: &MarketTx) -> (u64, u64) {
    match tx {
        MarketTx::State(_) => (248_000, 27_000),
        MarketTx::Settle(_) => (370_000, 172_000),
        MarketTx::OpenOrder(_) => (248_000, 0),
        MarketTx::Deliver { .. } => (353_000, 0),
        MarketTx::CancelOrder { .. } => (222_000, 0),
        MarketTx::CloseOrder { .. } => (165_000, 0),
    }
}

/// Most gas of one transaction with these.
pub fn most(txs: &[MarketTx]) -> u64 {
    let Some((first, each)) = txs.first().map(measured) else {
        return 0;
    };
    let count = txs.iter().map(items).fold(0, u32::saturating_add);
    let more = u64::from(count.saturating_sub(1));
    first
        .saturating_add(each.saturating_mul(more))
        .saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::MeterId;

    /// What `scripts/bench-gas` measured, unpinned.
    fn table(name: &str) -> u64 {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../simulator/report/gas.json"
        );
        let text = std::fs::read_to_string(file).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let messages = all["messages"].as_array().unwrap();
        let found = messages.iter().find(|m| m["message"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["unpinned"]
            .as_u64()
            .unwrap()
    }

    #[test]
    fn the_figures_are_those_that_were_measured() {
        let order = |close: bool| {
            let (buyer, trade_id) = (MeterId([1; 16]), 1);
            if close {
                MarketTx::CloseOrder { buyer, trade_id }
            } else {
                MarketTx::CancelOrder { buyer, trade_id }
            }
        };
        for (tx, name) in [
            (MarketTx::State(Vec::new()), "pool state"),
            (order(false), "escrow cancel_order"),
            (order(true), "escrow close_order"),
        ] {
            let (first, _) = measured(&tx);
            let found = table(name);
            assert!(
                found <= first && first < found.saturating_add(2_000),
                "{name}: {found}, not {first}"
            );
        }
        // Those whose content matters have the same figures.
        for (first, name) in [
            (370_000, "escrow settle, the meters' first trade"),
            (248_000, "escrow open_order"),
            (353_000, "escrow deliver"),
        ] {
            let found = table(name);
            assert!(
                found <= first && first < found.saturating_add(2_000),
                "{name}: {found}"
            );
        }
        assert!(table("escrow settle_batch (10 trades)") <= 370_000 + 9 * 172_000);
        assert!(table("pool state (50 statements)") <= 248_000 + 49 * 27_000);
        assert_eq!(most(&[]), 0);
    }
}
