//! A neighbourhood of nodes over some windows.

use crate::hostile::{Hostile, VICES};
use crate::members::{all_offers, limits, Member, Register};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wattpool_chance::Chance;
use wattpool_core::ports::network::{RecordCheck, Verdict};
use wattpool_discovery_libp2p::Figures;
use wattpool_discovery_libp2p::Mesh;
use wattpool_schema::peer::SignedRecord;
use wattpool_schema::{MeterId, Seconds};

/// A window of a trial, chain seconds.
const WINDOW_S: u64 = 900;
/// How long nodes may take to know each other.
const SETTLING: Duration = Duration::from_secs(60);
/// Operations at once: on one machine more of them would measure its processors and not the network.
const AT_ONCE: usize = 8;

/// What a trial is to be.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Nodes that are up, hostile ones among them. At least 4.
    pub nodes: u32,
    /// Hostile ones, percent.
    pub hostile_percent: u32,
    /// Honest nodes that leave before each window, and as many that join, percent.
    pub churn_percent: u32,
    /// Windows.
    pub windows: u32,
    /// Meters that look for offers in each window.
    pub seekers: u32,
    /// Deadline of a look-up, milliseconds.
    pub within_ms: u64,
    /// Who leaves and joins follows from it.
    pub seed: u64,
}

/// A distribution, of which three values are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Median.
    pub p50: u64,
    /// 95 of 100 are at most this.
    pub p95: u64,
    /// Largest.
    pub max: u64,
}

impl Percentiles {
    /// Of some values.
    pub fn of(values: &mut [u64]) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let rank = values.len().saturating_mul(percent).div_ceil(100);
            let value = values.get(rank.saturating_sub(1));
            value.copied().unwrap_or(0)
        };
        Self {
            p50: at(50),
            p95: at(95),
            max: at(100),
        }
    }
}

/// What one window came to.
#[derive(Clone, Debug, Default)]
pub struct WindowOutcome {
    /// Honest offers that were out.
    pub offers: u64,
    /// Offers that the seekers should have found together: offers × seekers.
    pub wanted: u64,
    /// Of these found.
    pub found: u64,
    /// Records returned to seekers that no honest meter of this window signed.
    pub forged: u64,
    /// Nodes that left and joined before it.
    pub left: u64,
    /// Nodes that joined.
    pub joined: u64,
}

/// What a trial came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its windows.
    pub windows: Vec<WindowOutcome>,
    /// Bans of honest nodes by honest nodes at the end.
    pub wrongly_banned: u64,
    /// Time of a look-up, milliseconds.
    pub get_ms: Percentiles,
    /// Requests of a look-up, searches included.
    pub get_requests: Percentiles,
    /// Locations in a look-up.
    pub locations: u64,
    /// Time of an announcement, milliseconds.
    pub put_ms: Percentiles,
    /// Requests of an announcement, searches included.
    pub put_requests: Percentiles,
    /// Nodes that said that they stored an announcement.
    pub put_stored: Percentiles,
    /// What all honest nodes counted together, those that left too.
    pub figures: Figures,
}

impl Outcome {
    /// Share of the wanted offers that was found, per mille, rounded down.
    pub fn found_permille(&self) -> u64 {
        let sum = |f: fn(&WindowOutcome) -> u64| self.windows.iter().map(f).sum::<u64>();
        sum(|w| w.found)
            .saturating_mul(1_000)
            .checked_div(sum(|w| w.wanted))
            .unwrap_or(0)
    }

    /// Forged records returned.
    pub fn forged(&self) -> u64 {
        self.windows.iter().map(|w| w.forged).sum()
    }
}

/// Takes so many of a list, or all.
fn take<T>(chance: &mut Chance, from: &mut Vec<T>, n: usize) -> Vec<T> {
    let mut taken = Vec::new();
    while taken.len() < n && !from.is_empty() {
        taken.push(from.swap_remove(chance.index(from.len())));
    }
    taken
}

/// A member and its node.
struct Home {
    member: Member,
    mesh: Mesh,
}

struct Cluster {
    course: Scenario,
    chance: Chance,
    register: Arc<Register>,
    meters: usize,
    up: Vec<Home>,
    down: Vec<Member>,
    hostile: Vec<Hostile>,
    samples: Samples,
    gone: Vec<Figures>,
}

