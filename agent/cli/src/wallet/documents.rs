//! Transactions between machines: generated on one, signed on another, broadcast from a third.

use crate::chain::{block_on, unusable, Session};
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use std::io::Read;
use std::path::PathBuf;
use wattpool_wallet::send;
use wattpool_wallet::tx::{Document, SignerData, MOST_BYTES};

/// Signs a transaction.
#[derive(clap::Args)]
pub struct Sign {
    /// The transaction in JSON; - is standard input.
    file: String,
    /// Sign as a member of this account (name of the multisig key), and print the signature alone.
    #[arg(long, value_name = "KEY")]
    multisig: Option<String>,
    /// Where to write the result, instead of standard output.
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
}

/// Broadcasts a transaction.
#[derive(clap::Args)]
pub struct Broadcast {
    /// The signed transaction in JSON; - is standard input.
    file: String,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// It cannot be read.
pub fn text(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(MOST_BYTES).read_to_string(&mut text))
    };
    read.with_context(|| file.to_owned())
        .map_err(Failure::input)?;
    Ok(text)
}

/// What a signature is to be valid for: as the options say, or as the chain says.
///
/// # Errors
/// An option is missing offline, or no node answers.
pub fn signer_data(session: &Session, address: &str) -> Result<SignerData, Failure> {
    let options = session.options();
    if options.offline {
        let chain_id = options.chain_id.clone();
        let (Some(chain_id), Some(account_number), Some(sequence)) =
            (chain_id, options.account_number, options.sequence)
        else {
            let error =
                anyhow!("--offline: --chain-id, --account-number and --sequence are needed too");
            return Err(Failure::input(error));
        };
        return Ok(SignerData {
            chain_id,
            account_number,
            sequence,
        });
    }
    block_on(async {
        let client = session.client().await?;
        let mut data = send::signer_data(&client, address)
            .await
            .map_err(unusable)?;
        data.account_number = options.account_number.unwrap_or(data.account_number);
        data.sequence = options.sequence.unwrap_or(data.sequence);
        Ok(data)
    })
}

/// Prints a document, or writes it.
///
/// # Errors
/// It cannot be written.
pub fn put(to: Option<&PathBuf>, text: &str) -> Result<u8, Failure> {
    match to {
        Some(file) => std::fs::write(file, text).with_context(|| file.display().to_string())?,
        None => print(text)?,
    }
    Ok(0)
}

/// Signs and prints.
///
/// # Errors
/// It is no transaction, another account has to sign, or the passphrase is wrong (exit code 2).
pub fn sign(session: &Session, args: &Sign) -> Result<u8, Failure> {
    let document = Document::parse(&args.file, &text(&args.file)?).map_err(unusable)?;
    let Some(info) = session.signer()?.info else {
        return Err(Failure::input(anyhow!(
            "--from: expected a key of this keystore"
        )));
    };
    let signed = match &args.multisig {
        None => {
            document.check_signer(&info.public).map_err(unusable)?;
            let address = document.signer().map_err(unusable)?;
            let data = signer_data(session, &address)?;
            let secret = session.secret(&info.name)?;
            let signed = document
                .sign(&secret, session.mode(), &data)
                .map_err(unusable)?;
            signed.json().clone()
        }
        Some(account) => {
            let account = session.find(account)?.public;
            document.check_signer(&account).map_err(unusable)?;
            let address = document.signer().map_err(unusable)?;
            let data = signer_data(session, &address)?;
            let secret = session.secret(&info.name)?;
            wattpool_wallet::multisig::sign(&document, &account, &secret, &data)
                .map_err(unusable)?
        }
    };
    put(args.output_document.as_ref(), &format!("{signed}\n"))
}

/// Broadcasts and prints what came of it.
///
/// # Errors
/// It is not signed, or the chain refuses it.
pub fn broadcast(session: &Session, args: &Broadcast) -> Result<u8, Failure> {
    let document = Document::parse(&args.file, &text(&args.file)?).map_err(unusable)?;
    document.bytes().map_err(unusable)?;
    block_on(async {
        let client = session.client().await?;
        let sent = send::broadcast(&client, &document, session.wait()).await;
        let sent = sent.and_then(send::ended_well).map_err(unusable)?;
        session.print_sent("transaction", &sent)
    })
}
