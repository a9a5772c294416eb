//! The record of a finished simulation, or another export, into an index.

use super::unindexed;
use crate::audit::{export_file, open};
use crate::Failure;
use anyhow::{anyhow, Context};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wattpool_audit::export::{Header, Line, State};
use wattpool_audit::read::{Parsed, Reader};
use wattpool_explorer::{Block, Explorer, Index, Of};

/// Events that are indexed in one transaction, about.
const AT_ONCE: usize = 2_000;
/// Bytes at a file's end that say which file it is: the last of its chained hashes is there.
const TAIL: u64 = 4_096;

/// A file, and where its index is.
pub struct Recorded {
    file: PathBuf,
    index: PathBuf,
    header: Header,
    print: String,
}

fn print_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(format!("{size} {}", hex::encode(Sha256::digest(&tail))))
}

impl Recorded {
    /// The record of a folder, or a file. `index`: where the index is; without it beside the record.
    ///
    /// # Errors
    /// There is none, or it is no export (exit code 2).
    pub fn find(path: &Path, index: Option<PathBuf>) -> Result<Self, Failure> {
        let file = export_file(path)?;
        let named = || file.display().to_string();
        let reader = Reader::new(open(&file)?)
            .with_context(named)
            .map_err(Failure::input)?;
        let print = print_of(&file)
            .with_context(named)
            .map_err(Failure::input)?;
        let beside = || match path.is_dir() {
            true => path.join("explorer.sqlite"),
            false => {
                let mut name = file.clone().into_os_string();
                name.push(".explorer.sqlite");
                name.into()
            }
        };
        Ok(Self {
            header: reader.header().clone(),
            index: index.unwrap_or_else(beside),
            file,
            print,
        })
    }

    /// Its index, as far as it is.
    ///
    /// # Errors
    /// The file there is something else, or cannot be written.
    pub fn index(&self) -> Result<Index, Failure> {
        let of = Of {
            header: self.header.clone(),
            print: Some(self.print.clone()),
        };
        Index::open(&self.index, of).map_err(unindexed)
    }

    /// Reads what is not indexed yet, off the server's thread.
    pub async fn feed(self, explorer: Arc<Explorer>) -> Result<(), Failure> {
        let done = tokio::task::spawn_blocking(move || self.read(&explorer)).await;
        done.map_err(|e| Failure::from(anyhow!("the index: {e}")))?
    }

    fn read(&self, explorer: &Explorer) -> Result<(), Failure> {
        if explorer.progress().complete {
            return Ok(());
        }
        let named = || self.file.display().to_string();
        let mut reader = Reader::new(open(&self.file)?)
            .with_context(named)
            .map_err(Failure::input)?;
        let next = explorer.next();
        let mut batch: Vec<Block> = Vec::new();
        let mut held = 0_usize;
        let mut states: Vec<State> = Vec::new();
        let mut end = None;
        while let Some(line) = reader.next_line().with_context(named)? {
            let number = reader.number();
            let bad = |what: &dyn std::fmt::Display| Failure {
                code: 3,
                error: anyhow!("{}: {what}; wattpool audit verify says more", named()),
            };
            if let Some(finding) = reader.broken() {
                return Err(bad(&finding));
            }
            let line = match line {
                Parsed::Bad(finding) => return Err(bad(&finding)),
                Parsed::Line(line) => *line,
            };
            match line {
                Line::Event(row) if row.height < next => {}
                Line::Event(row) => {
                    held = held.saturating_add(1);
                    match batch.last_mut() {
                        Some(block) if block.height == row.height => block.rows.push(*row),
                        Some(block) if block.height > row.height => {
                            return Err(bad(&format!(
                                "line {number}: block {} after block {}",
                                row.height, block.height
                            )));
                        }
                        _ => {
                            if held > AT_ONCE {
                                explorer.take(&batch, true).map_err(unindexed)?;
                                batch.clear();
                                held = 1;
                            }
                            batch.push(Block {
                                height: row.height,
                                time: row.time,
                                rows: vec![*row],
                                ..Block::default()
                            });
                        }
                    }
                }
                Line::State(state) => states.push(*state),
                Line::End(line) => end = Some(line.to_height),
                Line::Export(_) | Line::Signed(_) => {}
            }
        }
        let Some(end) = end else {
            let why = "it has no end: it was cut off; what is shown may be cut off, too";
            return Err(Failure {
                code: 3,
                error: anyhow!("{}: {why}", named()),
            });
        };
        explorer.take(&batch, true).map_err(unindexed)?;
        explorer.finish(&states, end).map_err(unindexed)
    }
}
