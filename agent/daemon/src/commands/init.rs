//! `wattpool-agent init`: a commented configuration, and new keys beside it.

use super::keys::PublicKeys;
use super::Shown;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::Failure;
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;
use wattpool_daemon::config::Config;
use wattpool_daemon::template::{configuration, invited, METERS};
use wattpool_ledger_wasmd::rpc::address;
use wattpool_ledger_wasmd::{Invitation, InvitationError};
use wattpool_schema::MeterId;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    shown: Shown,
    /// The kind of meter to read, such as p1 or shelly; without it a profile is replayed. Or, as --id, the pseudonym.
    #[arg(long, value_name = "KIND|ID")]
    meter: Option<Named>,
    /// Where the meter is: a serial port, or such as tcp://192.168.1.20:502.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// The meter's pseudonym, if the registrar has told it already.
    #[arg(long, value_name = "ID")]
    id: Option<MeterId>,
    /// The invitation that you were sent: what it says of chain and network stands in the configuration, and the market's addresses file is
    /// fetched, checked and kept beside it.
    #[arg(long, value_name = "TEXT")]
    invite: Option<String>,
    /// Take the invitation's nodes with http:// on other machines, too: whoever is between reads and changes everything.
    #[arg(long, requires = "invite")]
    allow_plain_http: bool,
}

/// A kind of meter, or a pseudonym.
#[derive(Clone)]
enum Named {
    /// What stands in the configuration for it.
    Kind(&'static str),
    Id(MeterId),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, block)) = METERS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Kind(block));
        }
        let names: Vec<&str> = METERS.iter().map(|(name, _)| *name).collect();
        text.parse().map(Self::Id).map_err(|_| {
            format!(
                "expected {}, or a pseudonym of 32 hexadecimal digits",
                names.join(", ")
            )
        })
    }
}

fn uninvited(error: InvitationError) -> Failure {
    match error {
        InvitationError::Wrong(_) => Failure::input(error),
        InvitationError::Unreachable(_) => Failure::from(error),
    }
}

/// The configuration with what an invitation says.
fn with_invitation(text: &str, invitation: &Invitation, plain: bool) -> String {
    let usable = |node: &&String| address(node, plain).is_ok();
    let nodes: Vec<String> = invitation.nodes.iter().filter(usable).cloned().collect();
    for left in invitation.nodes.iter().filter(|node| !usable(node)) {
        eprintln!("wattpool-agent: {left} is left out: over http:// to another machine whoever is between reads and changes everything; --allow-plain-http takes it all the same");
    }
    let plain = nodes.iter().any(|node| address(node, false).is_err());
    invited(text, &nodes, plain, invitation)
}

/// The bytes of the market's addresses file, fetched; `None` where it lies there already.
fn market(file: &Path, invitation: &Invitation) -> Result<Option<Vec<u8>>, Failure> {
    if invitation.kept(file).map_err(uninvited)?.is_some() {
        return Ok(None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let fetched = runtime.block_on(invitation.fetch());
    fetched.map(Some).map_err(uninvited)
}

/// Writes a file that is not there.
fn create(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).open(file)?;
    out.write_all(bytes)?;
    Ok(())
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let file = &args.shown.at.config;
    let (block, named) = match &args.meter {
        Some(Named::Kind(block)) => (Some(*block), None),
        Some(Named::Id(id)) => (None, Some(*id)),
        None => (None, None),
    };
    let invitation = args.invite.as_deref().map(Invitation::parse).transpose();
    let invitation = invitation.map_err(uninvited)?;
    let name = || format!("configuration {}", file.display());
    // One that is there is kept: an earlier call may have ended between the two files.
    let kept = file.exists();
    let text = if kept {
        let new = block.is_some() || named.is_some() || args.id.is_some();
        if new || args.connection.is_some() || invitation.is_some() {
            return Err(Failure::input(anyhow::anyhow!(
                "{}: it is there already: leave the options of a new one out to add keys to it, or name another file",
                name()
            )));
        }
        std::fs::read_to_string(file)
            .with_context(name)
            .map_err(Failure::input)?
    } else {
        let text = configuration(block, args.connection.as_deref(), args.id.or(named));
        let text = text.map_err(Failure::input)?;
        match &invitation {
            Some(invitation) => with_invitation(&text, invitation, args.allow_plain_http),
            None => text,
        }
    };
    // Nothing is written that could not be read, or without a passphrase for the keys that go with it.
    let config = Config::parse(file, &text).map_err(Failure::input)?;
    let planned = config.keys;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let keys = folder.join(planned.file);
    if keys.exists() {
        return Err(Failure::input(anyhow::anyhow!(
            "keys {}: they are there already, and are never overwritten; `wattpool-agent keys` shows their public side",
            keys.display()
        )));
    }
    let mut word = planned.passphrase_file;
    if !word.as_os_str().is_empty() {
        word = folder.join(word);
    }
    let addresses = folder.join(&config.chain.market);
    let fetched = match &invitation {
        Some(invitation) => market(&addresses, invitation)?,
        None => None,
    };
    let passphrase = passphrase::choose(&word)?;
    if !kept {
        if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(name)?;
        }
        if let Some(bytes) = fetched {
            create(&addresses, &bytes).with_context(|| addresses.display().to_string())?;
        }
        create(file, text.as_bytes()).with_context(name)?;
    }
    let config = Config::read(file).map_err(Failure::input)?;
    let keystore = Keystore::create(&config.keys.file, passphrase)?;
    let keys = PublicKeys::of(&keystore)?;
    eprintln!(
        "wattpool: {} {} and wrote {}; edit the first, back up the second",
        if kept { "kept" } else { "wrote" },
        file.display(),
        config.keys.file.display()
    );
    if let Some(invitation) = &invitation {
        eprintln!(
            "wattpool-agent: the market's file is {}; send {} the device key and the agent address, and put the meter's id that you are given into {}",
            addresses.display(),
            invitation.contact,
            file.display()
        );
    }
    crate::print(&if args.shown.json {
        crate::json(&keys)?
    } else {
        keys.text()
    })?;
    Ok(0)
}
