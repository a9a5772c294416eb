//! `wattpool owner join`: what a new meter needs, step by step, each only if it is missing.

use super::lines::Lines;
use crate::chain::{block_on, failed, uninvited, unusable, Session};
use crate::market::call;
use crate::wallet::balances::ask;
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::{json, Value};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use wattpool_ledger_wasmd::{Client, Invitation, Market};
use wattpool_schema::escrow::{self, AccountResponse, LimitsChange, MeterBookResponse};
use wattpool_schema::pool::{self, MeterResponse};
use wattpool_schema::{AgentKey, MeterId};
use wattpool_wallet::amount::{money, show_money};
use wattpool_wallet::files;

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(3);

/// Joins a market with a meter.
#[derive(clap::Args)]
pub struct Join {
    /// The meter's id, as the registrar gave it.
    #[arg(long, value_name = "ID", required_unless_present = "invite")]
    meter: Option<MeterId>,
    /// The invitation that you were sent: the market's addresses file is fetched, checked and kept (in --market, or in the wallet's
    /// folder); its nodes are asked if you name none.
    #[arg(long, value_name = "TEXT")]
    invite: Option<String>,
    /// Public key of the agent (`wattpool-agent init` prints it).
    #[arg(long, value_name = "KEY")]
    agent: Option<AgentKey>,
    /// What the escrow is to hold at least for purchases, such as "20 watt".
    #[arg(long, value_name = "AMOUNT")]
    deposit: Option<String>,
    /// Longest to wait for the registration, and then for the first trade, seconds; 0: do not wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    patience: u64,
}

