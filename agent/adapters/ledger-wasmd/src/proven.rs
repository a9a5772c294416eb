//! What an agent relies on, proven before money follows.

use crate::market::Market;
use crate::proof::state::{self, as_tariffs};
use crate::proof::{ProofError, Prover};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use wattpool_core::ports::ledger::{LedgerError, Terms};
use wattpool_schema::pool::{MeterPosition, ZonePairTerms};
use wattpool_schema::stored::pool::{Meter, PairTerms, Rates};
use wattpool_schema::{MeterId, Window, Zone};

/// Terms between zones that are proven in one window at most; the others keep what was proven lately.
const PAIRS_PER_WINDOW: usize = 4;
/// Windows after which terms between zones are to be proven again: changes are announced two windows ahead.
const PAIRS_HOLD: u64 = 8;

/// A market whose terms are proven.
pub(crate) struct ProvenMarket {
    prover: Arc<Prover>,
    market: Arc<Market>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The own meter, once it is known, and its zone.
    meter: Option<MeterId>,
    zone: Option<Zone>,
    /// Terms between zones, and the window in which they were proven.
    pairs: BTreeMap<(Zone, Zone), (Window, Option<PairTerms>)>,
    /// What was told last, for which window, and whether it is proven.
    last: Option<(Window, Terms, bool)>,
    said: String,
}

impl ProvenMarket {
    pub fn new(prover: Arc<Prover>, market: Arc<Market>) -> Self {
        Self {
            prover,
            market,
            state: Mutex::default(),
        }
    }

