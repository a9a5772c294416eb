//! Meters: registered, changed, listed.

use crate::chain::{block_on, time, unusable, Session};
use crate::market::to_pool;
use crate::wallet::balances::ask;
use crate::Failure;
use anyhow::anyhow;
use serde_json::to_value;
use wattpool_ledger_wasmd::{Client, Market};
use wattpool_schema::pool::{
    ExecuteMsg, MeterKind, MeterResponse, MetersResponse, QueryMsg, Registration,
};
use wattpool_schema::{DeviceKey, HouseholdId, MeterId, Zone};
use wattpool_wallet::amount::{energy, show_energy};

/// What stands behind the meter.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Kind {
    /// Photovoltaics.
    Pv,
    /// Wind.
    Wind,
    /// Battery.
    Battery,
    /// Several of these.
    Mixed,
    /// Load only.
    Consumer,
}

impl From<Kind> for MeterKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Pv => Self::Pv,
            Kind::Wind => Self::Wind,
            Kind::Battery => Self::Battery,
            Kind::Mixed => Self::Mixed,
            Kind::Consumer => Self::Consumer,
        }
    }
}

/// Registers a meter, signed by the registrar. It trades once its owner has named an agent.
#[derive(clap::Args)]
pub struct Register {
    /// Pseudonym: 32 hexadecimal digits, as `wattpool admin pseudonym` computes it.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// Owner's address, or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// The device's public key.
    #[arg(long, value_name = "KEY")]
    device: DeviceKey,
    /// Marks the meters of one household: 32 hexadecimal digits, the keyed hash of the connection's number.
    #[arg(long, value_name = "ID")]
    household: Option<HouseholdId>,
    /// Zone of the local grid.
    #[arg(long, value_name = "N")]
    zone: Zone,
    /// What stands behind the meter.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Largest export per window, such as "2.5 kWh".
    #[arg(long, value_name = "ENERGY")]
    max_export: String,
    /// Largest import per window.
    #[arg(long, value_name = "ENERGY")]
    max_import: String,
}

/// Changes what is known of a meter; what is not named stays.
#[derive(clap::Args)]
pub struct Update {
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// Zone of the local grid.
    #[arg(long, value_name = "N")]
    zone: Option<Zone>,
    /// What stands behind the meter.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Largest export per window, such as "2.5 kWh".
    #[arg(long, value_name = "ENERGY")]
    max_export: Option<String>,
    /// Largest import per window.
    #[arg(long, value_name = "ENERGY")]
    max_import: Option<String>,
}

/// Gives a meter another device's key, signed by the registrar.
#[derive(clap::Args)]
pub struct SetDevice {
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// The new device's public key.
    #[arg(long, value_name = "KEY")]
    device: DeviceKey,
}

/// Names a meter.
#[derive(clap::Args)]
pub struct Named {
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
}

/// Gives an owner notice that a meter is to be another's.
#[derive(clap::Args)]
pub struct ProposeOwner {
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// The other owner's address, or the name of a key; without it the notice is withdrawn.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
}

/// Decides on an owner's objection.
#[derive(clap::Args)]
pub struct Decide {
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// The owner is right: the registrar's notice falls.
    #[arg(long, required_unless_present = "reject", conflicts_with = "reject")]
    uphold: bool,
    /// The owner is wrong: the notice runs anew.
    #[arg(long)]
    reject: bool,
}

/// Lists meters.
#[derive(clap::Args)]
pub struct List {
    /// Of this owner only: an address or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    /// Of this zone only.
    #[arg(long, value_name = "N")]
    zone: Option<Zone>,
    /// With this agent only: its address.
    #[arg(long, value_name = "ADDRESS")]
    agent: Option<String>,
    /// Out of service only.
    #[arg(long)]
    retired: bool,
}

