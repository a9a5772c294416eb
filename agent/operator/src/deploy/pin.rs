//! Pinning codes by a vote of the chain's governance, where the validators' keys are at hand.

use super::Tell;
use cosmrs::proto::cosmos::gov::v1::{Proposal, ProposalStatus};
use cosmrs::Any;
use std::sync::Arc;
use wattpool_ledger_wasmd::account::{Account, Gas};
use wattpool_ledger_wasmd::ended_well;
use wattpool_ledger_wasmd::error::ChainError;
use wattpool_ledger_wasmd::key::{module_address, Key};
use wattpool_ledger_wasmd::message;

/// Pins codes that are not pinned yet: proposes it (unless that is being voted on already), votes, and waits for the
/// result.
pub(super) async fn pin(
    proposer: &Account,
    voters: Vec<Key>,
    code_ids: &[u64],
    tell: Tell<'_>,
) -> Result<(), ChainError> {
    let client = proposer.client();
    let pinned = client.rpc().pinned_codes().await?;
    let missing: Vec<u64> = code_ids
        .iter()
        .copied()
        .filter(|id| !pinned.contains(id))
        .collect();
    if missing.is_empty() {
        tell("codes: pinned already");
        return Ok(());
    }
    let authority = module_address("gov", &client.settings().prefix)?;
    let wish = message::pin_codes(&authority, missing.clone());
    let id = match pending(proposer, &wish).await? {
        Some(id) => id,
        None => propose(proposer, wish, &missing).await?,
    };
    tell(&format!("codes: proposal {id} to pin {missing:?}"));
    for key in voters {
        let vote = message::vote_yes(key.address(), id);
        let voter = Account::new(Arc::clone(client), key, None);
        ended_well(voter.send(vec![vote], Gas::Simulated).await?)?;
    }
    loop {
        let found = client.rpc().proposal(id).await?;
        let status = found.as_ref().map(Proposal::status);
        match status {
            Some(ProposalStatus::VotingPeriod | ProposalStatus::DepositPeriod) => {}
            Some(ProposalStatus::Passed) => break,
            other => {
                let why = found.map_or_else(String::new, |p| p.failed_reason);
                return Err(ChainError::input(
                    format!("proposal {id}"),
                    format!("expected to pass, it is {other:?} {why}"),
                ));
            }
        }
        let head = client.last_seen().height;
        client.wait_height(head.saturating_add(1)).await?;
    }
    tell("codes: pinned");
    Ok(())
}

/// A proposal with this one message that is being voted on.
async fn pending(proposer: &Account, wish: &Any) -> Result<Option<u64>, ChainError> {
    let voting = ProposalStatus::VotingPeriod.into();
    let proposals = proposer.client().rpc().proposals(voting).await?;
    let same = |p: &&Proposal| matches!(p.messages.as_slice(), [only] if only == wish);
    Ok(proposals.iter().find(same).map(|p| p.id))
}

async fn propose(proposer: &Account, wish: Any, codes: &[u64]) -> Result<u64, ChainError> {
    let deposit = proposer.client().rpc().proposal_deposit().await?;
    let deposit = deposit
        .iter()
        .map(|(amount, denom)| message::coin(*amount, denom))
        .collect();
    let message = message::propose(
        proposer.address(),
        vec![wish],
        deposit,
        "Pin Wattpool's codes",
        &format!("Keeps codes {codes:?} loaded in every node: a trade then costs less gas."),
    );
    let tx = ended_well(proposer.send(vec![message], Gas::Simulated).await?)?;
    let id = tx
        .result
        .events
        .iter()
        .filter(|e| e.kind == "submit_proposal")
        .find_map(|e| e.value("proposal_id")?.parse().ok());
    id.ok_or_else(|| ChainError::input("proposal", "the chain gave it no number"))
}
