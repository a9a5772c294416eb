//! The composition root of an agent: adapters from the configuration, one runtime after another over them.

use super::beside;
use super::feed_in;
use super::home_meter::HomeMeter;
use super::http;
use super::keystore::{self, Keystore};
use super::logs::Refilter;
use super::notify;
use super::passphrase;
use super::process;
use super::registered::PublicKeys;
use super::reload;
use super::status::Running;
use anyhow::{Context, Result};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use wattpool_core::context::{Identity, Market};
use wattpool_core::io::{Gate, Millis};
use wattpool_core::ports::home::GridGate;
use wattpool_core::ports::network::RecordCheck;
use wattpool_core::ports::Signer;
use wattpool_core::timing::Timing;
use wattpool_daemon::config::Config;
use wattpool_discovery_libp2p::{Config as MeshConfig, Membership, Mesh};
use wattpool_home_devices::DeviceGate;
use wattpool_journal_sqlite::SqliteJournal;
use wattpool_ledger_wasmd::proof::Prover;
use wattpool_ledger_wasmd::{ChainSettings, Client, Key, Market as Deployment, WasmdLedger};
use wattpool_runtime::{pauses, Ended, Ports, Registry, Runtime, Settings};
use wattpool_schema::pool::{MeterResponse, QueryMsg};

/// The gate is told to the log, and to its device where there is one.
struct HomeGate(Option<DeviceGate>);

impl GridGate for HomeGate {
    fn set(&self, gate: Gate) {
        if let Some(device) = &self.0 {
            device.set(gate);
        }
        match gate {
            Gate::Open => tracing::info!("the gate to the national grid is open"),
            // How much is what the home needs: nobody else's business.
            Gate::Limit(wh) => tracing::debug!(%wh, "the gate to the national grid has a limit"),
        }
    }
}

/// Runs the agent until it is told to stop (SIGTERM or SIGINT). SIGHUP has it read the file of its configuration again.
///
/// # Errors
/// What the configuration names cannot be used, or the journal fails.
pub fn run(file: &Path, config: &Config) -> Result<()> {
    let refilter = super::logs::start(&config.log)?;
    // One thread: every other one would have its own stack and its own arena of the allocator.
    // Few for what reads the history: the page asks for a handful of things at once.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .enable_all()
        .build()?;
    runtime.block_on(agent(file, config, refilter))
}

/// What stays while runtimes come and go.
struct Parts {
    deployment: Deployment,
    market: Arc<Market>,
    signer: Arc<dyn Signer + Send + Sync>,
    keys: PublicKeys,
    /// Of the agent's account.
    secret: [u8; 32],
    running: Arc<Running>,
    stop: watch::Receiver<bool>,
}