/// Registers and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn register(session: &Session, args: &Register) -> Result<u8, Failure> {
    let registration = Registration {
        meter: args.meter,
        owner: session.resolve("--owner", &args.owner)?,
        device: args.device,
        household: args.household,
        zone: args.zone,
        kind: args.kind.into(),
        max_export: energy("--max-export", &args.max_export).map_err(unusable)?,
        max_import: energy("--max-import", &args.max_import).map_err(unusable)?,
    };
    check(&registration).map_err(|e| Failure::input(anyhow!(e)))?;
    let words = format!(
        "register meter {} of {}",
        registration.meter, registration.owner
    );
    to_pool(session, &words, &ExecuteMsg::RegisterMeter { registration })
}

/// What no meter is, before anything is sent.
pub fn check(registration: &Registration) -> Result<(), String> {
    if registration.meter == MeterId::default() {
        return Err("meter: expected a pseudonym, found nothing but zeros".to_owned());
    }
    if registration.device == DeviceKey::default() {
        return Err("device: expected a public key, found nothing but zeros".to_owned());
    }
    Ok(())
}

/// Changes and prints what came of it.
///
/// # Errors
/// As [`register`], or nothing is named.
pub fn update(session: &Session, args: &Update) -> Result<u8, Failure> {
    let read = |what: &str, text: &Option<String>| {
        let read = text.as_deref().map(|text| energy(what, text));
        read.transpose().map_err(unusable)
    };
    let meter = args.meter;
    let (zone, kind) = (args.zone, args.kind.map(MeterKind::from));
    let max_export = read("--max-export", &args.max_export)?;
    let max_import = read("--max-import", &args.max_import)?;
    let mut changes = Vec::new();
    changes.extend(zone.map(|z| format!("zone {z}")));
    changes.extend(kind.map(|k| format!("kind {k:?}")));
    changes.extend(max_export.map(|e| format!("at most {} out", show_energy(e))));
    changes.extend(max_import.map(|e| format!("at most {} in", show_energy(e))));
    if changes.is_empty() {
        return Err(Failure::input(anyhow!(
            "nothing to change: name --zone, --kind, --max-export or --max-import"
        )));
    }
    let words = format!("change meter {meter}: {}", changes.join(", "));
    to_pool(
        session,
        &words,
        &ExecuteMsg::UpdateMeter {
            meter,
            zone,
            kind,
            max_export,
            max_import,
        },
    )
}

/// Sets the key and prints what came of it.
///
/// # Errors
/// As [`register`].
pub fn set_device(session: &Session, args: &SetDevice) -> Result<u8, Failure> {
    let (meter, device) = (args.meter, args.device);
    let words = format!("let the device {device} sign for meter {meter}");
    to_pool(session, &words, &ExecuteMsg::SetDevice { meter, device })
}

/// Retires the meter and prints what came of it.
///
/// # Errors
/// As [`register`].
pub fn retire(session: &Session, args: &Named) -> Result<u8, Failure> {
    let meter = args.meter;
    let words = format!("take meter {meter} out of service (by the registrar: give its owner notice of that, or do it when the notice has run out)");
    to_pool(session, &words, &ExecuteMsg::RetireMeter { meter })
}

/// Proposes an owner, and prints what came of it.
///
/// # Errors
/// As [`register`].
pub fn propose_owner(session: &Session, args: &ProposeOwner) -> Result<u8, Failure> {
    let meter = args.meter;
    let owner = args.owner.as_ref();
    let owner = owner.map(|o| session.resolve("--owner", o)).transpose()?;
    let words = match &owner {
        Some(owner) => format!(
            "give the owner of meter {meter} notice that it is to be {owner}'s, who has to accept it"
        ),
        None => format!("withdraw the notice for meter {meter}"),
    };
    to_pool(session, &words, &ExecuteMsg::ProposeOwner { meter, owner })
}

