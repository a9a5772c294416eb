//! A node: what the composition root starts, asks and stops.

use crate::addresses::Reach;
use crate::budget::Checks;
use crate::config::{Checked, Clock, Config, ConfigError, Limits};
use crate::counters::{Counters, Figures};
use crate::driver::Driver;
use crate::handle::Handle;
use crate::inbound::{Asked, Inbound};
use crate::keeper::{Honest, Judge, Keeper, Shelf};
use crate::links;
use crate::lookup::{Got, Lookup};
use crate::members::MemberList;
use crate::own::{Own, Publisher, Put};
use libp2p::multiaddr::Protocol;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, Mutex, Semaphore};
use tokio::task::JoinHandle;
use wattpool_core::ports::network::RecordCheck;
use wattpool_schema::peer::{Location, SignedRecord};

/// Commands that wait for the driver.
const COMMANDS: usize = 256;
/// How long stopping waits for others to be told.
const FAREWELL: Duration = Duration::from_secs(2);

/// A node of the network. Dropped, it goes without a word; [`Mesh::stop`] takes its offers back first.
pub struct Mesh {
    pub(crate) net: Publisher,
    pub(crate) own: Arc<Own>,
    pub(crate) limits: Limits,
    pub(crate) requests: Mutex<mpsc::Receiver<Asked>>,
    republishing: JoinHandle<()>,
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.republishing.abort();
    }
}

impl Mesh {
    /// Starts a node: it listens, dials the nodes to begin with, and goes on trying while it knows nobody. Must be called
    /// within a tokio runtime. `check` judges records by the chain's registry, `clock` tells the chain's time.
    ///
    /// # Errors
    /// [`ConfigError`]: a setting is wrong, or an address cannot be listened on.
    pub fn start(
        config: &Config,
        check: Arc<dyn RecordCheck>,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        Self::start_honest(config.check()?, check, clock)
    }

    /// Starts a node that keeps records as an honest one does.
    pub(crate) fn start_honest(
        config: Checked,
        check: Arc<dyn RecordCheck>,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let honest =
            |shelf: &Shelf, judge: &Arc<Judge>, counters: &Arc<Counters>, checks: &Checks| {
                let keeper = Honest::new(
                    shelf.clone(),
                    Arc::clone(judge),
                    Arc::clone(counters),
                    checks.clone(),
                );
                Box::new(keeper) as Box<dyn Keeper>
            };
        Self::start_with(config, check, clock, honest)
    }

    /// Starts a node that answers others with a keeper of the caller's.
    pub(crate) fn start_with(
        config: Checked,
        check: Arc<dyn RecordCheck>,
        clock: Clock,
        keeper: impl FnOnce(&Shelf, &Arc<Judge>, &Arc<Counters>, &Checks) -> Box<dyn Keeper>,
    ) -> Result<Self, ConfigError> {
        let limits = config.limits.clone();
        let members = MemberList::new(limits.members);
        let reach = Reach::default();
        let mut swarm = links::swarm(&config, &members, &reach)?;
        for address in &config.listen {
            let listening = swarm.listen_on(address.clone());
            // A machine without IPv6 is none the worse for a configuration that names it beside IPv4.
            let any_v6 = address.iter().next() == Some(Protocol::Ip6(Ipv6Addr::UNSPECIFIED));
            match listening {
                Ok(_) => {}
                Err(e) if any_v6 && config.listen.len() > 1 => {
                    tracing::warn!("not listening on {address}: {e}");
                }
                Err(e) => {
                    return Err(ConfigError::Listen {
                        address: address.to_string(),
                        why: e.to_string(),
                    });
                }
            }
        }
        for address in &config.external {
            swarm.add_external_address(address.clone());
        }
        let counters = Arc::<Counters>::default();
        let (commands, received) = mpsc::channel(COMMANDS);
        let back = commands.downgrade();
        let checks = Checks::new(limits.checks_rate, Instant::now());
        let (inbound, requests, outgoing) =
            Inbound::new(limits.waiting, checks.clone(), Arc::clone(&counters));
        let shelf = Shelf::new(&limits);
        let judge = Arc::new(Judge::new(&config, clock, check));
        let net = Publisher {
            handle: Handle::new(*swarm.local_peer_id(), commands),
            shelf,
            judge,
            counters: Arc::clone(&counters),
            fan_out: Arc::new(Semaphore::new(limits.fan_out)),
            patience: limits.answer(),
        };
        let keeper = keeper(&net.shelf, &net.judge, &counters, &checks);
        let shared = (Arc::clone(&net.judge), members, reach, checks);
        let channels = (received, outgoing, inbound);
        let driver = Driver::new(&config, swarm, shared, channels, back, keeper, counters);
        tokio::spawn(driver.run());
        let own = Arc::<Own>::default();
        let republishing = tokio::spawn(republish(net.clone(), Arc::clone(&own), limits.clone()));
        Ok(Self {
            net,
            own,
            limits,
            requests: Mutex::new(requests),
            republishing,
        })
    }