async fn agent(file: &Path, config: &Config, refilter: Refilter) -> Result<()> {
    let stop = process::stop_signal()?;
    let told = stopped(stop.clone());
    tokio::spawn(async move {
        told.await;
        tracing::info!("told to stop");
    });
    let deployment = Deployment::read(&config.chain.market)?;
    let meter = Arc::new(HomeMeter::open(config, deployment.window_seconds)?);
    let keystore = Keystore::open(
        &config.keys.file,
        passphrase::get(&config.keys.passphrase_file)?,
    )?;
    // Refused now rather than after the chain has been found.
    let _alone = keystore::lock(&config.keys.file)?;
    drop(SqliteJournal::open(&config.storage.file)?);
    let settings = config
        .chain
        .settings(&deployment)
        .map_err(anyhow::Error::msg)?;
    let secret = keystore.agent;
    let keys = PublicKeys {
        agent: keystore.signer.agent(),
        device: keystore.signer.device(),
    };
    let signer: Arc<dyn Signer + Send + Sync> = Arc::new(keystore.signer);
    let market = Arc::new(market(config, &deployment));
    let registry = Arc::new(Registry::new(Arc::clone(&signer)));
    let clock = Arc::clone(&registry);
    let mesh = Mesh::start(
        &mesh_config(config, keystore.peer, &market, Some(Arc::clone(&signer))),
        Arc::clone(&registry) as Arc<dyn RecordCheck>,
        Arc::new(move || clock.chain_time()),
    )?;
    let mesh = Arc::new(mesh);
    if let Some(panels) = HomeMeter::panels(config, deployment.window_seconds)? {
        // It ends with the process.
        let noting = beside::panels(
            panels,
            config.storage.file.clone(),
            deployment.window_seconds,
        );
        drop(tokio::spawn(noting));
    }
    let journal = config.storage.file.clone();
    let running = Arc::new(Running::new(journal, config.policy.clone()));
    running.networked(&mesh);
    reload::at_start(config, &running)?;
    let read = (file.to_owned(), config.clone());
    reload::watch(read.0, read.1, refilter, Arc::clone(&running))?;
    running.wait("the chain");
    let listeners = http::listen(config).await?;
    let shown = (deployment.clone(), Arc::clone(&running));
    let interface = http::interface(config, shown.0, shown.1, Arc::clone(&meter), &listeners)?;
    let interface = Arc::new(interface);
    // It is told until the process ends, whatever the chain does.
    let _signal = config
        .signal
        .as_ref()
        .map(|device| http::api::signal::tell(Arc::clone(&interface), device))
        .transpose()
        .context("signal")?;
    let told = stop.clone();
    let until_stopped = move || stopped(told.clone());
    notify::start(&config.alerts, config.meter.id, &running)?;
    let serving = tokio::spawn(http::serve(listeners, interface, until_stopped));
    process::ready();
    tracing::info!(meter = %config.meter.id, http = %config.http.listen, "the agent starts");
    let parts = Parts {
        deployment,
        market,
        signer,
        keys,
        secret,
        running,
        stop,
    };
    let ran = keep_running(config, &parts, settings, &mesh, meter, registry).await;
    parts.running.wait("the end");
    if let Some(mesh) = Arc::into_inner(mesh) {
        mesh.stop().await;
    }
    ran?;
    serving.await?;
    tracing::info!("the agent has stopped");
    Ok(())
}

async fn keep_running(
    config: &Config,
    parts: &Parts,
    settings: ChainSettings,
    mesh: &Arc<Mesh>,
    meter: Arc<HomeMeter>,
    registry: Arc<Registry>,
) -> Result<()> {
    let connect = || Client::connect(settings.clone());
    let Some(client) = parts.until("the chain", connect).await else {
        return Ok(());
    };
    let client = Arc::new(client);
    parts.running.connected(Arc::clone(&client));
    let prover = prover(config, parts, &client);
    let granter = Some(config.chain.fee_granter.clone()).filter(|g| !g.is_empty());
    let open = || async {
        let key = Key::from_bytes(&parts.secret, &parts.deployment.address_prefix)?;
        let (client, deployment) = (Arc::clone(&client), parts.deployment.clone());
        let ledger = WasmdLedger::new(client, deployment, key, granter.clone()).await?;
        let ledger = match &prover {
            Some(prover) => ledger.proving(Arc::clone(prover)),
            None => ledger,
        };
        anyhow::Ok(Arc::new(ledger))
    };
    let Some(ledger) = parts.until("the market on the chain", open).await else {
        return Ok(());
    };
    let window_s = parts.deployment.window_seconds;
    let device = config
        .gate
        .as_ref()
        .map(|g| DeviceGate::start(g, window_s))
        .transpose();
    let gate = Arc::new(HomeGate(device.context("gate")?));
    let file = config.storage.file.clone();
    let fees = beside::Fees::new(Arc::clone(&ledger), file, window_s);
    let noting = beside::Noting::start(fees);
    if config.chain.claim_feed_in {
        feed_in::start(Arc::clone(&ledger), config.meter.id);
    }
    loop {
        let register = || registration(config, parts, &client, mesh);
        let Some(identity) = parts.until("the meter's registration", register).await else {
            return Ok(());
        };
        let settings = Settings {
            identity,
            market: Arc::clone(&parts.market),
            policy: config.policy.clone(),
            started_at: local_time(),
        };
        parts.running.takes_journal(true);
        let ports = Ports {
            ledger: Arc::clone(&ledger),
            network: Arc::clone(mesh),
            meter: Arc::clone(&meter),
            gate: Arc::clone(&gate) as Arc<dyn GridGate>,
            journal: Box::new(
                SqliteJournal::open(&config.storage.file)?
                    .keeping_readings(config.storage.keep_windows(parts.market.window_s)),
            ),
            history: Box::new(SqliteJournal::open_for_history(&config.storage.file)?),
            signer: Arc::clone(&parts.signer),
        };
        let (runtime, handle) = Runtime::new(settings, ports, Arc::clone(&registry));
        parts.running.run(handle.clone());
        let stop = stopped(parts.stop.clone());
        let stopping = tokio::spawn(async move {
            stop.await;
            handle.stop();
        });
        let ended = runtime.run().await;
        stopping.abort();
        parts.running.takes_journal(false);
        match ended? {
            Ended::Stopped => {
                noting.end().await;
                return Ok(());
            }
            Ended::RegistrationChanged => tracing::info!("reading the registration again"),
        }
    }
}

