//! `wattpool explorer`: a market, shown to everybody.

mod file;
mod node;

use crate::audit::trade::trusted;
use crate::audit::Range;
use crate::chain::{block_on, unusable, Options, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{signal, SignalKind};
use wattpool_explorer::{Explorer, IndexError, Shown, Signer, Source};
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::adr36;

/// Shows a market.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    options: Options,
    /// Show a finished simulation that ran with --record (its folder), or an export, instead of a chain.
    #[arg(long, value_name = "DIR|FILE")]
    run: Option<PathBuf>,
    /// Address to answer on. Others than this machine's see the site without TLS: put a proxy before it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8660")]
    listen: SocketAddr,
    /// Answer under this name, too, beside addresses and localhost (repeat it).
    #[arg(long, value_name = "HOST")]
    name: Vec<String>,
    /// The index [default: wattpool-explorer.sqlite; of a simulation, explorer.sqlite in its folder].
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// What one coin is called on the site, such as EUR [default: WATT].
    #[arg(long, value_name = "NAME", default_value = "WATT")]
    currency: String,
    /// First block; without it, the one that the market was made in, or the oldest that the node still has.
    #[arg(long, value_name = "HEIGHT", conflicts_with = "run")]
    from_height: Option<u64>,
    /// Block that you trust, HEIGHT:HASH, to prove trades from; without it the one of the market's addresses file.
    #[arg(long, value_name = "HEIGHT:HASH", conflicts_with = "run")]
    trusted: Option<String>,
}

/// What the index refuses, with the exit code: 2 where another file is to be named.
fn unindexed(error: IndexError) -> Failure {
    match &error {
        IndexError::Foreign(_) | IndexError::Other { .. } | IndexError::Twice { .. } => {
            Failure::input(error)
        }
        IndexError::Sqlite(_) | IndexError::Gap { .. } | IndexError::Broken(_) => {
            Failure::from(error)
        }
    }
}

/// Serves until it is stopped.
///
/// # Errors
/// The address is not to be had, the source is none, the index is of another one (exit code 2), or no node answers.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let session = &Session::new(&args.options)?;
    let name = &args.currency;
    let is_name =
        (1..=8).contains(&name.chars().count()) && name.chars().all(char::is_alphanumeric);
    if !is_name {
        return Err(Failure::input(anyhow!(
            "--currency: expected 1 to 8 letters or digits, found {name:?}"
        )));
    }
    let signer = signer(session)?;
    block_on(async {
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.with_context(|| format!("--listen {}", args.listen))?;
        let shown = |source| Shown {
            source,
            currency: args.currency.clone(),
        };
        match &args.run {
            Some(run) => {
                let file = file::Recorded::find(run, args.index.clone())?;
                let explorer = Explorer::new(file.index()?, shown(Source::File), None, signer);
                let explorer = Arc::new(explorer.map_err(unindexed)?);
                let feed = file.feed(Arc::clone(&explorer));
                serve(session, args, listener, explorer, feed).await
            }
            None => {
                let market = session.market()?;
                let origin = match trusted(args.trusted.as_deref(), &market) {
                    Ok(origin) => Some(origin),
                    Err(failure) if args.trusted.is_some() => return Err(failure),
                    // The site works without proofs.
                    Err(_) => None,
                };
                let client = session.client().await?;
                let index = args
                    .index
                    .clone()
                    .unwrap_or_else(|| "wattpool-explorer.sqlite".into());
                let range = Range {
                    from_height: args.from_height,
                    to_height: None,
                };
                let node = node::Node::open(client, market, range, &index).await?;
                let live = node.live(origin);
                let explorer =
                    Explorer::new(node.index()?, shown(Source::Node), Some(live), signer);
                let explorer = Arc::new(explorer.map_err(unindexed)?);
                let feed = node.feed(Arc::clone(&explorer));
                serve(session, args, listener, explorer, feed).await
            }
        }
    })
}

/// The auditor's key, if one is named.
fn signer(session: &Session) -> Result<Option<Signer>, Failure> {
    if session.options().from.is_none() {
        return Ok(None);
    }
    let signer = session.signer()?;
    let info = signer
        .info
        .ok_or_else(|| Failure::input(anyhow!("--from: expected a key of this keystore")))?;
    let secret = session.secret(&info.name)?;
    let sign = move |data: &[u8]| {
        let signed = adr36::sign(&secret, ADDRESS_PREFIX, data).map_err(unusable);
        signed.map_err(|failure| wattpool_program::line(&failure.error))
    };
    Ok(Some(Signer {
        address: signer.address,
        sign: Arc::new(sign),
    }))
}

/// Serves and feeds, until a signal comes or the feed fails.
async fn serve(
    session: &Session,
    args: &Args,
    listener: TcpListener,
    explorer: Arc<Explorer>,
    feed: impl Future<Output = Result<(), Failure>>,
) -> Result<u8, Failure> {
    let address = listener.local_addr().context("--listen")?;
    if !address.ip().is_loopback() {
        eprintln!("wattpool: {address} can be reached from other machines, without TLS: put a proxy before it that has it");
    }
    let url = format!("http://{address}/");
    let next = explorer.next();
    session.answer(&json!({"url": url, "next_height": next}), || {
        format!("{url} shows the market; blocks from {next} on are read. Ctrl-C ends it.\n")
    })?;
    let stop = async {
        let term = signal(SignalKind::terminate());
        let Ok(mut term) = term else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
        }
    };
    let site = wattpool_explorer::site::serve(listener, explorer, args.name.clone(), stop);
    let mut site = std::pin::pin!(site);
    tokio::select! {
        () = &mut site => return Ok(0),
        fed = feed => fed?,
    }
    // A file is read to its end; the site stays.
    site.await;
    Ok(0)
}
