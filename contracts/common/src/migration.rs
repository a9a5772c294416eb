//! Moving to other code. Everything that is stored stays; only newer code of the same contract may take over.

use crate::records;
use cosmwasm_std::Storage;
use wattpool_schema::error::MarketError;
use wattpool_schema::stored::{LAYOUT, LAYOUT_VERSION};

/// Notes name and version of the code, and the layout of what it stores.
///
/// # Errors
/// Storage only.
pub fn begin(storage: &mut dyn Storage, name: &str, version: &str) -> Result<(), MarketError> {
    records::save(storage, LAYOUT, &LAYOUT_VERSION);
    Ok(cw2::set_contract_version(storage, name, version)?)
}

/// Takes over what the same contract stored, in this version or an older one.
///
/// # Errors
/// `WRONG_CONTRACT` when it is another contract's, `DOWNGRADE` when it is of a newer version or of none.
pub fn migrate(storage: &mut dyn Storage, name: &str, version: &str) -> Result<(), MarketError> {
    let found = cw2::get_contract_version(storage)?;
    if found.contract != name {
        return Err(MarketError::WrongContract {
            found: found.contract,
        });
    }
    let newer = |stored: &str| Some(parts(stored)? > parts(version)?);
    if newer(&found.version) != Some(false) {
        return Err(MarketError::Downgrade {
            stored: found.version,
            code: version.to_owned(),
        });
    }
    begin(storage, name, version)
}

/// A version's three numbers.
fn parts(version: &str) -> Option<[u64; 3]> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    let parts = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;
    use wattpool_schema::error::Code;

    #[test]
    fn only_newer_code_of_the_same_contract_takes_over() {
        let moved = |name: &str, from: &str, to: &str| {
            let mut storage = MockStorage::new();
            begin(&mut storage, "a", from).unwrap();
            let result = migrate(&mut storage, name, to).map_err(|e| e.code());
            let now = cw2::get_contract_version(&storage).unwrap().version;
            assert_eq!(now, if result.is_ok() { to } else { from });
            result
        };
        for to in ["0.1.0", "0.1.1", "0.2.0", "0.10.0", "1.0.0"] {
            assert_eq!(moved("a", "0.1.0", to), Ok(()), "{to}");
        }
        for (from, to) in [("0.1.1", "0.1.0"), ("0.10.0", "0.9.9"), ("2.0.0", "1.9.9")] {
            assert_eq!(moved("a", from, to), Err(Code::Downgrade), "{from} to {to}");
        }
        for odd in ["1.0", "1.0.0.0", "1.0.0-rc1", ""] {
            assert_eq!(moved("a", odd, "9.0.0"), Err(Code::Downgrade), "{odd}");
        }
        assert_eq!(moved("b", "0.1.0", "0.2.0"), Err(Code::WrongContract));
        assert!(migrate(&mut MockStorage::new(), "a", "0.1.0").is_err());
    }
}
