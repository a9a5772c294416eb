//! Answers to questions.

use crate::books;
use crate::execute::{owed, Holds};
use crate::position::{cover_left, covered, minted, unsold};
use crate::state::{self, History, Meter, Settings};
use cosmwasm_std::{to_json_binary, Addr, Binary, Deps, Env};
use wattpool_contract_common::page::entries as page;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{
    FeedInResponse, GridState, HoldResponse, HoldsResponse, MeterResponse, MetersResponse,
    PoolConfig, PriceSignal, QueryMsg, ReserveResponse, TermsResponse, TradingMeter,
    ZonePairsResponse,
};
use wattpool_schema::{MeterId, Price, Seconds, Window, WH_PER_KWH};

/// Answers a question.
pub fn answer(deps: Deps, env: &Env, msg: QueryMsg) -> Result<Binary, MarketError> {
    let ask = Ask {
        deps,
        env,
        settings: state::settings(deps.storage)?,
    };
    let json = match msg {
        QueryMsg::Config {} => to_json_binary(&ask.config()?),
        QueryMsg::Meter { meter } => to_json_binary(&ask.meter(meter)?),
        QueryMsg::Meters { start_after, limit } => to_json_binary(&ask.meters(start_after, limit)?),
        QueryMsg::MetersOf {
            owner,
            start_after,
            limit,
        } => to_json_binary(&ask.meters_of(&owner, start_after, limit)?),
        QueryMsg::Tariffs { window } => to_json_binary(&state::tariffs(deps.storage, window)?),
        QueryMsg::ZonePair { from, to, window } => {
            to_json_binary(&state::pair(deps.storage, from, to, window)?)
        }
        QueryMsg::ZonePairs {
            window,
            start_after,
            limit,
        } => to_json_binary(&ZonePairsResponse {
            pairs: state::pairs(deps.storage, window, start_after, page(limit))?,
        }),
        QueryMsg::Terms { seller, buyer } => to_json_binary(&ask.terms(seller, buyer)?),
        QueryMsg::GridState {} => to_json_binary(&ask.grid_state()?),
        QueryMsg::Window { window } => to_json_binary(&books::of_window(
            deps.storage,
            &env.block,
            &ask.settings,
            window,
        )?),
        QueryMsg::PriceSignal {} => to_json_binary(&ask.price_signal()?),
        QueryMsg::FeedIn {
            owner,
            start_after,
            limit,
        } => to_json_binary(&ask.feed_in(&owner, start_after, limit)?),
        QueryMsg::Reserve {} => to_json_binary(&ask.reserve()?),
        QueryMsg::Holds {
            owner,
            start_after,
            limit,
        } => to_json_binary(&ask.holds(owner, start_after, limit)?),
    };
    Ok(json?)
}

/// One question's surroundings.
struct Ask<'a> {
    deps: Deps<'a>,
    env: &'a Env,
    settings: Settings,
}

