//! A network of nodes: made, started, disturbed, ended.

use crate::agents;
use crate::deploy::{ADDRESSES, KEYS, SETTINGS};
use crate::description::{Description, NodeDescription, FILE};
use crate::files;
use crate::options::{Options, Ports};
use crate::ports::{self, Reserved};
use crate::process::Process;
use crate::rpc::{self, Status};
use anyhow::{bail, Context, Result};
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long blocks may take to come, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A network of wasmd nodes on this machine.
///
/// It ends with this value, unless [`Testnet::release`] lets it stay.
pub struct Testnet {
    home: PathBuf,
    wasmd: PathBuf,
    log_level: String,
    description: Description,
    nodes: Vec<Process>,
    released: bool,
    // These end after the nodes did.
    _ports: Option<Reserved>,
    _lock: File,
    _temporary: Option<TempDir>,
}

impl Testnet {
    /// Makes a network as the options say, starts it, and waits until every node has a block. The network that
    /// is in the folder already goes on instead, with its own keys and settings; only its ports and its block time
    /// become those of the options.
    ///
    /// # Errors
    /// When an option is out of range, there is no wasmd, a port is taken, or no block comes.
    pub fn start(options: &Options) -> Result<Self> {
        options.check()?;
        let wasmd = find_wasmd(options.wasmd.as_deref())?;
        let (home, temporary) = match &options.home {
            Some(home) => (home.clone(), None),
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("wattpool-testnet-")
                    .tempdir()?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
        let home = home
            .canonicalize()
            .with_context(|| format!("finding {}", home.display()))?;
        let lock = lock(&home)?;
        let found = Description::read(&home)?;
        for node in found.iter().flat_map(|found| &found.nodes) {
            if let Some(process) = process_of(&home, node).running() {
                bail!(
                    "{} in {} runs already (process {})",
                    node.name,
                    home.display(),
                    process.pid
                );
            }
        }
        let reserved = match options.ports {
            Ports::Free => ports::free(options.validators)?,
            Ports::From(first) => ports::from(first, options.validators)?,
        };
        let description = match found {
            Some(mut description) => {
                check_same(&description, options)?;
                description.block_ms = options.block_ms;
                for (node, (rpc, peers)) in description.nodes.iter_mut().zip(&reserved.ports) {
                    node.rpc = format!("http://127.0.0.1:{rpc}");
                    node.peer_port = *peers;
                }
                files::configure(&home, &description)?;
                description.write(&home)?;
                description
            }
            None => files::create(&home, &wasmd, options, &reserved.ports)?,
        };
        let mut network = Self {
            nodes: description
                .nodes
                .iter()
                .map(|node| process_of(&home, node))
                .collect(),
            wasmd,
            log_level: options.log_level.clone(),
            description,
            home,
            released: false,
            _ports: Some(reserved),
            _lock: lock,
            _temporary: temporary,
        };
        network.resume()?;
        Ok(network)
    }

    /// What it is: chain id, accounts, addresses.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Its folder, with the description, the nodes' folders and logs.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The RPC address of every node, such as `http://127.0.0.1:26657`.
    pub fn rpc_addresses(&self) -> Vec<String> {
        self.description
            .nodes
            .iter()
            .map(|node| node.rpc.clone())
            .collect()
    }

    /// Height of a node's last block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub fn height(&self, node: usize) -> Result<u64> {
        Ok(rpc::status(&self.entry(node)?.rpc)?.height)
    }

    /// Waits until the node has reached the height.
    ///
    /// # Errors
    /// When it does not within two minutes, or ends meanwhile.
    pub fn wait_for_height(&mut self, node: usize, height: u64) -> Result<()> {
        let rpc = self.entry(node)?.rpc.clone();
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < PATIENCE {
            if let Ok(status) = rpc::status(&rpc) {
                if status.height >= height {
                    return Ok(());
                }
                last = Some(status.height);
            }
            let process = self.process(node)?;
            if process.running().is_none() {
                bail!("node {node} ended{}", process.last_words());
            }
            sleep(Duration::from_millis(50));
        }
        let reached = last.map_or("it does not answer".into(), |height| {
            format!("it is at {height}")
        });
        bail!(
            "node {node} did not reach height {height} in {} s, {reached}{}",
            PATIENCE.as_secs(),
            self.process(node)?.last_words()
        );
    }

