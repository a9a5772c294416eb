//! Messages to the chain's modules, as protobuf.

use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use cosmrs::proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgRevokeAllowance,
};
use cosmrs::proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use cosmrs::proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2, MsgPinCodes, MsgStoreCode,
};
use cosmrs::proto::prost::{Message, Name};
use cosmrs::proto::Timestamp;
use cosmrs::Any;

/// Type of [`execute`]'s messages, which fee grants are limited to.
pub const EXECUTE_TYPE: &str = "/cosmwasm.wasm.v1.MsgExecuteContract";

/// Wraps a message.
pub fn any<M: Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

/// An amount of a denomination.
pub fn coin(amount: u128, denom: &str) -> Coin {
    Coin {
        denom: denom.to_owned(),
        amount: amount.to_string(),
    }
}

/// Coins as a contract's message names them.
pub fn coins(of: &[cosmwasm_std::Coin]) -> Vec<Coin> {
    let coin = |coin: &cosmwasm_std::Coin| Coin {
        denom: coin.denom.clone(),
        amount: coin.amount.to_string(),
    };
    of.iter().map(coin).collect()
}

/// Calls a contract. `msg`: JSON.
pub fn execute(sender: &str, contract: &str, msg: Vec<u8>, funds: Vec<Coin>) -> Any {
    any(&MsgExecuteContract {
        sender: sender.to_owned(),
        contract: contract.to_owned(),
        msg,
        funds,
    })
}

/// Puts code on the chain.
pub fn store_code(sender: &str, wasm: Vec<u8>) -> Any {
    any(&MsgStoreCode {
        sender: sender.to_owned(),
        wasm_byte_code: wasm,
        instantiate_permission: None,
    })
}

/// What a contract is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instantiation {
    /// Code on the chain.
    pub code_id: u64,
    /// Who may migrate it; none: nobody.
    pub admin: Option<String>,
    /// Name for readers.
    pub label: String,
    /// JSON.
    pub msg: Vec<u8>,
}

/// Makes a contract at an address that the chain counts up.
pub fn instantiate(sender: &str, new: Instantiation) -> Any {
    any(&MsgInstantiateContract {
        sender: sender.to_owned(),
        admin: new.admin.unwrap_or_default(),
        code_id: new.code_id,
        label: new.label,
        msg: new.msg,
        funds: Vec::new(),
    })
}

/// Makes a contract at the address that follows from code, sender and salt: a second time it is refused.
pub fn instantiate_at(sender: &str, new: Instantiation, salt: Vec<u8>) -> Any {
    any(&MsgInstantiateContract2 {
        sender: sender.to_owned(),
        admin: new.admin.unwrap_or_default(),
        code_id: new.code_id,
        label: new.label,
        msg: new.msg,
        funds: Vec::new(),
        salt,
        fix_msg: false,
    })
}

/// Keeps codes loaded in every node; by the governance module.
pub fn pin_codes(authority: &str, code_ids: Vec<u64>) -> Any {
    any(&MsgPinCodes {
        authority: authority.to_owned(),
        code_ids,
    })
}

/// The codes that a message pins; none: it does something else. A chain may write the list in another way than
/// [`pin_codes`] does, so that bytes say nothing.
pub fn codes_pinned_by(message: &Any) -> Option<Vec<u64>> {
    if message.type_url != MsgPinCodes::type_url() {
        return None;
    }
    let pins = MsgPinCodes::decode(message.value.as_slice()).ok()?;
    Some(pins.code_ids)
}

/// Sends coins.
pub fn send(from: &str, to: &str, amount: Vec<Coin>) -> Any {
    any(&MsgSend {
        from_address: from.to_owned(),
        to_address: to.to_owned(),
        amount,
    })
}

/// Proposes messages to the chain's governance.
pub fn propose(
    proposer: &str,
    messages: Vec<Any>,
    deposit: Vec<Coin>,
    title: &str,
    summary: &str,
) -> Any {
    any(&MsgSubmitProposal {
        messages,
        initial_deposit: deposit,
        proposer: proposer.to_owned(),
        metadata: String::new(),
        title: title.to_owned(),
        summary: summary.to_owned(),
        expedited: false,
    })
}

/// Votes yes.
pub fn vote_yes(voter: &str, proposal_id: u64) -> Any {
    any(&MsgVote {
        proposal_id,
        voter: voter.to_owned(),
        option: VoteOption::Yes.into(),
        metadata: String::new(),
    })
}

/// Lets `grantee` pay fees for contract calls from `granter`'s account, up to an amount and, if given, until a
/// Unix time.
pub fn grant_fees(granter: &str, grantee: &str, limit: Vec<Coin>, until: Option<i64>) -> Any {
    let basic = BasicAllowance {
        spend_limit: limit,
        expiration: until.map(|seconds| Timestamp { seconds, nanos: 0 }),
    };
    let allowance = AllowedMsgAllowance {
        allowance: Some(any(&basic)),
        allowed_messages: vec![EXECUTE_TYPE.to_owned()],
    };
    any(&MsgGrantAllowance {
        granter: granter.to_owned(),
        grantee: grantee.to_owned(),
        allowance: Some(any(&allowance)),
    })
}

/// Takes a fee grant back.
pub fn revoke_fees(granter: &str, grantee: &str) -> Any {
    any(&MsgRevokeAllowance {
        granter: granter.to_owned(),
        grantee: grantee.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_the_chain_names_them() {
        let url = |any: Any| any.type_url;
        assert_eq!(url(execute("a", "b", vec![], vec![])), EXECUTE_TYPE);
        assert_eq!(
            url(store_code("a", vec![])),
            "/cosmwasm.wasm.v1.MsgStoreCode"
        );
        assert_eq!(
            url(pin_codes("a", vec![1])),
            "/cosmwasm.wasm.v1.MsgPinCodes"
        );
        assert_eq!(url(send("a", "b", vec![])), "/cosmos.bank.v1beta1.MsgSend");
        assert_eq!(url(vote_yes("a", 1)), "/cosmos.gov.v1.MsgVote");
        assert_eq!(
            url(grant_fees("a", "b", vec![], None)),
            "/cosmos.feegrant.v1beta1.MsgGrantAllowance"
        );
    }
}
