//! What is told of amounts, times and refusals.

use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::Value;
use std::future::Future;
use wattpool_ledger_wasmd::error::sdk;
use wattpool_ledger_wasmd::{ChainError, InvitationError};
use wattpool_schema::error::{Class, Code};
use wattpool_wallet::WalletError;

/// A warning: one line on stderr.
pub fn warn(text: &str) {
    eprintln!("wattpool: warning: {text}");
}

/// Amounts as JSON.
pub fn amounts(list: &[(u128, String)]) -> Value {
    wattpool_wallet::tx::coins(list)
}

/// Unix time for people, UTC.
pub fn time(seconds: u64) -> String {
    let found = i64::try_from(seconds)
        .ok()
        .and_then(|s| chrono::DateTime::from_timestamp(s, 0));
    found.map_or_else(
        || format!("second {seconds}"),
        |t| t.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Runs a command's future on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("runtime")?
        .block_on(future)
}

/// What the wallet refused, with the exit code: 2 where the input is to be changed.
pub fn unusable(error: WalletError) -> Failure {
    match error {
        WalletError::Chain(error) => failed(error),
        WalletError::Input { .. } => Failure::input(error),
        WalletError::Failed { .. } | WalletError::Unsettled { .. } => Failure::from(error),
    }
}

/// What a contract itself said, without the layers that passed it on; with the transaction, where it was in a block.
fn own_words(log: &str, code: Code) -> String {
    let said = log
        .split_once(&format!("[{code}]"))
        .map_or(log, |(_, rest)| rest);
    let said = said
        .split(": execute wasm contract failed")
        .next()
        .unwrap_or(log);
    let said = said.trim();
    match log.split_once(": ") {
        Some((which, _)) if which.contains(" failed in block ") => format!("{which}: {said}"),
        _ => said.to_owned(),
    }
}

/// What the chain or its adapter refused, with the exit code: 2 where the input is to be changed.
pub fn failed(error: ChainError) -> Failure {
    let input = matches!(
        error,
        ChainError::Input { .. } | ChainError::WrongChain { .. }
    );
    let code = match &error {
        ChainError::Refused { log, .. } => Code::in_text(log),
        _ => None,
    };
    let hint = match error.class() {
        Class::Retry => " (it may succeed later)",
        Class::Refuse | Class::Fatal => "",
    };
    let text = match (&error, code) {
        (ChainError::Refused { log, .. }, Some(code)) => {
            format!("the market refuses with {code}: {}", own_words(log, code))
        }
        (ChainError::Refused { log, .. }, None) if error.is_sdk(sdk::INSUFFICIENT_FUNDS) => {
            format!("the account holds too little: {log}")
        }
        _ => format!("{error}{hint}"),
    };
    let error = anyhow!(text);
    if input {
        Failure::input(error)
    } else {
        Failure::from(error)
    }
}

/// What is wrong with an invitation, with the exit code: 2 where the input is to be changed.
pub fn uninvited(error: InvitationError) -> Failure {
    match error {
        InvitationError::Wrong(_) => Failure::input(error),
        InvitationError::Unreachable(_) => Failure::from(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_quoted_in_its_own_words() {
        let log = "failed to execute message; message index: 0: [NOTHING_DUE] no credit is due: execute wasm contract failed";
        let refused = |log: String| {
            let error = ChainError::Refused {
                codespace: "wasm".to_owned(),
                code: 5,
                log,
            };
            failed(error).error.to_string()
        };
        assert_eq!(
            refused(log.to_owned()),
            "the market refuses with NOTHING_DUE: no credit is due"
        );
        assert_eq!(
            refused(format!("transaction AB failed in block 7: {log}")),
            "the market refuses with NOTHING_DUE: transaction AB failed in block 7: no credit is due"
        );
        let foreign = refused("out of gas".to_owned());
        assert!(foreign.contains("wasm/5: out of gas"), "{foreign}");
    }
}