    /// Waits until the node has so many blocks more.
    ///
    /// # Errors
    /// As [`Testnet::wait_for_height`].
    pub fn wait_for_blocks(&mut self, node: usize, blocks: u64) -> Result<()> {
        let height = self.height(node)?.saturating_add(blocks);
        self.wait_for_height(node, height)
    }

    /// Kills a node as a cut of the power does.
    ///
    /// # Errors
    /// When there is no such node, or it cannot be killed.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        self.process(node)?.end(false)
    }

    /// Stops a node so that it closes its databases.
    ///
    /// # Errors
    /// When there is no such node, or it cannot be stopped.
    pub fn stop(&mut self, node: usize) -> Result<()> {
        self.process(node)?.end(true)
    }

    /// Starts a node that does not run; whether it comes to have blocks depends on the others.
    ///
    /// # Errors
    /// When there is no such node, or it cannot be started.
    pub fn restart(&mut self, node: usize) -> Result<()> {
        let (wasmd, level) = (self.wasmd.clone(), self.log_level.clone());
        let folder = self.home.join(&self.entry(node)?.name);
        let process = self.process(node)?;
        match process.running() {
            Some(_) => Ok(()),
            None => {
                let folder = folder.as_os_str();
                let flags = ["start", "--log_no_color", "--log_level", &level, "--home"];
                process.start(&wasmd, flags.map(OsStr::new).into_iter().chain([folder]))
            }
        }
    }

    /// Freezes a node: it accepts connections and never answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&mut self, node: usize) -> Result<()> {
        self.process(node)?.freeze()
    }

    /// Lets a frozen node go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&mut self, node: usize) -> Result<()> {
        self.process(node)?.thaw()
    }

    /// Stops all nodes; the chain's state stays, for [`Testnet::resume`].
    ///
    /// # Errors
    /// When one cannot be stopped; the others are all the same.
    pub fn halt(&mut self) -> Result<()> {
        end_all(&mut self.nodes)
    }

    /// Starts the nodes that do not run and waits until each has a block more than the chain had.
    ///
    /// # Errors
    /// When one cannot be started, or no block comes.
    pub fn resume(&mut self) -> Result<()> {
        let nodes = 0..self.nodes.len();
        for node in nodes.clone() {
            self.restart(node)?;
        }
        for node in nodes {
            // The first block of a chain needs nothing but its genesis, and the first answer of a node may be the
            // height from before: one more shows that blocks come.
            self.wait_for_height(node, 1)?;
            self.wait_for_blocks(node, 1)?;
        }
        Ok(())
    }

    /// Lets the network stay when this value, and this process, end.
    pub fn release(mut self) {
        self.nodes.iter_mut().for_each(Process::release);
        self.released = true;
        if let Some(folder) = self._temporary.take() {
            let _kept = folder.keep();
        }
    }

    fn entry(&self, node: usize) -> Result<&NodeDescription> {
        self.description
            .nodes
            .get(node)
            .with_context(|| self.no_node(node))
    }

    fn process(&mut self, node: usize) -> Result<&mut Process> {
        let context = self.no_node(node);
        self.nodes.get_mut(node).context(context)
    }

    fn no_node(&self, node: usize) -> String {
        format!("no node {node}; there are {}", self.description.nodes.len())
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        if !self.released {
            for node in &mut self.nodes {
                // Nothing of it is needed again, except in a folder that stays.
                node.end(self._temporary.is_none()).ok();
            }
        }
    }
}

/// A network in a folder that other processes may have started.
pub(crate) struct Found {
    pub description: Description,
    home: PathBuf,
    nodes: Vec<Process>,
    _lock: Option<File>,
}

