//! A transaction: messages, fee, signature (`SIGN_MODE_DIRECT`).

use crate::error::ChainError;
use crate::key::Key;
use cosmrs::tx::{Body, Fee, SignDoc, SignerInfo};
use cosmrs::{Any, Coin};
use std::fmt;
use std::str::FromStr;

/// What a unit of gas costs: billionths of the denomination's base unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// Billionths of a base unit per gas.
    pub nanos: u64,
    /// Denomination.
    pub denom: String,
}

impl GasPrice {
    /// The fee for so much gas, rounded up.
    pub fn fee(&self, gas: u64) -> u128 {
        u128::from(gas)
            .saturating_mul(u128::from(self.nanos))
            .div_ceil(1_000_000_000)
    }
}

impl FromStr for GasPrice {
    type Err = ChainError;

    /// Such as `0.025uwatt`: at most nine decimals.
    fn from_str(text: &str) -> Result<Self, ChainError> {
        let bad = || {
            ChainError::input(
                "gas price",
                format!("expected such as 0.025uwatt, at most nine decimals, found {text:?}"),
            )
        };
        let split = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(bad)?;
        let (number, denom) = text.split_at(split);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 9 || denom.parse::<cosmrs::Denom>().is_err() {
            return Err(bad());
        }
        let digits = format!("{whole}{fraction:0<9}");
        let nanos = digits.parse().map_err(|_| bad())?;
        Ok(Self {
            nanos,
            denom: denom.to_owned(),
        })
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.nanos / 1_000_000_000, self.nanos % 1_000_000_000);
        if rest == 0 {
            return write!(f, "{whole}{}", self.denom);
        }
        let rest = format!("{rest:09}");
        write!(f, "{whole}.{}{}", rest.trim_end_matches('0'), self.denom)
    }
}

/// What is signed besides the messages.
#[derive(Clone, Debug)]
pub struct Signing<'a> {
    /// Chain id.
    pub chain_id: &'a str,
    /// The account's number.
    pub account_number: u64,
    /// The account's sequence.
    pub sequence: u64,
    /// Gas limit.
    pub gas: u64,
    /// Price of gas; the fee is gas × price.
    pub price: &'a GasPrice,
    /// Who pays the fee, by a fee grant.
    pub granter: Option<&'a str>,
    /// Last height at which it may be executed.
    pub timeout_height: u64,
}

/// The bytes of a signed transaction.
///
/// # Errors
/// The chain id, the denomination or the granter's address is malformed.
pub fn sign(messages: Vec<Any>, key: &Key, with: &Signing<'_>) -> Result<Vec<u8>, ChainError> {
    sign_doc(messages, key, with)?
        .sign(key.signing())
        .and_then(|raw| raw.to_bytes())
        .map_err(|e| ChainError::input("transaction", e))
}

fn sign_doc(messages: Vec<Any>, key: &Key, with: &Signing<'_>) -> Result<SignDoc, ChainError> {
    let height = cosmrs::tendermint::block::Height::try_from(with.timeout_height)
        .map_err(|e| ChainError::input("timeout height", e))?;
    let body = Body::new(messages, "", height);
    let denom = with
        .price
        .denom
        .parse()
        .map_err(|e| ChainError::input("gas price", e))?;
    let amount = with.price.fee(with.gas);
    let amount = if amount == 0 {
        Vec::new()
    } else {
        vec![Coin { denom, amount }]
    };
    let granter = with
        .granter
        .map(str::parse)
        .transpose()
        .map_err(|e| ChainError::input("fee granter", e))?;
    let fee = Fee {
        amount,
        gas_limit: with.gas,
        payer: None,
        granter,
    };
    let auth = SignerInfo::single_direct(Some(key.public_key()), with.sequence).auth_info(fee);
    let chain_id = with
        .chain_id
        .parse()
        .map_err(|e| ChainError::input(format!("chain id {:?}", with.chain_id), e))?;
    SignDoc::new(&body, &auth, &chain_id, with.account_number)
        .map_err(|e| ChainError::input("transaction", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_prices() {
        let price: GasPrice = "0.025uwatt".parse().unwrap();
        assert_eq!(price.nanos, 25_000_000);
        assert_eq!(price.fee(200_001), 5_001);
        assert_eq!(price.to_string(), "0.025uwatt");
        let whole: GasPrice = "2uwatt".parse().unwrap();
        assert_eq!(whole.fee(3), 6);
        assert_eq!(whole.to_string(), "2uwatt");
        assert_eq!("0uwatt".parse::<GasPrice>().unwrap().fee(u64::MAX), 0);
        for bad in [
            "",
            "uwatt",
            "0.025",
            ".5uwatt",
            "0.0000000001uwatt",
            "1.2.3uwatt",
            "-1uwatt",
            "1 u",
            "99999999999999uwatt",
        ] {
            assert!(bad.parse::<GasPrice>().is_err(), "{bad:?}");
        }
    }
}
