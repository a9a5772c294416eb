//! The choice of a trade: the fewest sellers that cover a need, and of those the best by equation 1.

// Every index in this module comes from its own loops, or from ids that it gave out itself.
#![allow(clippy::indexing_slicing)]

use crate::cover;
use crate::exact::{self, ExactSpace};
use crate::ga::{self, GaSpace};
use crate::pool::{Best, Columns, Item, Task};
use crate::reduce::{reduce, Core, ReduceSpace};
use crate::score::{plan_score, Share};
use serde::{Deserialize, Serialize};

/// An offer as the hot path sees it; its index in the slice is its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// `g`: whole Wh that would arrive if all of the offer were taken.
    pub deliverable_wh: u64,
    /// `v` from [`crate::Scoring::value`], in `[0, 1]`.
    pub value: f64,
    /// Decides between offers that are equal in both (the smaller wins). Buyers that give equal
    /// offers different numbers do not all ask the same seller.
    pub tie: u64,
}

/// One need and what is offered for it.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// `d`, Wh.
    pub need_wh: u64,
    /// `C_s`, the weight of the trade surplus, in `[0, 1]`.
    pub surplus_weight: f64,
    /// The offers that passed the owner's limits. One with nothing to deliver, or with a value that
    /// is not a number from 0 to 1, is passed over.
    pub candidates: &'a [Candidate],
    /// At most this many sellers.
    pub max_sellers: Option<usize>,
    /// The last plan's candidates, if known: a start for the search, without influence on what is best.
    pub last_plan: &'a [usize],
}

/// How to search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The exact search, within its node budget.
    Exact,
    /// The genetic algorithm. One seller, or a need that nobody covers, is read off the offers; plans
    /// of more than 256 sellers are left to the exact search.
    Ga,
    /// Exact where that is cheaper than evolving, genetic otherwise: see [`Settings::auto_nodes`].
    #[default]
    Auto,
}

/// Budgets and the seed. The same demand and settings give the same choice on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How to search.
    pub method: Method,
    /// Seed of the genetic algorithm.
    pub seed: u64,
    /// Sets that the genetic algorithm may score; one of more than 64 sellers counts once per 64.
    pub evaluations: u64,
    /// Steps after which the exact search gives up proving (a few nanoseconds each).
    pub nodes: u64,
    /// Steps that [`Method::Auto`] leaves the exact search for three and more sellers before it evolves
    /// from what was found (one and two sellers are always exact). The default is the price of the
    /// first population and the least generations that the genetic algorithm runs (measured: 7 ns a
    /// step, 5 µs a generation): where the exact search is not cheaper than that, it is left.
    pub auto_nodes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            seed: 0,
            evaluations: 3_000,
            nodes: 50_000_000,
            auto_nodes: 2_000,
        }
    }
}

/// What found the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// The exact search.
    Exact,
    /// The genetic algorithm.
    Ga,
}

/// One seller of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Index among the candidates.
    pub index: usize,
    /// `z`: Wh that shall arrive, above zero and at most the candidate's deliverable.
    pub delivered_wh: u64,
}

/// The chosen plan; it borrows the workspace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'w> {
    /// `a`: the plan delivers the whole need. Otherwise it delivers the most that can be had.
    pub covered: bool,
    /// `f` (SRS equation 1), in `[0, 1]`; 0 where the need is not covered.
    pub score: f64,
    /// True where no plan with as few sellers scores more (by more than 1e-12).
    pub optimal: bool,
    /// What found it.
    pub found_by: FoundBy,
    /// Sets of sellers that were scored.
    pub evaluations: u64,
    /// Who delivers what, by rising index.
    pub plan: &'w [Pick],
}