#[derive(Default)]
struct Samples {
    get_ms: Vec<u64>,
    get_requests: Vec<u64>,
    put_ms: Vec<u64>,
    put_requests: Vec<u64>,
    put_stored: Vec<u64>,
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn percent(n: usize, percent: u32) -> usize {
    n.saturating_mul(usize::try_from(percent).unwrap_or(0))
        .div_ceil(100)
}

/// Runs a trial; `progress` is told what it is at.
///
/// # Errors
/// A node cannot be started, or the nodes do not come to know each other.
pub async fn run(course: Scenario, progress: &mut dyn FnMut(&str)) -> Result<Outcome, String> {
    let mut cluster = Cluster::build(course).await?;
    progress(&format!("{} nodes are up", course.nodes));
    let mut windows = Vec::new();
    for window in 1..=course.windows {
        let (left, joined) = if window > 1 {
            cluster.churn().await?
        } else {
            (0, 0)
        };
        let mut outcome = cluster.window(window).await;
        (outcome.left, outcome.joined) = (left, joined);
        progress(&format!(
            "window {window}: {} of {} found, {} forged",
            outcome.found, outcome.wanted, outcome.forged
        ));
        windows.push(outcome);
    }
    Ok(cluster.close(windows).await)
}

impl Cluster {
    async fn build(course: Scenario) -> Result<Self, String> {
        let nodes = usize::try_from(course.nodes).unwrap_or(0).max(4);
        let hostile = percent(nodes, course.hostile_percent).min(nodes.saturating_sub(2));
        let honest = nodes.saturating_sub(hostile);
        let spare = percent(honest, course.churn_percent);
        let meters = nodes.saturating_add(spare);
        let members: Vec<Member> = (0..u32::try_from(meters).unwrap_or(u32::MAX))
            .map(Member::new)
            .collect::<Result<_, _>>()?;
        let register = Register::new(&members, Seconds(1_000_000));
        let (first, rest) = members.split_at(honest);
        let (bad, spare) = rest.split_at(hostile);
        let mut cluster = Self {
            course,
            chance: Chance::new(course.seed),
            register,
            meters,
            up: Vec::new(),
            down: spare.to_vec(),
            hostile: Vec::new(),
            samples: Samples::default(),
            gone: Vec::new(),
        };
        for member in first {
            cluster.join(member.clone()).await?;
        }
        let (bootstrap, places) = (cluster.bootstrap().await, all_offers(meters));
        for (vice, member) in VICES.iter().cycle().zip(bad) {
            cluster.hostile.push(Hostile::start(
                *vice,
                member,
                &cluster.register,
                bootstrap.clone(),
                places.clone(),
            )?);
        }
        cluster.settle().await?;
        Ok(cluster)
    }

    /// Addresses of two nodes that are up, as a newcomer's configuration would name them.
    async fn bootstrap(&self) -> Vec<String> {
        let addresses = self.up.iter().take(2).map(|home| home.mesh.addresses());
        join_all(addresses).await.concat()
    }

