//! Answers to questions.

use crate::position::{cover_left, covered, unsold};
use crate::state::{self, Meter, Settings};
use crate::{books, MAX_OTHERS};
use cosmwasm_std::{to_json_binary, Addr, Binary, Deps, Env};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{
    FeedInResponse, GridState, MeterResponse, MetersResponse, OtherMeter, PoolConfig, PriceSignal,
    QueryMsg, ReserveResponse, TermsResponse, TradingMeter, ZonePairsResponse,
};
use wattpool_schema::{MeterId, Price, Window, Zone, WH_PER_KWH};

/// Entries of a page unless told otherwise, and at most.
const PAGE: u32 = 30;
const MAX_PAGE: u32 = 100;

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
        QueryMsg::ZonePairs { window } => to_json_binary(&ZonePairsResponse {
            pairs: state::pairs(deps.storage, window)?,
        }),
        QueryMsg::Terms {
            seller,
            buyer,
            others,
        } => to_json_binary(&ask.terms(seller, buyer, &others)?),
        QueryMsg::GridState {} => to_json_binary(&ask.grid_state()?),
        QueryMsg::Window { window } => to_json_binary(&books::of_window(
            deps.storage,
            &env.block,
            &ask.settings,
            window,
        )?),
        QueryMsg::PriceSignal {} => to_json_binary(&ask.price_signal()?),
        QueryMsg::FeedIn { owner } => to_json_binary(&ask.feed_in(&owner)?),
        QueryMsg::Reserve {} => to_json_binary(&ask.reserve()?),
    };
    Ok(json?)
}

fn page(limit: Option<u32>) -> usize {
    usize::try_from(limit.unwrap_or(PAGE).min(MAX_PAGE)).unwrap_or(0)
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
            paused: settings.paused,
            confirmed_through: payments.confirmed_through,
        })
    }

    fn meter(&self, id: MeterId) -> Result<MeterResponse, MarketError> {
        self.respond(id, state::meter(self.deps.storage, id)?)
    }

    fn respond(&self, id: MeterId, meter: Meter) -> Result<MeterResponse, MarketError> {
        Ok(MeterResponse {
            meter: id,
            owner: meter.owner.into_string(),
            proposed_owner: meter.proposed_owner.map(Addr::into_string),
            agent: meter.agent,
            agent_address: meter.agent_address.map(Addr::into_string),
            device: meter.device,
            zone: meter.zone,
            kind: meter.kind,
            max_export: meter.max_export,
            max_import: meter.max_import,
            retired: meter.retired,
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

    fn terms(
        &self,
        seller: MeterId,
        buyer: MeterId,
        others: &[MeterId],
    ) -> Result<TermsResponse, MarketError> {
        if others.len() > MAX_OTHERS {
            return Err(MarketError::BadInput {
                field: "others".into(),
                expected: format!("at most {MAX_OTHERS} meters"),
            });
        }
        let storage = self.deps.storage;
        let live = books::view(storage, &self.env.block, &self.settings)?;
        let window = live.window;
        let (seller_zone, seller) = self.trading(seller, window)?;
        let (buyer_zone, buyer) = self.trading(buyer, window)?;
        let pair = state::pair(storage, seller_zone, buyer_zone, window)?;
        let capacity_left = match pair.and_then(|p| p.capacity) {
            Some(capacity) => {
                let carried = state::carried(storage, seller_zone, buyer_zone, window)?;
                Some(capacity.saturating_sub(carried))
            }
            None => None,
        };
        let others = others
            .iter()
            .map(|id| {
                let position = state::position(storage, *id)?;
                Ok(OtherMeter {
                    unsold: unsold(&position, window),
                    cover_left: cover_left(&position, window),
                })
            })
            .collect::<Result<_, MarketError>>()?;
        Ok(TermsResponse {
            window,
            paused: self.settings.paused,
            halted: live.books.halted,
            seller,
            buyer,
            pair,
            capacity_left,
            others,
        })
    }

    fn trading(&self, id: MeterId, window: Window) -> Result<(Zone, TradingMeter), MarketError> {
        let meter = state::meter(self.deps.storage, id)?;
        let position = state::position(self.deps.storage, id)?;
        let trading = TradingMeter {
            owner: meter.owner.into_string(),
            agent: meter.agent,
            agent_address: meter.agent_address.map(Addr::into_string),
            retired: meter.retired,
            unsold: unsold(&position, window),
            uncovered_left: cover_left(&position, window),
            covered: covered(&position, window),
        };
        Ok((meter.zone, trading))
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

    fn feed_in(&self, owner: &str) -> Result<FeedInResponse, MarketError> {
        let owner = self.deps.api.addr_validate(owner)?;
        let account = state::feed_in(self.deps.storage, &owner)?;
        Ok(FeedInResponse {
            owed: account.owed,
            paid: account.paid,
            claimed_through: account.claimed_through,
            late: state::late(self.deps.storage, &owner, Window::MAX, page(None))?,
        })
    }

    fn reserve(&self) -> Result<ReserveResponse, MarketError> {
        let reserve = state::reserve(self.deps.storage)?;
        let live = books::view(self.deps.storage, &self.env.block, &self.settings)?;
        Ok(ReserveResponse {
            reserve: reserve.reserve,
            owed: reserve.owed,
            paid: reserve.paid,
            funded: reserve.funded,
            as_of: live.since,
        })
    }
}
