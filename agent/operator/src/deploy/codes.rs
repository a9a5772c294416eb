//! The contracts' code: from files, by checksum, onto the chain.

use super::Tell;
use sha2::{Digest, Sha256};
use std::path::Path;
use wattpool_ledger_wasmd::account::Account;
use wattpool_ledger_wasmd::error::ChainError;
use wattpool_ledger_wasmd::message;

/// The three contracts, by the names of their files without `.wasm`.
pub const CONTRACTS: [&str; 3] = ["energy_token", "energy_pool", "trade_escrow"];

/// A contract's code.
#[derive(Clone)]
pub struct Code {
    /// Name of its file without `.wasm`.
    pub name: &'static str,
    /// The file.
    pub wasm: Vec<u8>,
    /// SHA-256 of it.
    pub checksum: [u8; 32],
}

/// Reads the three files from a folder and compares them with its `checksums.txt`, as `scripts/build-contracts`
/// writes both.
///
/// # Errors
/// A file is missing, or is not the one that the checksum is of.
pub fn read_codes(folder: &Path) -> Result<[Code; 3], ChainError> {
    let list = folder.join("checksums.txt");
    let sums = std::fs::read_to_string(&list)
        .map_err(|e| ChainError::input(list.display().to_string(), e))?;
    let read = |name: &'static str| {
        let path = folder.join(format!("{name}.wasm"));
        let named = |why: String| ChainError::input(path.display().to_string(), why);
        let wasm = std::fs::read(&path).map_err(|e| named(e.to_string()))?;
        let checksum: [u8; 32] = Sha256::digest(&wasm).into();
        let found = hex::encode(checksum);
        let listed = sums.lines().find_map(|line| {
            let (sum, file) = line.split_once(char::is_whitespace)?;
            (file.trim().trim_start_matches('*') == format!("{name}.wasm")).then_some(sum)
        });
        match listed {
            Some(sum) if sum == found => Ok(Code {
                name,
                wasm,
                checksum,
            }),
            Some(sum) => Err(named(format!(
                "expected checksum {sum} by {}, found {found}",
                list.display()
            ))),
            None => Err(named(format!("not listed in {}", list.display()))),
        }
    };
    let [token, pool, escrow] = CONTRACTS;
    Ok([read(token)?, read(pool)?, read(escrow)?])
}

/// The code's id on the chain; uploads it if the chain does not know it yet.
///
/// # Errors
/// The chain refuses it.
pub async fn upload(account: &Account, code: &Code, tell: Tell<'_>) -> Result<u64, ChainError> {
    if let Some(id) = known(account, code).await? {
        tell(&format!("{}: on the chain already, code {id}", code.name));
        return Ok(id);
    }
    tell(&format!(
        "{}: uploading {} bytes",
        code.name,
        code.wasm.len()
    ));
    let message = message::store_code(account.address(), code.wasm.clone());
    account
        .ensure(async || known(account, code).await, vec![message])
        .await
}

async fn known(account: &Account, code: &Code) -> Result<Option<u64>, ChainError> {
    let codes = account.client().rpc().codes().await?;
    let same = codes.iter().find(|c| c.data_hash == code.checksum);
    Ok(same.map(|c| c.code_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_must_be_the_ones_of_the_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_codes(folder.path()).err().unwrap().to_string();
        assert!(error.contains("checksums.txt"), "{error}");
        let mut sums = String::new();
        for name in CONTRACTS {
            std::fs::write(folder.path().join(format!("{name}.wasm")), name).unwrap();
            sums += &format!("{}  {name}.wasm\n", hex::encode(Sha256::digest(name)));
        }
        std::fs::write(folder.path().join("checksums.txt"), &sums).unwrap();
        let codes = read_codes(folder.path()).ok().unwrap();
        assert_eq!(codes[1].wasm, b"energy_pool");
        std::fs::write(folder.path().join("energy_pool.wasm"), "altered").unwrap();
        let error = read_codes(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains("energy_pool.wasm: expected checksum"),
            "{error}"
        );
        std::fs::write(folder.path().join("checksums.txt"), "").unwrap();
        let error = read_codes(folder.path()).err().unwrap().to_string();
        assert!(error.contains("energy_token.wasm: not listed"), "{error}");
    }
}