    pub const fn prover(&self) -> &Arc<Prover> {
        &self.prover
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The guarded values are plain and always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The terms of a window as they are proven. Where no proof can be had they are those that were told: nothing is bought on them.
    ///
    /// # Errors
    /// It is proven that the market is another one, or that the chain is attacked.
    pub async fn terms(&self, window: Window, told: Terms) -> Result<Terms, LedgerError> {
        let terms = self.prove(window, &told).await;
        let mut state = self.state();
        match terms {
            Ok(terms) => {
                if !state.said.is_empty() {
                    tracing::info!("the terms are proven again");
                    state.said.clear();
                }
                if terms.tariffs != told.tariffs {
                    tracing::warn!(?told.tariffs, ?terms.tariffs, "a node told other tariffs than are proven");
                }
                state.last = Some((window, terms.clone(), true));
                Ok(terms)
            }
            Err(error @ (ProofError::Code { .. } | ProofError::Conflict { .. })) => {
                state.last = None;
                Err(LedgerError::Foreign(error.to_string()))
            }
            Err(error) => {
                let why = error.to_string();
                if why != state.said {
                    tracing::warn!(
                        "the terms are not proven, and nothing is bought on them: {why}"
                    );
                    state.said = why;
                }
                state.last = Some((window, told.clone(), false));
                Ok(told)
            }
        }
    }

    /// Whether the terms are proven on which money would follow; tried again if they were not.
    ///
    /// # Errors
    /// Why not.
    pub async fn before_money(&self) -> Result<(), String> {
        if let Some(conflict) = self.prover.conflict() {
            return Err(conflict.to_string());
        }
        let Some((window, terms, proven)) = self.state().last.clone() else {
            return Err("no terms are proven yet".to_owned());
        };
        if proven {
            return Ok(());
        }
        match self.prove(window, &terms).await {
            // What was decided was decided on these.
            Ok(found)
                if found.tariffs == terms.tariffs
                    && found.pairs.iter().all(|pair| terms.pairs.contains(pair)) =>
            {
                self.state().last = Some((window, terms, true));
                Ok(())
            }
            Ok(_) => Err("the terms that were told are not those that are proven".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn prove(&self, window: Window, told: &Terms) -> Result<Terms, ProofError> {
        let pool = &self.market.pool;
        self.prover.contract(pool).await?;
        let place = state::tariffs(&pool.address, window)?;
        let shown = self.prover.read(&place).await?.value;
        let rates: Rates = state::in_force(&place, shown, "tariffs")?;
        let zone = self.zone().await?;
        let mut pairs = Vec::with_capacity(told.pairs.len());
        let near = |pair: &ZonePairTerms| zone.is_none_or(|z| pair.from == z || pair.to == z);
        let wanted: Vec<(Zone, Zone)> = told
            .pairs
            .iter()
            .filter(|p| near(p))
            .map(|p| (p.from, p.to))
            .collect();
        self.prove_pairs(window, &wanted).await?;
        let state = self.state();
        for pair in &told.pairs {
            if !near(pair) {
                // Nothing goes over it.
                pairs.push(*pair);
                continue;
            }
            let known = state.pairs.get(&(pair.from, pair.to));
            let fresh = known.filter(|(since, _)| window.0.saturating_sub(since.0) <= PAIRS_HOLD);
            if let Some((_, Some((loss, charge, capacity)))) = fresh {
                pairs.push(ZonePairTerms {
                    from: pair.from,
                    to: pair.to,
                    loss: *loss,
                    charge: *charge,
                    capacity: *capacity,
                });
            }
        }
        Ok(Terms {
            tariffs: as_tariffs(rates),
            pairs,
            paused: told.paused,
        })
    }

    /// The own meter's zone, once it is known whose it is.
    async fn zone(&self) -> Result<Option<Zone>, ProofError> {
        let (meter, zone) = {
            let state = self.state();
            (state.meter, state.zone)
        };
        let (Some(meter), None) = (meter, zone) else {
            return Ok(zone);
        };
        let place = state::meter(&self.market.pool.address, meter)?;
        let shown = self.prover.read(&place).await?.value;
        let found: Option<Meter> = state::packed(shown, "the meter")?;
        let zone = found.map(|m| m.latest().zone);
        self.state().zone = zone;
        Ok(zone)
    }

    /// Proves terms between zones, those first that were not proven for the longest time.
    async fn prove_pairs(&self, window: Window, wanted: &[(Zone, Zone)]) -> Result<(), ProofError> {
        let mut due: Vec<(Option<Window>, (Zone, Zone))> = {
            let state = self.state();
            let since = |pair: &(Zone, Zone)| state.pairs.get(pair).map(|(window, _)| *window);
            wanted.iter().map(|pair| (since(pair), *pair)).collect()
        };
        due.retain(|(since, _)| since.is_none_or(|since| since < window));
        due.sort_unstable();
        for (_, (from, to)) in due.into_iter().take(PAIRS_PER_WINDOW) {
            let place = state::pair(&self.market.pool.address, from, to, window)?;
            let shown = self.prover.read(&place).await?.value;
            let terms = match state::in_force::<PairTerms>(&place, shown, "terms between zones") {
                Ok(terms) => Some(terms),
                Err(ProofError::Absent(_)) => None,
                Err(error) => return Err(error),
            };
            self.state().pairs.insert((from, to), (window, terms));
        }
        Ok(())
    }

    /// Checks where a node says that the own meter stands: never before what is proven.
    ///
    /// # Errors
    /// It told an older state.
    pub async fn position(&self, meter: MeterId, told: &MeterPosition) -> Result<(), LedgerError> {
        self.state().meter = Some(meter);
        let place = state::position(&self.market.pool.address, meter)
            .map_err(|e| LedgerError::Refused(e.to_string()))?;
        let proven = match self.prover.read(&place).await {
            Ok(found) => state::packed::<MeterPosition>(found.value, "the position"),
            Err(error) => Err(error),
        };
        match proven {
            Ok(proven) => {
                let proven = proven.unwrap_or_default();
                if told.sequence < proven.sequence || told.stated < proven.stated {
                    return Err(LedgerError::Unreachable(format!(
                        "a node told an older position of meter {meter} than is proven: statement {} instead of {}",
                        told.sequence, proven.sequence
                    )));
                }
                Ok(())
            }
            Err(error @ ProofError::Conflict { .. }) => {
                Err(LedgerError::Foreign(error.to_string()))
            }
            Err(error) => {
                tracing::warn!("the meter's position is not proven: {error}");
                Ok(())
            }
        }
    }
}