    /// This node's peer id: what its offers name.
    pub fn peer_id(&self) -> Vec<u8> {
        self.net.handle.id.to_bytes()
    }

    /// The addresses that this node listens on, each with its peer id, to be dialled by others.
    pub async fn addresses(&self) -> Vec<String> {
        let id = self.net.handle.id;
        let listening = self.net.handle.listening().await;
        listening
            .into_iter()
            .map(|address| {
                address
                    .with_p2p(id)
                    .unwrap_or_else(|named| named)
                    .to_string()
            })
            .collect()
    }

    /// The addresses under which others are known to reach this node: configured, confirmed by others, or forwarded by
    /// the router.
    pub async fn external(&self) -> Vec<String> {
        let external = self.net.handle.external().await;
        external.iter().map(ToString::to_string).collect()
    }

    /// Dials a node.
    ///
    /// # Errors
    /// It is no multiaddress, or one of a transport that this build does not have.
    pub async fn dial(&self, address: &str) -> Result<(), ConfigError> {
        let parsed = crate::config::address("address", address)?;
        self.net.handle.dial(parsed).await;
        Ok(())
    }

    /// Puts a record of this meter to the nodes closest to a location, and keeps it there until it expires or is
    /// withdrawn.
    pub async fn put(&self, at: Location, record: Arc<SignedRecord>) -> Put {
        self.own.add(at, Arc::clone(&record));
        let put = self.net.put(at, &record, false);
        let done = tokio::time::timeout(self.limits.announce(), put).await;
        done.unwrap_or_default()
    }

    /// Looks locations up until the deadline.
    pub async fn get(&self, locations: &[Location], within: Duration) -> Got {
        Lookup::new(&self.net, self.limits.quorum, self.limits.hedge())
            .run(locations, within)
            .await
    }

    /// Peers that are banned now, by their ids.
    pub async fn banned(&self) -> Vec<Vec<u8>> {
        let banned = self.net.handle.banned().await;
        banned.into_iter().map(libp2p::PeerId::to_bytes).collect()
    }

    /// What was counted.
    pub fn figures(&self) -> Figures {
        let own = self.own.live(self.net.judge.now()).len();
        let counters = &self.net.counters;
        counters.own.set(u64::try_from(own).unwrap_or(0));
        counters.figures()
    }

    /// Takes this meter's offers back, as far as others can be told in two seconds, and closes all connections.
    pub async fn stop(self) {
        self.republishing.abort();
        let out = self.own.live(self.net.judge.now());
        let farewell = out.iter().map(|(at, record)| {
            self.own.take_offer(*at);
            self.net.withdraw(*at, record.meter(), record.sequence())
        });
        // Whoever was not told sees the offers expire.
        let _ = tokio::time::timeout(FAREWELL, futures::future::join_all(farewell)).await;
        self.net.handle.stop().await;
    }
}

/// Publishes own records again: nodes come and go, and whoever is closest to a location by then should hold them.
async fn republish(net: Publisher, own: Arc<Own>, limits: Limits) {
    // The first byte of a peer id that differs from node to node spreads them over the interval.
    let spread = net.handle.id.to_bytes().last().copied().unwrap_or(0);
    let period = limits.republish();
    let pause = period
        .saturating_mul(896u32.saturating_add(u32::from(spread)))
        .checked_div(1_024)
        .unwrap_or(period);
    loop {
        tokio::time::sleep(pause).await;
        for (at, record) in own.live(net.judge.now()) {
            if own.is_out(at, &record) {
                let put = net.put(at, &record, true);
                // Cut short: the next time comes.
                let _ = tokio::time::timeout(limits.announce(), put).await;
            }
        }
    }
}
