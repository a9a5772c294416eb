//! `wattpool wallet combine`.

use super::documents::{put, signer_data, text};
use crate::chain::{unusable, Session};
use crate::Failure;
use std::path::PathBuf;
use wattpool_wallet::multisig;
use wattpool_wallet::tx::Document;

/// Combines members' signatures into a signed transaction.
#[derive(clap::Args)]
pub struct Combine {
    /// The transaction in JSON.
    file: String,
    /// The multisig account: name of its key.
    account: String,
    /// Members' signatures, as `sign --multisig` prints them.
    #[arg(required = true)]
    signatures: Vec<String>,
    /// Where to write the result, instead of standard output.
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
}

/// Combines and prints.
///
/// # Errors
/// A signature is of something else, or they are too few (exit code 2).
pub fn combine(session: &Session, args: &Combine) -> Result<u8, Failure> {
    let document = Document::parse(&args.file, &text(&args.file)?).map_err(unusable)?;
    let account = session.find(&args.account)?.public;
    document.check_signer(&account).map_err(unusable)?;
    let address = document.signer().map_err(unusable)?;
    let data = signer_data(session, &address)?;
    let mut signatures = Vec::new();
    for file in &args.signatures {
        signatures.push((file.clone(), text(file)?));
    }
    let joined = multisig::combine(&document, &account, &data, &signatures).map_err(unusable)?;
    put(
        args.output_document.as_ref(),
        &format!("{}\n", joined.json()),
    )
}
