//! One closed trade: its stored record, and that the escrow runs the code that the addresses file names.

use super::evidence::Evidence;
use super::light::{TrustedBlock, TRUSTING_PERIOD};
use super::state::{self, Place};
use super::{ProofError, Prover};
use crate::error::ChainError;
use crate::market::Market;
use serde::{Deserialize, Serialize};
use wattpool_schema::escrow::TradeRecord;

/// A proof of one trade that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeProof {
    /// The escrow that stores the record.
    pub contract: String,
    /// Its place in the log.
    pub sequence: u64,
    /// Headers and values.
    pub evidence: Evidence,
}

/// A proven trade.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenTrade {
    /// The stored record.
    pub record: TradeRecord,
    /// Height of the state.
    pub height: u64,
    /// Time of the block whose header proves it, Unix seconds.
    pub time: u64,
    /// That header's hash.
    pub hash: String,
}

impl TradeProof {
    /// Verifies a proof: headers, the contract's code, the record.
    ///
    /// # Errors
    /// In a line: which of them does not hold.
    pub fn check(&self, market: &Market, trusted: &TrustedBlock) -> Result<ProvenTrade, String> {
        let escrow = &market.escrow;
        if self.contract != escrow.address {
            return Err(format!(
                "it is of contract {}, and the market's escrow is {}",
                self.contract, escrow.address
            ));
        }
        let headers = self
            .evidence
            .verify(&market.chain_id, trusted, TRUSTING_PERIOD);
        let verified = headers.map_err(|why| format!("headers: {why}"))?;
        let at = |what: &str, place: Result<Place, ChainError>| {
            let shown = place
                .map_err(|e| e.to_string())
                .and_then(|place| verified.at(&place));
            shown.map_err(|why| format!("{what}: {why}"))
        };
        let line = |e: ProofError| e.to_string();
        let code =
            state::code_id(at("the contract", Place::contract(&escrow.address))?).map_err(line)?;
        let checksum = state::checksum(at("its code", Ok(Place::code(code)))?).map_err(line)?;
        if !checksum.eq_ignore_ascii_case(&escrow.checksum) {
            return Err(format!(
                "the escrow runs the code {checksum}, and the addresses file says {}",
                escrow.checksum
            ));
        }
        let sequence = self.sequence;
        let name = format!("trade {sequence}");
        let shown = at(&name, state::record(&escrow.address, sequence))?;
        let record: Option<TradeRecord> = state::packed(shown, "the trade").map_err(line)?;
        let Some(record) = record else {
            return Err(format!(
                "there is no trade {sequence} at height {}, which is proven",
                verified.height()
            ));
        };
        if record.sequence != sequence {
            return Err(format!(
                "under trade {sequence} stands trade {}",
                record.sequence
            ));
        }
        Ok(ProvenTrade {
            record,
            height: verified.height(),
            time: verified.head().time(),
            hash: verified.head().hash(),
        })
    }

    /// Asks a node for everything that proves a trade.
    ///
    /// # Errors
    /// It is not proven.
    pub async fn gather(
        prover: &Prover,
        market: &Market,
        sequence: u64,
    ) -> Result<Self, ProofError> {
        let escrow = &market.escrow.address;
        let mut evidence = prover.evidence().await?;
        let contract = prover.add(&mut evidence, &Place::contract(escrow)?).await?;
        let code = state::code_id(contract)?;
        prover.add(&mut evidence, &Place::code(code)).await?;
        let place = state::record(escrow, sequence)?;
        prover.add(&mut evidence, &place).await?;
        Ok(Self {
            contract: escrow.clone(),
            sequence,
            evidence,
        })
    }
}
