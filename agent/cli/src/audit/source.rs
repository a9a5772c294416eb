//! What an audit is of: an export, a simulation's folder, or a chain; and whose word it is.

use super::chain::Reading;
use super::{export_file, open, Range};
use crate::chain::{block_on, unusable, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use std::path::Path;
use wattpool_audit::export::{Header, Row};
use wattpool_audit::read::{follow, About};
use wattpool_audit::subjects::Subjects;
use wattpool_audit::{Auditor, Finding, Place, Report, Rule};
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::{address, adr36};

/// Whose word an export has to be.
#[derive(clap::Args, Clone)]
pub struct Expected {
    /// The export has to be signed by this account.
    #[arg(long, value_name = "ADDRESS")]
    auditor: Option<String>,
}

impl Expected {
    /// The address. `file`: whether an export is read at all.
    ///
    /// # Errors
    /// It is no address of the chain's accounts, or there is nothing that somebody could have signed (exit code 2).
    pub fn of(&self, file: bool) -> Result<Option<&str>, Failure> {
        let Some(wanted) = self.auditor.as_deref() else {
            return Ok(None);
        };
        if !file {
            return Err(Failure::input(anyhow!(
                "--auditor: only for an export; nobody signs what a node answers"
            )));
        }
        address::with_prefix("--auditor", wanted, ADDRESS_PREFIX).map_err(unusable)?;
        Ok(Some(wanted))
    }
}

/// Whose word an export is.
pub struct Word {
    /// Who signed these lines, beyond doubt.
    pub signed_by: Option<String>,
    /// For people.
    pub text: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

impl Word {
    /// Of an export, which has to be that of `wanted`.
    pub fn of(about: &About, wanted: Option<&str>) -> Self {
        let Some(signed) = &about.signed else {
            return Self {
                signed_by: None,
                text: "not signed: anybody could have written it".to_owned(),
                wrong: wanted.map(|wanted| format!("nobody signed it, expected {wanted}")),
            };
        };
        let who = &signed.address;
        let genuine = adr36::verify(who, about.head.as_bytes(), &signed.signature);
        let bad = |wrong: String| Self {
            signed_by: None,
            text: "not validly signed".to_owned(),
            wrong: Some(wrong),
        };
        match (genuine.map_err(unusable), wanted) {
            (Err(why), _) => bad(wattpool_program::line(&why.error)),
            (Ok(false), _) => bad(format!("it is not {who}'s of this export")),
            (Ok(true), Some(wanted)) if wanted != who => Self {
                signed_by: (!about.broken).then(|| who.clone()),
                text: format!("signed by {who}, not by {wanted}"),
                wrong: Some(format!("it is {who}'s, expected {wanted}")),
            },
            (Ok(true), _) if about.broken => Self {
                signed_by: None,
                text: format!(
                    "the signature of {who} does not hold for these lines: their hashes are broken"
                ),
                wrong: None,
            },
            (Ok(true), None) => Self {
                signed_by: Some(who.clone()),
                text: format!("signed by {who}: not compared with an expected auditor (--auditor)"),
                wrong: None,
            },
            (Ok(true), Some(_)) => Self {
                signed_by: Some(who.clone()),
                text: format!("signed by {who}, as expected"),
                wrong: None,
            },
        }
    }

    /// What is wrong with it, as a violation.
    pub fn finding(&self, about: &About) -> Option<Finding> {
        let what = self.wrong.clone()?;
        Some(Finding {
            rule: Rule::Signature,
            at: Place {
                line: about.end.map(|e| e.lines.saturating_add(2)),
                ..Place::default()
            },
            event: "signed".to_owned(),
            field: "signature".to_owned(),
            what,
        })
    }
}

/// What was read.
pub struct Source {
    /// Whether it keeps the rules.
    pub report: Report,
    /// What it is of.
    pub header: Header,
    /// Whose word it is; none: a chain's own.
    pub word: Option<Word>,
}

impl Source {
    /// The line about its signature.
    pub fn signature(&self) -> String {
        let text = self.word.as_ref().map(|w| format!("{}\n", w.text));
        text.unwrap_or_default()
    }

    /// Who signed it.
    pub fn signed_by(&self) -> Option<&str> {
        self.word.as_ref().and_then(|w| w.signed_by.as_deref())
    }
}

/// Reads and audits; `each` gets every event, with its line if it is from a file.
///
/// # Errors
/// The source is no export, a range or an auditor is asked for where there is none (exit code 2); no node answers.
pub fn read(
    session: &Session,
    source: Option<&Path>,
    range: Range,
    expected: &Expected,
    each: impl FnMut(Option<u64>, &Row),
) -> Result<Source, Failure> {
    let wanted = expected.of(source.is_some())?;
    match source {
        Some(path) => {
            range.none_for_a_file()?;
            file(path, wanted, each)
        }
        None => block_on(chain(session, range, each)),
    }
}

fn file(
    path: &Path,
    wanted: Option<&str>,
    mut each: impl FnMut(Option<u64>, &Row),
) -> Result<Source, Failure> {
    let file = export_file(path)?;
    let read = follow(open(&file)?, |line, row| each(Some(line), row));
    let named = read.with_context(|| file.display().to_string());
    let (mut report, about) = named.map_err(Failure::input)?;
    let word = Word::of(&about, wanted);
    if let Some(finding) = word.finding(&about) {
        report.findings.push(finding);
    }
    Ok(Source {
        report,
        header: about.header,
        word: Some(word),
    })
}

async fn chain(
    session: &Session,
    range: Range,
    mut each: impl FnMut(Option<u64>, &Row),
) -> Result<Source, Failure> {
    let market = session.market()?;
    let client = session.client().await?;
    let reading = Reading::new(client, market, range).await?;
    let mut auditor = Auditor::new(reading.header.clone());
    let mut subjects = Subjects::default();
    reading
        .blocks(|rows| {
            for row in &rows {
                subjects.see(row);
                auditor.take(None, row);
                each(None, row);
            }
            Ok(())
        })
        .await?;
    reading
        .state(&subjects, |state| {
            auditor.state(None, &state);
            Ok(())
        })
        .await?;
    Ok(Source {
        report: auditor.finish(Some(reading.to)),
        header: reading.header,
        word: None,
    })
}