    async fn join(&mut self, member: Member) -> Result<(), String> {
        let config = member.config(self.bootstrap().await, limits());
        let check = Arc::clone(&self.register);
        let mesh = Mesh::start(&config, check, self.register.clock()).map_err(|e| e.to_string())?;
        let started = Instant::now();
        while mesh.addresses().await.is_empty() {
            if started.elapsed() > SETTLING {
                return Err("a node does not listen".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.up.push(Home { member, mesh });
        Ok(())
    }

    /// Waits until every node knows others.
    async fn settle(&self) -> Result<(), String> {
        let enough = wide(self.up.len().saturating_sub(1)).min(8);
        let started = Instant::now();
        loop {
            let known = self.up.iter().map(|home| home.mesh.figures().known);
            let known = known.chain(self.hostile.iter().map(Hostile::known));
            if known.min().unwrap_or(0) >= enough {
                return Ok(());
            }
            if started.elapsed() > SETTLING {
                return Err("nodes do not come to know each other".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Some leave without a word, as many join.
    async fn churn(&mut self) -> Result<(u64, u64), String> {
        let n = percent(self.up.len(), self.course.churn_percent).min(self.down.len());
        let joining = take(&mut self.chance, &mut self.down, n);
        let leaving = take(&mut self.chance, &mut self.up, n);
        let (left, joined) = (wide(leaving.len()), wide(joining.len()));
        for home in leaving {
            self.gone.push(home.mesh.figures());
            self.down.push(home.member);
        }
        for member in joining {
            self.join(member).await?;
        }
        self.settle().await?;
        Ok((left, joined))
    }

    async fn window(&mut self, number: u32) -> WindowOutcome {
        // One second more: what ends with the last window has ended.
        self.register.pass(WINDOW_S.saturating_add(1));
        let end = Seconds(self.register.now().0.saturating_add(WINDOW_S));
        let meters = self.meters;
        let sequence = self.register.now().0.saturating_mul(1_000);
        // Everybody offers; what differs is how much.
        let puts = self.up.iter().zip(1u64..).map(|(home, i)| async move {
            let wh = 20u64 << (i.wrapping_add(u64::from(number)) & 7);
            let signed = home.member.signed_offer(wh, sequence, end, meters);
            let started = Instant::now();
            let put = home.mesh.put(signed.at, Arc::clone(&signed.record)).await;
            (signed.record, put, started.elapsed())
        });
        let puts: Vec<_> = stream::iter(puts).buffer_unordered(AT_ONCE).collect().await;
        let mut genuine: HashMap<MeterId, Arc<SignedRecord>> = HashMap::new();
        for (record, put, took) in puts {
            self.samples.put_ms.push(ms(took));
            self.samples.put_requests.push(put.requests);
            self.samples.put_stored.push(u64::from(put.stored));
            genuine.insert(record.meter(), record);
        }
        let places = all_offers(meters);
        let within = Duration::from_millis(self.course.within_ms);
        let seekers = usize::try_from(self.course.seekers).unwrap_or(0);
        let mut order: Vec<usize> = (0..self.up.len()).collect();
        let order = take(&mut self.chance, &mut order, seekers);
        let gets = order.iter().filter_map(|i| self.up.get(*i)).map(|home| {
            let places = &places;
            async move {
                let started = Instant::now();
                let mut got = Vec::new();
                for part in places.chunks(wattpool_discovery_libp2p::wire::MAX_LOCATIONS) {
                    got.push(home.mesh.get(part, within).await);
                }
                (got, started.elapsed())
            }
        });
        let gets: Vec<_> = stream::iter(gets).buffer_unordered(AT_ONCE).collect().await;
        let mut outcome = WindowOutcome {
            offers: wide(genuine.len()),
            ..WindowOutcome::default()
        };
        for (got, took) in gets {
            self.samples.get_ms.push(ms(took));
            self.samples
                .get_requests
                .push(got.iter().map(|g| g.requests).sum());
            outcome.wanted = outcome.wanted.saturating_add(outcome.offers);
            let mut found = HashSet::new();
            for record in got.iter().flat_map(|g| &g.records) {
                if genuine.get(&record.meter()).is_some_and(|g| g == record) {
                    found.insert(record.meter());
                } else if self.is_forged(record) {
                    outcome.forged = outcome.forged.saturating_add(1);
                }
            }
            outcome.found = outcome.found.saturating_add(wide(found.len()));
        }
        outcome
    }

    /// A hostile meter's own valid offer is no forgery: everything else that was not announced in this window is.
    fn is_forged(&self, record: &SignedRecord) -> bool {
        let own = self.hostile.iter().any(|h| h.meter == record.meter());
        let valid = self.register.check(record) == Verdict::Holds;
        !own || !valid || record.expires_at() < self.register.now()
    }

    /// How often an honest node has banned another honest one.
    async fn wrongly_banned(&self) -> u64 {
        let honest: HashSet<Vec<u8>> = self.up.iter().map(|home| home.mesh.peer_id()).collect();
        let banned = join_all(self.up.iter().map(|home| home.mesh.banned())).await;
        wide(
            banned
                .concat()
                .iter()
                .filter(|peer| honest.contains(*peer))
                .count(),
        )
    }

    async fn close(mut self, windows: Vec<WindowOutcome>) -> Outcome {
        let wrongly_banned = self.wrongly_banned().await;
        self.hostile.clear();
        let figures = self.up.iter().map(|home| home.mesh.figures());
        let figures = figures
            .chain(self.gone)
            .fold(Figures::default(), Figures::plus);
        let mut s = self.samples;
        Outcome {
            windows,
            wrongly_banned,
            get_ms: Percentiles::of(&mut s.get_ms),
            get_requests: Percentiles::of(&mut s.get_requests),
            locations: wide(all_offers(self.meters).len()),
            put_ms: Percentiles::of(&mut s.put_ms),
            put_requests: Percentiles::of(&mut s.put_requests),
            put_stored: Percentiles::of(&mut s.put_stored),
            figures,
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