/// Scratch memory of [`choose`]. Reuse it: a call then allocates only where a problem is larger than
/// all before. It carries nothing from one call to the next.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    sizes: Vec<u64>,
    items: Columns,
    core: Core,
    reduce: ReduceSpace,
    exact: ExactSpace,
    ga: GaSpace,
    best: Best,
    alike: Vec<(Item, u64)>,
    plan: Vec<Pick>,
}

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Chooses the trade for one need: (1) cover it, and if all offers together cannot, take all of them;
/// (2) with the fewest sellers; (3) with the largest `f`. With `max_sellers` below the fewest, the
/// need counts as not covered and the largest offers are taken. A need of zero gives an empty plan.
pub fn choose<'w>(
    demand: &Demand<'_>,
    settings: &Settings,
    workspace: &'w mut Workspace,
) -> Choice<'w> {
    let ws = workspace;
    ws.best.clear();
    ws.plan.clear();
    ws.sizes.clear();
    ws.sizes.extend(
        demand
            .candidates
            .iter()
            .filter(usable)
            .map(|c| c.deliverable_wh),
    );
    let mut choice = Choice {
        covered: true,
        score: 0.0,
        optimal: true,
        found_by: FoundBy::Exact,
        evaluations: 0,
        plan: &[],
    };
    if demand.need_wh == 0 {
        return choice;
    }
    let most = demand.max_sellers.unwrap_or(usize::MAX);
    let cover = cover::smallest(&mut ws.sizes, demand.need_wh).filter(|c| c.sellers <= most);
    let Some(cover) = cover else {
        take_most(demand, most, ws);
        choice.covered = false;
        choice.plan = &ws.plan;
        return choice;
    };
    let task = Task {
        need: demand.need_wh,
        scale: 1.0 / demand.need_wh as f64,
        surplus_weight: demand.surplus_weight,
        k: cover.sellers,
    };
    if task.k == 1 {
        scan(&task, demand, ws);
    } else {
        gather(
            &task,
            demand,
            demand.need_wh.saturating_sub(cover.without_last),
            ws,
        );
        offer_last_plan(&task, demand, ws);
        reduce(
            &task,
            &mut ws.items,
            &mut ws.reduce,
            &mut ws.core,
            &mut ws.best,
        );
        (choice.optimal, choice.found_by) = search(&task, settings, ws);
        prefer_ties(demand, ws);
    }
    choice.evaluations = ws.best.evaluations;
    allot(&task, ws);
    choice.score = plan_score(
        task.need,
        task.surplus_weight,
        ws.plan.iter().map(|pick| Share {
            deliverable_wh: demand.candidates[pick.index].deliverable_wh,
            delivered_wh: pick.delivered_wh,
            value: demand.candidates[pick.index].value,
        }),
    );
    choice.plan = &ws.plan;
    choice
}

fn usable(candidate: &&Candidate) -> bool {
    candidate.deliverable_wh > 0 && (0.0..=1.0).contains(&candidate.value)
}

/// Plans of more sellers than this are not evolved: crossing and repairing such sets costs more than
/// the exact search, which mostly proves them at once.
const EVOLVED_SELLERS: usize = 256;

/// Steps per seller, and in all, that the exact search gets instead.
const NODES_PER_SELLER: u64 = 1_000;
const NODES_INSTEAD: u64 = 2_000_000;

/// Runs the method over the reduced problem: (proven best, what found it).
fn search(task: &Task, settings: &Settings, ws: &mut Workspace) -> (bool, FoundBy) {
    let evolve = task.k <= EVOLVED_SELLERS;
    let nodes = match settings.method {
        Method::Auto | Method::Ga if !evolve => {
            NODES_INSTEAD.min(NODES_PER_SELLER.saturating_mul(task.k as u64))
        }
        Method::Exact => settings.nodes,
        Method::Auto if task.k == 2 => settings.nodes,
        Method::Auto => settings.auto_nodes,
        Method::Ga => 0,
    };
    if nodes > 0 {
        let proven = exact::search(task, &ws.core, nodes, &mut ws.exact, &mut ws.best);
        if proven || !evolve || settings.method == Method::Exact {
            return (proven, FoundBy::Exact);
        }
    }
    ga::evolve(
        task,
        &ws.core,
        settings.evaluations,
        settings.seed,
        &mut ws.ga,
        &mut ws.best,
    );
    let proven = ws.core.proven || !ws.best.beaten_by(ws.core.bound(task));
    (proven, FoundBy::Ga)
}

/// One seller is enough: the largest `C_s·d/g + v`.
fn scan(task: &Task, demand: &Demand<'_>, ws: &mut Workspace) {
    let mut best: Option<(f64, u64, Item)> = None;
    for (id, candidate) in (0u32..).zip(demand.candidates) {
        if candidate.deliverable_wh < task.need || !usable(&candidate) {
            continue;
        }
        let item = item(task, candidate, id);
        let score = task.surplus_weight / item.x + item.v;
        ws.best.evaluations = ws.best.evaluations.saturating_add(1);
        if best.is_none_or(|(top, tie, _)| score > top || (score == top && candidate.tie < tie)) {
            best = Some((score, candidate.tie, item));
        }
    }
    ws.best.items.extend(best.map(|(_, _, item)| item));
}

fn item(task: &Task, candidate: &Candidate, id: u32) -> Item {
    let g = candidate.deliverable_wh;
    Item {
        g,
        x: g as f64 * task.scale,
        v: candidate.value,
        c: 0.0,
        id,
    }
}