/// Decides on an objection, and prints what came of it.
///
/// # Errors
/// As [`register`].
pub fn decide(session: &Session, args: &Decide) -> Result<u8, Failure> {
    let (meter, uphold) = (args.meter, args.uphold);
    let words = if uphold {
        format!("uphold the objection of meter {meter}'s owner: the notice falls")
    } else {
        format!("reject the objection of meter {meter}'s owner: the notice runs anew")
    };
    to_pool(session, &words, &ExecuteMsg::Decide { meter, uphold })
}

/// All meters, ascending by id.
///
/// # Errors
/// No answer.
pub async fn all(client: &Client, market: &Market) -> Result<Vec<MeterResponse>, Failure> {
    let (mut all, mut start_after) = (Vec::new(), None);
    loop {
        let question = QueryMsg::Meters {
            start_after,
            limit: Some(100),
        };
        let page: MetersResponse = ask(client, &market.pool.address, &question).await?;
        start_after = page.meters.last().map(|m| m.meter);
        let last = page.meters.len() < 100;
        all.extend(page.meters);
        if last {
            return Ok(all);
        }
    }
}

/// A meter in a line or two.
pub fn line(market: &Market, meter: &MeterResponse) -> String {
    let stated = meter.position.stated.map_or_else(
        || "nothing stated".to_owned(),
        |w| format!("stated up to {}", time(w.end(market.window_seconds).get())),
    );
    let agent = if meter.agent.is_some() {
        ""
    } else {
        ", no agent"
    };
    let retired = if meter.retired {
        ", out of service"
    } else {
        ""
    };
    format!(
        "{}  zone {}  {:<8}  {}\n  {stated}{agent}{retired}\n",
        meter.meter,
        meter.zone,
        format!("{:?}", meter.kind).to_lowercase(),
        meter.owner
    )
}

/// What the registrar has announced to the owner, in a line; nothing where there is nothing.
pub fn notice(meter: &MeterResponse) -> String {
    let Some(notice) = &meter.notice else {
        return String::new();
    };
    let what = match (&meter.proposed_owner, notice.retire) {
        (Some(owner), false) => format!("to be given to {owner}"),
        _ => "to be taken out of service".to_owned(),
    };
    let when = if notice.objected {
        "the owner objects, the administrator decides".to_owned()
    } else {
        format!("from {}", time(notice.from.get()))
    };
    format!("  notice: {what}, {when}\n")
}

/// Lists and prints.
///
/// # Errors
/// The input is wrong (exit code 2), or no node answers.
pub fn list(session: &Session, args: &List) -> Result<u8, Failure> {
    let market = session.market()?;
    let owner = args
        .owner
        .as_ref()
        .map(|o| session.resolve("--owner", o))
        .transpose()?;
    block_on(async {
        let client = session.client().await?;
        let mut meters = all(&client, &market).await?;
        meters.retain(|m| {
            owner.as_ref().is_none_or(|o| *o == m.owner)
                && args.zone.is_none_or(|z| z == m.zone)
                && args
                    .agent
                    .as_ref()
                    .is_none_or(|a| m.agent_address.as_ref() == Some(a))
                && (!args.retired || m.retired)
        });
        session.answer(&meters, || {
            let mut text: String = meters.iter().map(|m| line(&market, m)).collect();
            text.push_str(&format!("{} meters\n", meters.len()));
            text
        })
    })
}

/// Shows a meter.
///
/// # Errors
/// There is none, or no node answers.
pub fn show(session: &Session, args: &Named) -> Result<u8, Failure> {
    let market = session.market()?;
    block_on(async {
        let client = session.client().await?;
        let question = QueryMsg::Meter { meter: args.meter };
        let found: MeterResponse = ask(&client, &market.pool.address, &question).await?;
        let value = to_value(&found)?;
        session.answer(&value, || {
            format!(
                "{}  device {}\n  agent {}\n  at most {} out and {} in a window\n{}",
                line(&market, &found),
                found.device,
                found.agent_address.as_deref().unwrap_or("none"),
                show_energy(found.max_export),
                show_energy(found.max_import),
                notice(&found)
            )
        })
    })
}