/// What proves the chain's state, where a trusted block is named.
fn prover(config: &Config, parts: &Parts, client: &Arc<Client>) -> Option<Arc<Prover>> {
    let Some(trust) = config.chain.trust(&parts.deployment) else {
        tracing::warn!(
            "no trusted block is named, in the addresses file or as chain.trusted_height: what the nodes tell is believed"
        );
        return None;
    };
    let kept = config.storage.file.with_extension("verified.json");
    let window_s = parts.deployment.window_seconds;
    let prover = Arc::new(Prover::new(Arc::clone(client), trust, window_s, Some(kept)));
    parts.running.proving(Arc::clone(&prover));
    Some(prover)
}

impl Parts {
    /// Asks until there is an answer; None: the process is told to stop. Meanwhile health says why there is none.
    async fn until<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
        &self,
        what: &str,
        mut ask: impl FnMut() -> F,
    ) -> Option<T> {
        let asking = async {
            let mut said = String::new();
            for pause in pauses() {
                match ask().await {
                    Ok(answer) => return Some(answer),
                    Err(error) => {
                        let why = format!("{what}: {error:#}").replace('\n', " ");
                        if why != said {
                            tracing::warn!("waiting for {why}");
                        }
                        self.running.wait(&why);
                        said = why;
                    }
                }
                tokio::time::sleep(pause).await;
            }
            None
        };
        tokio::select! {
            answer = asking => answer,
            () = stopped(self.stop.clone()) => None,
        }
    }
}

/// The meter as the chain has it, if its keys are those of this agent.
async fn registration(
    config: &Config,
    parts: &Parts,
    client: &Client,
    mesh: &Mesh,
) -> Result<Identity> {
    let meter = config.meter.id;
    let pool = &parts.deployment.pool.address;
    let found: MeterResponse = client.rpc().smart(pool, &QueryMsg::Meter { meter }).await?;
    parts.keys.check(meter, &found)?;
    parts.running.registered(found.kind);
    Ok(Identity {
        meter,
        zone: found.zone,
        kind: found.kind,
        max_export: found.max_export,
        max_import: found.max_import,
        peer: mesh.peer_id(),
    })
}

/// The market as the agent has it.
pub fn market(config: &Config, deployment: &Deployment) -> Market {
    Market::new(
        deployment.chain_id.clone(),
        deployment.pool.address.clone(),
        deployment.escrow.address.clone(),
        deployment.window_seconds,
        Timing::for_chain(
            deployment.window_seconds,
            config.chain.block_ms,
            deployment.first_part_seconds,
        ),
    )
}

/// How this meter takes part in the network of a market.
pub fn mesh_config(
    config: &Config,
    seed: [u8; 32],
    market: &Market,
    signer: Option<Arc<dyn Signer + Send + Sync>>,
) -> MeshConfig {
    let meter = config.meter.id;
    let membership = signer.map(|signer| Membership {
        meter,
        sign: Arc::new(move |bytes| signer.sign_agent(bytes)),
    });
    MeshConfig {
        seed,
        relay: config.network.relay,
        upnp: config.network.upnp,
        hidden: config.network.hidden,
        membership,
        listen: config.network.listen.clone(),
        external: config.network.external.clone(),
        bootstrap: config.network.bootstrap.clone(),
        mdns: config.network.mdns,
        network: market.network.clone(),
        limits: config.limits(),
    }
}

/// The local clock. Nothing depends on its being right.
fn local_time() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |d| d.as_millis());
    Millis(u64::try_from(ms).unwrap_or(0))
}

/// Ends once the process is told to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
