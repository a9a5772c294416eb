//! Who pays an account's fees, and how much of it is left.

use cosmrs::proto::cosmos::feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, Grant};
use cosmrs::proto::prost::Message;

/// What a grant allows: limit, and Unix time at which it ends.
pub fn allowance(grant: &Grant) -> (Option<Vec<(u128, String)>>, Option<u64>) {
    let Some(any) = &grant.allowance else {
        return (None, None);
    };
    let inner = AllowedMsgAllowance::decode(any.value.as_slice())
        .ok()
        .filter(|_| any.type_url.ends_with("AllowedMsgAllowance"))
        .and_then(|a| a.allowance);
    let value = inner.map_or_else(|| any.value.clone(), |inner| inner.value);
    let Ok(basic) = BasicAllowance::decode(value.as_slice()) else {
        return (None, None);
    };
    let limit = basic
        .spend_limit
        .into_iter()
        .filter_map(|c| Some((c.amount.parse().ok()?, c.denom)))
        .collect();
    (
        Some(limit),
        basic.expiration.and_then(|t| u64::try_from(t.seconds).ok()),
    )
}
