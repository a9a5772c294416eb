//! Ports for a network's nodes, and who holds one that is taken.

use anyhow::{bail, Context, Result};
use nix::unistd::Pid;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Below the range from which systems take ports for outgoing connections: a stopped node finds its ports free again.
const FIRST: u16 = 20_000;
/// The first port above.
const LAST: u16 = 32_000;
/// Ports of one network: two for each node.
const BLOCK: u16 = 32;

/// Ports for the nodes of one network.
pub(crate) struct Reserved {
    /// Of each node: RPC, peers.
    pub ports: Vec<(u16, u16)>,
    /// While it is locked no other network takes the block.
    _lock: Option<File>,
}

/// Any free ports for so many nodes.
pub(crate) fn free(nodes: u16) -> Result<Reserved> {
    // One for each user: nobody may write into another's.
    let user = fs::metadata("/proc/self")
        .context("reading /proc/self")?
        .uid();
    let folder = std::env::temp_dir().join(format!("wattpool-testnet-ports-{user}"));
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut blocks: Vec<u16> = (FIRST..LAST).step_by(usize::from(BLOCK)).collect();
    // Where the search begins does not matter; processes that begin at once better begin apart.
    let count = u32::try_from(blocks.len())?;
    let apart = std::process::id()
        .wrapping_mul(7)
        .checked_rem(count)
        .unwrap_or_default();
    blocks.rotate_left(usize::try_from(apart)?);
    for first in blocks {
        let Some(lock) = lock(&folder.join(first.to_string()))? else {
            continue;
        };
        let mut numbers = first..;
        let ports: Vec<_> = (0..nodes)
            .filter_map(|_| numbers.next().zip(numbers.next()))
            .collect();
        if ports
            .iter()
            .all(|(rpc, peers)| is_free(*rpc) && is_free(*peers))
        {
            return Ok(Reserved {
                ports,
                _lock: Some(lock),
            });
        }
    }
    bail!("no {BLOCK} free ports between {FIRST} and {LAST}");
}

/// The ports from a given one on; an error names the one that is taken and who holds it.
pub(crate) fn from(first: u16, nodes: u16) -> Result<Reserved> {
    let ports: Vec<_> = (first..)
        .step_by(10)
        .take(usize::from(nodes))
        .map(|rpc| (rpc, rpc.saturating_sub(1)))
        .collect();
    for (node, (rpc, peers)) in ports.iter().enumerate() {
        for (port, purpose) in [(*rpc, "RPC"), (*peers, "peers")] {
            if !is_free(port) {
                bail!(
                    "port {port} ({purpose} of node {node}) is taken by {}",
                    holder(port)
                );
            }
        }
    }
    Ok(Reserved { ports, _lock: None })
}

fn lock(path: &Path) -> Result<Option<File>> {
    let context = || format!("locking {}", path.display());
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The process that listens on a port, as far as this user may know it.
pub(crate) fn holder(port: u16) -> String {
    match find_holder(port) {
        Ok(Some((pid, name))) => format!("{name} (process {pid})"),
        _ => "another process".into(),
    }
}

fn find_holder(port: u16) -> io::Result<Option<(Pid, String)>> {
    let Some(inode) = listening_inode(port)? else {
        return Ok(None);
    };
    let wanted = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // Other users' processes cannot be looked into, and some end meanwhile.
        let Ok(open) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let holds = |file: fs::DirEntry| {
            fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
        };
        if open.flatten().any(holds) {
            let name = fs::read_to_string(process.path().join("comm"))?;
            return Ok(Some((Pid::from_raw(pid), name.trim_end().to_owned())));
        }
    }
    Ok(None)
}

/// The inode of the socket that listens on a port: proc_pid_net(5).
fn listening_inode(port: u16) -> io::Result<Option<u64>> {
    const LISTEN: &str = "0A";
    let port = format!("{port:04X}");
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table)
            .unwrap_or_default()
            .lines()
            .skip(1)
        {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            if *state == LISTEN
                && local
                    .rsplit_once(':')
                    .is_some_and(|(_, found)| found == port)
            {
                return Ok(inode.parse().ok());
            }
        }
    }
    Ok(None)
}
