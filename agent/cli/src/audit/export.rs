//! `wattpool audit export`.

use super::chain::Reading;
use super::source::{Expected, Word};
use super::table::{Csv, Text};
use super::{counted, export_file, open, Range};
use crate::chain::{block_on, unusable, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use wattpool_audit::export::{Header, Line, Row, Signed, State, Writer};
use wattpool_audit::read::{About, Parsed, Reader};
use wattpool_audit::subjects::Subjects;
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::adr36;
use wattpool_wallet::key::Secret;

/// Form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// JSON lines, chained and signed: what audit verify reads.
    Jsonl,
    /// A table of the events.
    Csv,
    /// A line per event, for people.
    Text,
}

/// Writes an export.
#[derive(clap::Args)]
pub struct Args {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Its form.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    format: Format,
    /// Sign with no key: anybody could have written the file.
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
}

/// Where lines go.
enum Target {
    Jsonl(Box<Writer<BufWriter<File>>>),
    Csv(Box<Csv<BufWriter<File>>>),
    Text(Text<BufWriter<File>>),
}

impl Target {
    fn new(args: &Args, part: &Path, header: &Header) -> Result<Self, Failure> {
        let mut options = std::fs::OpenOptions::new();
        let made = options.write(true).create(true).truncate(true).open(part);
        let out = BufWriter::new(made.with_context(|| part.display().to_string())?);
        Ok(match args.format {
            Format::Jsonl => Self::Jsonl(Box::new(Writer::new(out, header)?)),
            Format::Csv => Self::Csv(Box::new(Csv::new(out, header)?)),
            Format::Text => Self::Text(Text::new(out, header)?),
        })
    }

    fn row(&mut self, row: &Row) -> Result<(), Failure> {
        match self {
            Self::Jsonl(w) => w.row(row)?,
            Self::Csv(w) => w.row(row)?,
            Self::Text(w) => w.row(row)?,
        }
        Ok(())
    }

    fn state(&mut self, state: &State) -> Result<(), Failure> {
        match self {
            Self::Jsonl(w) => w.state(state)?,
            // A table of events has no room for it.
            Self::Csv(_) => {}
            Self::Text(w) => w.state(state)?,
        }
        Ok(())
    }

    /// Ends the file, down to the disk.
    fn finish(self, to: u64, signer: Option<&(Secret, String)>) -> Result<(), Failure> {
        match self {
            Self::Jsonl(mut w) => {
                w.read_to(to);
                let mut failed = None;
                w.finish(|head| {
                    let (secret, address) = signer?;
                    match adr36::sign(secret, ADDRESS_PREFIX, head.as_bytes()) {
                        Ok(signature) => Some(Signed {
                            address: address.clone(),
                            signature,
                        }),
                        Err(error) => {
                            failed = Some(error);
                            None
                        }
                    }
                })?;
                if let Some(error) = failed {
                    return Err(unusable(error));
                }
            }
            Self::Csv(w) => w.finish()?,
            Self::Text(w) => w.finish()?.flush()?,
        }
        Ok(())
    }
}

/// Writes; the file appears when it is whole.
///
/// # Errors
/// The source is no export, the key cannot sign, the file is there (exit code 2); no node answers, or the file cannot be written.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    if args.out.exists() {
        return Err(Failure::input(anyhow!(
            "{}: is there already; an export replaces nothing",
            args.out.display()
        )));
    }
    let wanted = args.expected.of(args.source.is_some())?;
    if args.source.is_some() {
        args.range.none_for_a_file()?;
    }
    let signer = signer(session, args)?;
    let mut name = args.out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = args.out.with_file_name(name);
    let written = write(session, args, wanted, &part, signer.as_ref());
    let Written { rows, to, source } = match written {
        Ok(done) => done,
        Err(failure) => {
            // Half an export is none.
            let _ = std::fs::remove_file(&part);
            return Err(failure);
        }
    };
    std::fs::rename(&part, &args.out).with_context(|| args.out.display().to_string())?;
    let who = signer.map(|(_, address)| address);
    let value = serde_json::json!({
        "file": args.out, "events": rows, "to_height": to, "signed_by": who, "source": source,
    });
    session.answer(&value, || {
        let who = who.unwrap_or_else(|| "nobody".to_owned());
        let file = args.out.display();
        let rows = counted(rows, "event", "events");
        let mut text = format!("{file}: {rows} up to block {to}, signed by {who}\n");
        if let Some(source) = source {
            text.push_str(&format!("its source: {source}\n"));
        }
        text
    })?;
    Ok(0)
}

