//! The chain's messages, as JSON that [`crate::codec`] encodes.

use crate::tx::coins;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};

/// Sends coins.
pub fn send(from: &str, to: &str, amount: &[(u128, String)]) -> Value {
    json!({
        "@type": "/cosmos.bank.v1beta1.MsgSend",
        "from_address": from,
        "to_address": to,
        "amount": coins(amount),
    })
}

/// Calls a contract.
pub fn execute(sender: &str, contract: &str, msg: Value, funds: &[(u128, String)]) -> Value {
    json!({
        "@type": "/cosmwasm.wasm.v1.MsgExecuteContract",
        "sender": sender,
        "contract": contract,
        "msg": msg,
        "funds": coins(funds),
    })
}

/// Gives a contract another code; by its administrator.
pub fn migrate(sender: &str, contract: &str, code_id: u64, msg: Value) -> Value {
    json!({
        "@type": "/cosmwasm.wasm.v1.MsgMigrateContract",
        "sender": sender,
        "contract": contract,
        "code_id": code_id.to_string(),
        "msg": msg,
    })
}

/// Keeps codes loaded in every node; by the chain's governance.
pub fn pin_codes(authority: &str, codes: &[u64]) -> Value {
    let codes: Vec<String> = codes.iter().map(u64::to_string).collect();
    json!({
        "@type": "/cosmwasm.wasm.v1.MsgPinCodes",
        "authority": authority,
        "code_ids": codes,
    })
}

/// Halts every node before block `height` until it runs the program that knows the upgrade of this name; by the chain's
/// governance. `info`: where the program is, for whoever (or whatever) fetches it.
pub fn upgrade(authority: &str, name: &str, height: u64, info: &str) -> Value {
    json!({
        "@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        "authority": authority,
        "plan": {
            "name": name,
            // The chain takes heights alone; the field of old has to say that it is not set.
            "time": "0001-01-01T00:00:00Z",
            "height": height.to_string(),
            "info": info,
            "upgraded_client_state": null,
        },
    })
}

/// Gives up the upgrade that is planned; by the chain's governance.
pub fn cancel_upgrade(authority: &str) -> Value {
    json!({"@type": "/cosmos.upgrade.v1beta1.MsgCancelUpgrade", "authority": authority})
}

/// Proposes messages to the chain's governance.
pub fn propose(
    proposer: &str,
    messages: Vec<Value>,
    deposit: &[(u128, String)],
    title: &str,
    summary: &str,
) -> Value {
    json!({
        "@type": "/cosmos.gov.v1.MsgSubmitProposal",
        "messages": messages,
        "initial_deposit": coins(deposit),
        "proposer": proposer,
        "metadata": "",
        "title": title,
        "summary": summary,
        "expedited": false,
    })
}

/// Votes; `option`: `VOTE_OPTION_YES` and so on.
pub fn vote(voter: &str, proposal: u64, option: &str) -> Value {
    json!({
        "@type": "/cosmos.gov.v1.MsgVote",
        "proposal_id": proposal.to_string(),
        "voter": voter,
        "option": option,
        "metadata": "",
    })
}

/// Adds to a proposal's deposit.
pub fn deposit(depositor: &str, proposal: u64, amount: &[(u128, String)]) -> Value {
    json!({
        "@type": "/cosmos.gov.v1.MsgDeposit",
        "proposal_id": proposal.to_string(),
        "depositor": depositor,
        "amount": coins(amount),
    })
}

/// Stakes with a validator.
pub fn delegate(delegator: &str, validator: &str, amount: &(u128, String)) -> Value {
    staking("MsgDelegate", delegator, validator, amount)
}

/// Takes stake back from a validator; it is free after the unbonding time.
pub fn undelegate(delegator: &str, validator: &str, amount: &(u128, String)) -> Value {
    staking("MsgUndelegate", delegator, validator, amount)
}

fn staking(
    name: &str,
    delegator: &str,
    validator: &str,
    (amount, denom): &(u128, String),
) -> Value {
    json!({
        "@type": format!("/cosmos.staking.v1beta1.{name}"),
        "delegator_address": delegator,
        "validator_address": validator,
        "amount": {"denom": denom, "amount": amount.to_string()},
    })
}