async fn meter(
    client: &Client,
    market: &Market,
    meter: MeterId,
) -> Result<Option<MeterResponse>, Failure> {
    let question = pool::QueryMsg::Meter { meter };
    match client.rpc().smart(&market.pool.address, &question).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.to_string().contains("UNKNOWN_METER") => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

async fn trades(client: &Client, market: &Market, meter: MeterId) -> Result<u64, Failure> {
    let question = escrow::QueryMsg::Meter { meter };
    let book: MeterBookResponse = ask(client, &market.escrow.address, &question).await?;
    Ok(book
        .statistics
        .sales
        .saturating_add(book.statistics.purchases))
}

/// The market of an invitation: its addresses file, which was here already or is fetched, and what else it says. Whatever
/// is not the file that is meant is refused.
fn invited(session: &Session, invitation: &Invitation) -> Result<Session, Failure> {
    let mut options = session.options().clone();
    let file = match &options.market {
        Some(file) => file.clone(),
        None => {
            let short = invitation.sha256.get(..8).unwrap_or_default();
            let name = format!("{}-{short}.json", invitation.chain);
            session.home()?.join("markets").join(name)
        }
    };
    let what = file.display().to_string();
    if invitation.kept(&file).map_err(uninvited)?.is_none() {
        let bytes = block_on(async { invitation.fetch().await.map_err(uninvited) })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // An empty parent is the folder where the program runs.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        files::write(folder, &name, &bytes, false).with_context(|| what.clone())?;
    }
    if options.node.is_empty() {
        options.node.clone_from(&invitation.nodes);
    }
    eprintln!("the market of {} is in {what}", invitation.contact);
    options.market = Some(file);
    Session::new(&options)
}

/// What the registrar has to be sent.
fn registration(address: &str, contact: Option<&str>) -> String {
    let whom = contact.unwrap_or("the registrar");
    format!("send {whom} your address {address}, the meter's number and kind, and its device key and agent address (`wattpool-agent keys`)")
}

/// Does what is missing, and says what is not its to do. Exit code 1 while something is missing.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(session: &Session, args: &Join) -> Result<u8, Failure> {
    let invitation = args.invite.as_deref().map(Invitation::parse).transpose();
    let invitation = invitation.map_err(uninvited)?;
    let of_invitation = invitation
        .as_ref()
        .map(|invitation| invited(session, invitation))
        .transpose()?;
    let session = of_invitation.as_ref().unwrap_or(session);
    let mut lines = Lines::new(session, invitation.as_ref());
    let contact = invitation.as_ref().map(|i| i.contact.as_str());
    let market = session.market()?;
    let wanted = args
        .deposit
        .as_deref()
        .map(|text| money("--deposit", text, &market.denom));
    let wanted = wanted.transpose().map_err(unusable)?;
    if session.options().generate_only || session.options().dry_run {
        return Err(Failure::input(anyhow!(
            "join: its steps follow from each other: neither --dry-run nor --generate-only"
        )));
    }
    let signer = session.signer()?;
    let address = signer.address.clone();
    let Some(id) = args.meter else {
        let missing = format!(
            "the registration: {}; then run this again with --meter ID",
            registration(&address, contact)
        );
        let mut value = json!({"meter": null, "steps": [], "missing": [missing], "trades": 0});
        lines.add_to(&mut value)?;
        let lines = lines.text()?;
        session.answer(&value, || format!("missing: {missing}\n{lines}"))?;
        return Ok(1);
    };
    block_on(async {
        let client = session.client().await?;
        let until = Instant::now().checked_add(Duration::from_secs(args.patience));
        let more = |until: Option<Instant>| until.is_some_and(|u| Instant::now() < u);
        let (mut steps, mut missing): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
        let found = loop {
            match meter(&client, &market, id).await? {
                Some(found) => break found,
                None if more(until) => tokio::time::sleep(LOOK).await,
                None => {
                    return Err(Failure::from(anyhow!(
                        "meter {id}: it is not registered yet: {}",
                        registration(&address, contact)
                    )))
                }
            }
        };
        if found.retired {
            return Err(Failure::from(anyhow!(
                "meter {}: it is out of service: ask the registrar to register it again",
                id
            )));
        }
        let mut current = found;
        let mut do_it =
            async |words: String, contract: &str, msg: Value, funds: Vec<(u128, String)>| {
                let message = call(&address, contract, &msg, &funds)?;
                let sent = session.carry_out(&words, &signer, vec![message]).await?;
                eprintln!("done: {words}");
                let hash = sent.map(|s| s.hash.to_string());
                steps.push(json!({"did": words, "hash": hash}));
                Ok::<(), Failure>(())
            };
        if current.owner != address {
            if current.proposed_owner.as_deref() != Some(address.as_str()) {
                return Err(Failure::from(anyhow!(
                    "meter {}: it is {}'s, and was not offered to {address}",
                    id,
                    current.owner
                )));
            }
            let msg = serde_json::to_value(pool::ExecuteMsg::AcceptOwner { meter: id })?;
            do_it(
                format!("take meter {} over", id),
                &market.pool.address,
                msg,
                Vec::new(),
            )
            .await?;
            current.agent = None;
        }
        match args.agent {
            Some(agent) if current.agent != Some(agent) => {
                let msg = serde_json::to_value(pool::ExecuteMsg::SetAgent {
                    meter: id,
                    agent: Some(agent),
                })?;
                do_it(
                    format!("let the agent {agent} trade for meter {}", id),
                    &market.pool.address,
                    msg,
                    Vec::new(),
                )
                .await?;
            }
            None if current.agent.is_none() => missing.push("an agent: --agent KEY".to_owned()),
            _ => {}
        }
        let question = escrow::QueryMsg::Meter { meter: id };
        let book: MeterBookResponse = ask(&client, &market.escrow.address, &question).await?;
        let tenure = meter(&client, &market, id).await?;
        if tenure.is_none_or(|m| book.tenure != Some(m.tenure)) {
            // Nobody buys for a meter before its owner said so; those limits bind that bind by default.
            let msg = serde_json::to_value(escrow::ExecuteMsg::SetLimits {
                meter: id,
                set: LimitsChange::default(),
                remove: Vec::new(),
            })?;
            do_it(
                format!(
                    "let meter {} buy, within the limits that bind by default",
                    id
                ),
                &market.escrow.address,
                msg,
                Vec::new(),
            )
            .await?;
        }
        let question = escrow::QueryMsg::Account {
            owner: address.clone(),
        };
        let held: AccountResponse = ask(&client, &market.escrow.address, &question).await?;
        if let Some(short) = wanted
            .and_then(|w| w.checked_sub(held.free))
            .filter(|s| !s.is_zero())
        {
            let msg = serde_json::to_value(escrow::ExecuteMsg::Deposit {})?;
            let funds = vec![(u128::from(short.get()), market.denom.clone())];
            do_it(
                format!(
                    "deposit {} into the escrow",
                    show_money(short, &market.denom)
                ),
                &market.escrow.address,
                msg,
                funds,
            )
            .await?;
        }
        let now = meter(&client, &market, id).await?.unwrap_or(current);
        lines.meter(id);
        if let Some(agent) = &now.agent_address {
            let own = client
                .rpc()
                .balance(agent, &market.denom)
                .await
                .map_err(failed)?;
            let grants = client.rpc().fee_grants_to(agent).await.map_err(failed)?;
            if let Some(grant) = grants.first() {
                lines.fee_granter(&grant.granter);
            }
            if own == 0 && grants.is_empty() {
                missing.push(format!("fees for the agent: send {agent} some coins, or ask the operator for a grant (admin grant-fees --to {agent})"));
            }
        }
        if now.position.stated.is_none() {
            missing.push("the first statement: start the agent (wattpool-agent run)".to_owned());
        }
        let mut count = trades(&client, &market, id).await?;
        while count == 0 && more(until) {
            tokio::time::sleep(LOOK).await;
            count = trades(&client, &market, id).await?;
        }
        if count == 0 {
            missing.push("the first trade: it comes by itself once the agent runs and somebody has what it wants".to_owned());
        } else {
            missing.retain(|m| !m.starts_with("the first statement"));
        }
        let agent = &now.agent_address;
        let mut value = json!({
            "meter": id, "agent": agent, "steps": steps, "missing": missing, "trades": count,
        });
        lines.add_to(&mut value)?;
        let lines = lines.text()?;
        session.answer(&value, || {
            let mut text = format!("meter {}: {count} trades\n", id);
            if let Some(agent) = agent {
                text.push_str(&format!("  agent {agent}\n"));
            }
            for line in &missing {
                text.push_str(&format!("  missing: {line}\n"));
            }
            text.push_str(&lines);
            text
        })?;
        Ok(u8::from(!missing.is_empty()))
    })
}