fn signer(session: &Session, args: &Args) -> Result<Option<(Secret, String)>, Failure> {
    if args.unsigned || args.format != Format::Jsonl {
        return Ok(None);
    }
    let signer = session.signer()?;
    let Some(info) = signer.info else {
        return Err(Failure::input(anyhow!(
            "--from: expected a key of this keystore, or --unsigned"
        )));
    };
    Ok(Some((session.secret(&info.name)?, signer.address)))
}

/// What was written.
struct Written {
    rows: u64,
    to: u64,
    /// Whose word the export is that it was made of.
    source: Option<String>,
}

fn write(
    session: &Session,
    args: &Args,
    wanted: Option<&str>,
    part: &Path,
    signer: Option<&(Secret, String)>,
) -> Result<Written, Failure> {
    match &args.source {
        Some(source) => copy(args, source, wanted, part, signer),
        None => block_on(read(session, args, part, signer)),
    }
}

/// From a chain.
async fn read(
    session: &Session,
    args: &Args,
    part: &Path,
    signer: Option<&(Secret, String)>,
) -> Result<Written, Failure> {
    let market = session.market()?;
    let client = session.client().await?;
    let reading = Reading::new(client, market, args.range).await?;
    let mut target = Target::new(args, part, &reading.header)?;
    let mut subjects = Subjects::default();
    let mut count = 0_u64;
    reading
        .blocks(|rows| {
            for row in &rows {
                subjects.see(row);
                target.row(row)?;
                count = count.saturating_add(1);
            }
            Ok(())
        })
        .await?;
    reading
        .state(&subjects, |state| target.state(&state))
        .await?;
    target.finish(reading.to, signer)?;
    Ok(Written {
        rows: count,
        to: reading.to,
        source: None,
    })
}

/// From another export: what it says is kept, whose word it is is new. A line that cannot be read, or whose hash is wrong, ends it.
fn copy(
    args: &Args,
    source: &Path,
    wanted: Option<&str>,
    part: &Path,
    signer: Option<&(Secret, String)>,
) -> Result<Written, Failure> {
    let file = export_file(source)?;
    let named = || file.display().to_string();
    let reader = Reader::new(open(&file)?).with_context(named);
    let mut reader = reader.map_err(Failure::input)?;
    let mut target = Target::new(args, part, &reader.header().clone())?;
    let mut about = About::new(reader.header().clone());
    let mut count = 0_u64;
    while let Some(line) = reader.next_line().with_context(named)? {
        if let Some(finding) = reader.broken() {
            return Err(Failure::input(anyhow!("{}: {finding}", file.display())));
        }
        match line {
            Parsed::Bad(finding) => {
                return Err(Failure::input(anyhow!("{}: {finding}", file.display())))
            }
            Parsed::Line(line) => match *line {
                Line::Event(row) => {
                    target.row(&row)?;
                    count = count.saturating_add(1);
                }
                Line::State(state) => target.state(&state)?,
                Line::End(end) => {
                    about.end = Some(end);
                    reader.head().clone_into(&mut about.head);
                }
                Line::Signed(signed) => about.signed = Some(signed),
                Line::Export(_) => {}
            },
        }
    }
    let end = about.end.ok_or_else(|| {
        Failure::input(anyhow!("{}: it has no end: it was cut off", file.display()))
    })?;
    let word = Word::of(&about, wanted);
    if let Some(wrong) = word.wrong {
        return Err(Failure {
            code: 3,
            error: anyhow!("{}: signature: {wrong}", file.display()),
        });
    }
    target.finish(end.to_height, signer)?;
    Ok(Written {
        rows: count,
        to: end.to_height,
        source: Some(word.text),
    })
}
