//! Pinning codes by a vote of the chain's governance, where the validators' keys are at hand.

use super::Tell;
use cosmrs::proto::cosmos::gov::v1::{Proposal, ProposalStatus};
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
    let missing = unpinned(proposer, code_ids).await?;
    if missing.is_empty() {
        tell("codes: pinned already");
        return Ok(());
    }
    let Some(id) = propose(proposer, &missing).await? else {
        tell("codes: pinned");
        return Ok(());
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

async fn unpinned(proposer: &Account, codes: &[u64]) -> Result<Vec<u64>, ChainError> {
    let pinned = proposer.client().rpc().pinned_codes().await?;
    let missing = codes.iter().copied().filter(|id| !pinned.contains(id));
    Ok(missing.collect())
}

/// A proposal to pin just these codes that is being voted on.
async fn pending(proposer: &Account, codes: &[u64]) -> Result<Option<u64>, ChainError> {
    let voting = ProposalStatus::VotingPeriod.into();
    let proposals = proposer.client().rpc().proposals(voting).await?;
    let same = |p: &&Proposal| match p.messages.as_slice() {
        [only] => message::codes_pinned_by(only).is_some_and(|pinned| pinned == codes),
        _ => false,
    };
    Ok(proposals.iter().find(same).map(|p| p.id))
}

/// The number of the proposal to pin these codes, made if there is none; none: they are pinned by now.
async fn propose(proposer: &Account, codes: &[u64]) -> Result<Option<u64>, ChainError> {
    let client = proposer.client();
    let authority = module_address("gov", &client.settings().prefix)?;
    let deposit = client.rpc().proposal_deposit().await?;
    let deposit = deposit
        .iter()
        .map(|(amount, denom)| message::coin(*amount, denom))
        .collect();
    let message = message::propose(
        proposer.address(),
        vec![message::pin_codes(&authority, codes.to_vec())],
        deposit,
        "Pin Wattpool's codes",
        &format!("Keeps codes {codes:?} loaded in every node: a trade then costs less gas."),
    );
    let done = async || {
        if let Some(id) = pending(proposer, codes).await? {
            return Ok(Some(Some(id)));
        }
        let passed = unpinned(proposer, codes).await?.is_empty();
        Ok(passed.then_some(None))
    };
    proposer.ensure(done, vec![message]).await
}