impl Found {
    /// The network in the folder, if there is one; `alone`: no other command may work on it meanwhile.
    pub(crate) fn open(home: &Path, alone: bool) -> Result<Option<Self>> {
        let Ok(home) = home.canonicalize() else {
            return Ok(None);
        };
        let lock = if alone { Some(lock(&home)?) } else { None };
        Ok(Description::read(&home)?.map(|description| Self {
            nodes: description
                .nodes
                .iter()
                .map(|node| process_of(&home, node))
                .collect(),
            description,
            home,
            _lock: lock,
        }))
    }

    /// Of every node, in order: the process that runs, and what it says when it answers.
    pub(crate) fn look(&mut self) -> Vec<(Option<i32>, Option<Status>)> {
        let nodes = self.nodes.iter_mut().zip(&self.description.nodes);
        nodes
            .map(|(node, description)| {
                let running = node.running();
                let status = running.and_then(|_| rpc::status(&description.rpc).ok());
                (running.map(|process| process.pid), status)
            })
            .collect()
    }

    /// Stops all agents, then all nodes; answers how many of both ran.
    pub(crate) fn end(&mut self) -> Result<(usize, usize)> {
        let mut agents: Vec<Process> = agents::homes(&self.home)?
            .iter()
            .map(|home| agents::process(&self.home, home))
            .collect();
        let trading = agents.iter_mut().filter_map(Process::running).count();
        let running = self.nodes.iter_mut().filter_map(Process::running).count();
        let ended = end_all(&mut agents);
        end_all(&mut self.nodes)?;
        ended.map(|()| (trading, running))
    }
}

/// A node's process, whether it runs or not.
fn process_of(home: &Path, node: &NodeDescription) -> Process {
    Process::new(home.join(&node.name), "node")
}

/// Stops all at once, since each takes its time.
fn end_all(nodes: &mut [Process]) -> Result<()> {
    std::thread::scope(|scope| {
        let ends: Vec<_> = nodes
            .iter_mut()
            .map(|node| scope.spawn(|| node.end(true)))
            .collect();
        let mut outcome = Ok(());
        for end in ends {
            let ended = end
                .join()
                .unwrap_or_else(|_| bail!("stopping a node failed"));
            outcome = outcome.and(ended);
        }
        outcome
    })
}

/// The settings that a chain keeps for its life.
fn check_same(found: &Description, options: &Options) -> Result<()> {
    let validators = found.nodes.len();
    let differs = |name: &str, has: String, wanted: String| -> Result<()> {
        if has == wanted {
            return Ok(());
        }
        bail!("{name} {wanted}: the network that is there has {has}; testnet/reset makes room for another");
    };
    differs(
        "validators",
        validators.to_string(),
        options.validators.to_string(),
    )?;
    differs(
        "window_s",
        found.window_s.to_string(),
        options.window_s.to_string(),
    )?;
    differs("chain_id", found.chain_id.clone(), options.chain_id.clone())
}

/// One command at a time works on a folder.
fn lock(home: &Path) -> Result<File> {
    let path = home.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another command works on the network in {}; wait until it is done",
            home.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// The wasmd that is asked for, else `$WATTPOOL_WASMD`, else the one that `testnet/build` built here.
fn find_wasmd(asked: Option<&Path>) -> Result<PathBuf> {
    let path = asked.map_or_else(crate::built::wasmd, Path::to_owned);
    path.canonicalize().with_context(|| {
        format!(
            "no wasmd at {}: testnet/build builds it, or WATTPOOL_WASMD names one",
            path.display()
        )
    })
}

/// Removes a network's folder, which must be one.
pub(crate) fn remove(home: &Path) -> Result<()> {
    let ours = |name: &str| {
        let begins = [FILE, ADDRESSES, SETTINGS, "node"];
        ["lock", "gentxs", KEYS, agents::FOLDER].contains(&name)
            || begins.iter().any(|begin| name.starts_with(begin))
    };
    for entry in fs::read_dir(home).with_context(|| format!("reading {}", home.display()))? {
        let name = entry?.file_name();
        if !name.to_str().is_some_and(ours) {
            bail!(
                "{} holds {}, which is no part of a network; nothing is removed",
                home.display(),
                name.display()
            );
        }
    }
    fs::remove_dir_all(home).with_context(|| format!("removing {}", home.display()))
}