impl Ask<'_> {
    fn config(&self) -> Result<PoolConfig, MarketError> {
        let roles = state::roles(self.deps.storage)?;
        let payments = state::payments(self.deps.storage)?;
        let settings = &self.settings;
        Ok(PoolConfig {
            admin: roles.admin.into_string(),
            proposed_admin: roles.proposed_admin.map(Addr::into_string),
            registrar: roles.registrar.into_string(),
            grid_operator: roles.grid_operator.into_string(),
            regulator: roles.regulator.into_string(),
            token: settings.token.to_string(),
            escrow: settings.escrow.as_ref().map(ToString::to_string),
            denom: payments.denom,
            window_seconds: settings.window_seconds,
            credit_delay_days: payments.credit_delay_days,
            halt_seconds: settings.halt_seconds,
            block_seconds: settings.block_seconds,
            first_part_seconds: payments.first_part_seconds,
            notice_days: payments.notice_days,
            paused: settings.paused,
            confirmed_through: payments.confirmed_through,
        })
    }

    fn meter(&self, id: MeterId) -> Result<MeterResponse, MarketError> {
        self.respond(id, state::meter(self.deps.storage, id)?)
    }

    fn respond(&self, id: MeterId, meter: Meter) -> Result<MeterResponse, MarketError> {
        let terms = meter.latest().clone();
        Ok(MeterResponse {
            meter: id,
            owner: terms.owner.into_string(),
            proposed_owner: meter.proposed_owner.map(Addr::into_string),
            notice: meter.notice,
            tenure: terms.tenure,
            household: meter.household,
            agent: meter.agent,
            agent_address: meter.agent_address.map(Addr::into_string),
            device: meter.device,
            zone: terms.zone,
            kind: meter.kind,
            max_export: terms.max_export,
            max_import: terms.max_import,
            retired: meter.retired.is_some(),
            position: state::position(self.deps.storage, id)?,
        })
    }

    fn meters(
        &self,
        start_after: Option<MeterId>,
        limit: Option<u32>,
    ) -> Result<MetersResponse, MarketError> {
        let list = state::meters(self.deps.storage, start_after, page(limit))?;
        let meters = list
            .into_iter()
            .map(|(id, meter)| self.respond(id, meter))
            .collect::<Result<_, _>>()?;
        Ok(MetersResponse { meters })
    }

    fn meters_of(
        &self,
        owner: &str,
        start_after: Option<MeterId>,
        limit: Option<u32>,
    ) -> Result<MetersResponse, MarketError> {
        let owner = self.deps.api.addr_validate(owner)?;
        let ids = state::owned(self.deps.storage, &owner, start_after, page(limit))?;
        let meters = ids
            .into_iter()
            .map(|id| self.meter(id))
            .collect::<Result<_, _>>()?;
        Ok(MetersResponse { meters })
    }

    fn terms(&self, seller: MeterId, buyer: MeterId) -> Result<TermsResponse, MarketError> {
        let storage = self.deps.storage;
        let live = books::view(storage, &self.env.block, &self.settings)?;
        let window = live.window;
        let seller = self.trading(seller, window)?;
        let buyer = self.trading(buyer, window)?;
        let pair = state::pair(storage, seller.zone, buyer.zone, window)?;
        let capacity_left = match pair.and_then(|p| p.capacity) {
            Some(capacity) => {
                let carried = state::carried(storage, seller.zone, buyer.zone, window)?;
                Some(capacity.saturating_sub(carried))
            }
            None => None,
        };
        Ok(TermsResponse {
            window,
            paused: self.settings.paused,
            halted: live.books.halted,
            tariffs: state::tariffs(storage, window)?,
            seller,
            buyer,
            pair,
            capacity_left,
        })
    }

    fn trading(&self, id: MeterId, window: Window) -> Result<TradingMeter, MarketError> {
        let storage = self.deps.storage;
        let meter = state::meter(storage, id)?;
        let terms = meter.terms_of(storage, id, window)?;
        let position = state::position(storage, id)?;
        let named = meter.agent_tenure == terms.tenure;
        Ok(TradingMeter {
            owner: terms.owner.into_string(),
            agent: meter.agent.filter(|_| named),
            agent_address: meter.agent_address.filter(|_| named).map(Addr::into_string),
            retired: meter.retired.is_some(),
            tenure: terms.tenure,
            zone: terms.zone,
            max_import: terms.max_import,
            household: meter.household,
            minted: minted(&position, window),
            unsold: unsold(&position, window),
            uncovered_left: cover_left(&position, window),
            covered: covered(&position, window),
        })
    }

    fn grid_state(&self) -> Result<GridState, MarketError> {
        let live = books::view(self.deps.storage, &self.env.block, &self.settings)?;
        Ok(GridState {
            window: live.window,
            books: live.books,
            tariffs: state::tariffs(self.deps.storage, live.window)?,
            paused: self.settings.paused,
            meters: state::in_service(self.deps.storage)?,
        })
    }

    fn price_signal(&self) -> Result<PriceSignal, MarketError> {
        let block = &self.env.block;
        let window = self.settings.live(block).prev();
        let closed = books::of_window(self.deps.storage, block, &self.settings, window)?;
        let mean = u128::from(closed.paid.0)
            .saturating_mul(u128::from(WH_PER_KWH))
            .checked_div(u128::from(closed.redeemed.0));
        Ok(PriceSignal {
            window,
            supply: closed.minted,
            demand: closed.covered,
            mean_price: mean.map(|m| Price(u64::try_from(m).unwrap_or(u64::MAX))),
        })
    }

    fn feed_in(
        &self,
        owner: &str,
        start_after: Option<Window>,
        limit: Option<u32>,
    ) -> Result<FeedInResponse, MarketError> {
        let owner = self.deps.api.addr_validate(owner)?;
        let account = state::feed_in(self.deps.storage, &owner)?;
        let now = Seconds(self.env.block.time.seconds());
        let holds = Holds::read(self.deps.storage, now, &owner)?;
        Ok(FeedInResponse {
            owed: owed(&account, &holds)?,
            held: holds.held()?,
            paid: account.paid,
            claimed_through: account.claimed_through,
            late: state::late(
                self.deps.storage,
                &owner,
                start_after,
                Window::MAX,
                page(limit),
            )?,
        })
    }

    fn holds(
        &self,
        owner: Option<String>,
        start_after: Option<(String, Window)>,
        limit: Option<u32>,
    ) -> Result<HoldsResponse, MarketError> {
        let (api, storage) = (self.deps.api, self.deps.storage);
        let after = match &start_after {
            Some((owner, from)) => Some((api.addr_validate(owner)?, *from)),
            None => None,
        };
        let list = match owner {
            Some(owner) => {
                let owner = api.addr_validate(&owner)?;
                let from = after.map(|(_, from)| from);
                state::holds(storage, &owner, from, page(limit))?
                    .into_iter()
                    .map(|(from, hold)| (owner.clone(), from, hold))
                    .collect()
            }
            None => {
                let after = after.as_ref().map(|(owner, from)| (owner, *from));
                state::all_holds(storage, after, page(limit))?
            }
        };
        let holds = list.into_iter().map(|(owner, from, hold)| HoldResponse {
            owner: owner.into_string(),
            from,
            through: hold.through,
            reason: hold.reason,
            set_at: hold.set_at,
            until: hold.until,
            set_aside: hold.aside,
        });
        Ok(HoldsResponse {
            holds: holds.collect(),
        })
    }

    fn reserve(&self) -> Result<ReserveResponse, MarketError> {
        let reserve = state::reserve(self.deps.storage)?;
        let live = books::view(self.deps.storage, &self.env.block, &self.settings)?;
        Ok(ReserveResponse {
            reserve: reserve.funded.saturating_sub(reserve.paid),
            owed: books::accrued(self.deps.storage, &self.env.block, &self.settings)?
                .saturating_sub(state::disputes(self.deps.storage)?.struck)
                .saturating_sub(reserve.paid),
            paid: reserve.paid,
            funded: reserve.funded,
            as_of: live.since,
        })
    }
}