/// Collects the offers of at least `least` Wh: with a smaller one, `K*` sellers cannot cover.
fn gather(task: &Task, demand: &Demand<'_>, least: u64, ws: &mut Workspace) {
    ws.items.clear();
    for (id, candidate) in (0u32..).zip(demand.candidates) {
        let g = candidate.deliverable_wh;
        if g >= least && usable(&candidate) {
            ws.items.push(g, g as f64 * task.scale, candidate.value, id);
        }
    }
}

/// The last plan is a first incumbent if it still has the right number of sellers and covers.
fn offer_last_plan(task: &Task, demand: &Demand<'_>, ws: &mut Workspace) {
    if demand.last_plan.len() != task.k {
        return;
    }
    ws.alike.clear();
    for index in demand.last_plan {
        let Some(candidate) = demand.candidates.get(*index).filter(usable) else {
            return;
        };
        let Ok(id) = u32::try_from(*index) else {
            return;
        };
        if ws.alike.iter().any(|(member, _)| member.id == id) {
            return;
        }
        ws.alike.push((item(task, candidate, id), candidate.tie));
    }
    ws.best.offer(task, ws.alike.iter().map(|(item, _)| item));
}

/// Among offers that are alike, the ones with the smallest tie numbers are taken.
fn prefer_ties(demand: &Demand<'_>, ws: &mut Workspace) {
    let picked = &mut ws.best.items;
    picked.sort_unstable_by(|a, b| a.g.cmp(&b.g).then(a.v.total_cmp(&b.v)));
    ws.alike.clear();
    let (Some(least), Some(most)) = (picked.first().map(|i| i.g), picked.last().map(|i| i.g))
    else {
        return;
    };
    for (id, candidate) in (0u32..).zip(demand.candidates) {
        let g = candidate.deliverable_wh;
        if g < least || g > most {
            continue;
        }
        let at = picked.partition_point(|i| i.g < g || (i.g == g && i.v < candidate.value));
        if let Some(like) = picked
            .get(at)
            .filter(|i| i.g == g && i.v == candidate.value)
        {
            ws.alike.push((Item { id, ..*like }, candidate.tie));
        }
    }
    if ws.alike.len() == picked.len() {
        return;
    }
    ws.alike.sort_unstable_by(|(a, tie_a), (b, tie_b)| {
        a.g.cmp(&b.g)
            .then(a.v.total_cmp(&b.v))
            .then(tie_a.cmp(tie_b))
            .then(a.id.cmp(&b.id))
    });
    let mut likes = ws.alike.iter().map(|(item, _)| *item);
    for pick in picked.iter_mut() {
        // Both run through the same classes in the same order.
        if let Some(like) = likes.find(|item| item.alike(pick)) {
            *pick = like;
        }
    }
}

/// The split of a covering set: all in full, but the one of least value takes the rest.
fn allot(task: &Task, ws: &mut Workspace) {
    let picked = &ws.best.items;
    let total = picked
        .iter()
        .fold(0u64, |sum, item| sum.saturating_add(item.g));
    let surplus = total.saturating_sub(task.need);
    let last = picked
        .iter()
        .min_by(|a, b| {
            a.v.total_cmp(&b.v)
                .then(b.g.cmp(&a.g))
                .then(b.id.cmp(&a.id))
        })
        .map(|item| item.id);
    ws.plan.extend(picked.iter().map(|item| Pick {
        index: item.id as usize,
        delivered_wh: if Some(item.id) == last {
            item.g.saturating_sub(surplus)
        } else {
            item.g
        },
    }));
    ws.plan.sort_unstable_by_key(|pick| pick.index);
}

/// Nobody can cover: everything on offer, or the `most` largest.
fn take_most(demand: &Demand<'_>, most: usize, ws: &mut Workspace) {
    let all = &demand.candidates;
    ws.plan.extend(
        all.iter()
            .enumerate()
            .filter(|(_, c)| usable(c))
            .map(|(index, c)| Pick {
                index,
                delivered_wh: c.deliverable_wh,
            }),
    );
    if most < ws.plan.len() {
        ws.plan.sort_unstable_by(|a, b| {
            let (x, y) = (&all[a.index], &all[b.index]);
            b.delivered_wh
                .cmp(&a.delivered_wh)
                .then(y.value.total_cmp(&x.value))
                .then(x.tie.cmp(&y.tie))
                .then(a.index.cmp(&b.index))
        });
        ws.plan.truncate(most);
        ws.plan.sort_unstable_by_key(|pick| pick.index);
    }
}