/// Moves stake to another validator.
pub fn redelegate(
    delegator: &str,
    from: &str,
    to: &str,
    (amount, denom): &(u128, String),
) -> Value {
    json!({
        "@type": "/cosmos.staking.v1beta1.MsgBeginRedelegate",
        "delegator_address": delegator,
        "validator_src_address": from,
        "validator_dst_address": to,
        "amount": {"denom": denom, "amount": amount.to_string()},
    })
}

/// Takes a delegator's rewards out.
pub fn withdraw_rewards(delegator: &str, validator: &str) -> Value {
    json!({
        "@type": "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
        "delegator_address": delegator,
        "validator_address": validator,
    })
}

/// Takes a validator's commission out.
pub fn withdraw_commission(validator: &str) -> Value {
    json!({
        "@type": "/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission",
        "validator_address": validator,
    })
}

/// Lets a jailed validator sign again.
pub fn unjail(validator: &str) -> Value {
    json!({"@type": "/cosmos.slashing.v1beta1.MsgUnjail", "validator_addr": validator})
}

/// How a validator describes itself; in an edit, `[do-not-modify]` leaves a line as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub moniker: String,
    /// Where its identity can be checked.
    pub identity: String,
    /// Its site.
    pub website: String,
    /// Whom to write to.
    pub security_contact: String,
    /// Anything else.
    pub details: String,
}

impl Description {
    fn json(&self) -> Value {
        json!({
            "moniker": self.moniker,
            "identity": self.identity,
            "website": self.website,
            "security_contact": self.security_contact,
            "details": self.details,
        })
    }
}

/// A new validator.
pub struct NewValidator {
    /// Its operator's address.
    pub operator: String,
    /// Its node's consensus key (ed25519).
    pub consensus: [u8; 32],
    /// What it says of itself.
    pub description: Description,
    /// Commission now, at most, and the most that it may change a day: decimals such as `0.1`.
    pub commission: [String; 3],
    /// Least stake of its own, base units.
    pub least_own_stake: u128,
    /// Stake of its own to begin with.
    pub stake: (u128, String),
}

/// Makes a validator.
pub fn create_validator(new: &NewValidator) -> Value {
    let [rate, max_rate, max_change_rate] = &new.commission;
    json!({
        "@type": "/cosmos.staking.v1beta1.MsgCreateValidator",
        "description": new.description.json(),
        "commission": {"rate": rate, "max_rate": max_rate, "max_change_rate": max_change_rate},
        "min_self_delegation": new.least_own_stake.to_string(),
        "delegator_address": "",
        "validator_address": new.operator,
        "pubkey": {"@type": crate::key::ED25519, "key": STANDARD.encode(new.consensus)},
        "value": {"denom": new.stake.1, "amount": new.stake.0.to_string()},
    })
}

/// Changes what a validator says of itself, its commission or least own stake.
pub fn edit_validator(
    operator: &str,
    description: &Description,
    rate: Option<&str>,
    least_own_stake: Option<u128>,
) -> Value {
    let mut message = json!({
        "@type": "/cosmos.staking.v1beta1.MsgEditValidator",
        "description": description.json(),
        "validator_address": operator,
        "commission_rate": null,
        "min_self_delegation": null,
    });
    if let Some(object) = message.as_object_mut() {
        if let Some(rate) = rate {
            object.insert("commission_rate".to_owned(), rate.into());
        }
        if let Some(least) = least_own_stake {
            object.insert("min_self_delegation".to_owned(), least.to_string().into());
        }
    }
    message
}

/// Lets `grantee` pay fees of contract calls from `granter`'s account, up to an amount and, if given, until a time
/// (RFC 3339).
pub fn grant_fees(
    granter: &str,
    grantee: &str,
    limit: &[(u128, String)],
    until: Option<&str>,
) -> Value {
    json!({
        "@type": "/cosmos.feegrant.v1beta1.MsgGrantAllowance",
        "granter": granter,
        "grantee": grantee,
        "allowance": {
            "@type": "/cosmos.feegrant.v1beta1.AllowedMsgAllowance",
            "allowance": {
                "@type": "/cosmos.feegrant.v1beta1.BasicAllowance",
                "spend_limit": coins(limit),
                "expiration": until,
            },
            "allowed_messages": ["/cosmwasm.wasm.v1.MsgExecuteContract"],
        },
    })
}

/// Takes a fee grant back.
pub fn revoke_fees(granter: &str, grantee: &str) -> Value {
    json!({
        "@type": "/cosmos.feegrant.v1beta1.MsgRevokeAllowance",
        "granter": granter,
        "grantee": grantee,
    })
}
