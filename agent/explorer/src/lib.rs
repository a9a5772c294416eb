//! A market's explorer: what the contracts said, indexed and shown to everybody, by somebody who trusts neither node nor operator.
//!
//! [`Index`] keeps every event in a database of its own and the tables that follow from them; a [`Book`] folds the same events against the rules of
//! `wattpool_audit`; a [`site`] shows both, read-only, with an interface for programs under it. Blocks come from whoever starts it ([`Explorer::take`]):
//! from a node, or from a finished simulation. What a node alone can answer is asked through [`Live`].

mod book;
mod export;
pub mod index;
mod live;
pub mod site;

pub use book::Book;
pub use export::Signer;
pub use index::{Block, Index, IndexError, Of, Progress};
pub use live::{Live, Proof, Told, Validator};

use index::Reader;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use wattpool_audit::export::{Header, State};

/// Readers that are kept open.
const READERS: usize = 4;

/// Where blocks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A chain's node.
    Node,
    /// The record of a finished simulation, or another export.
    File,
}

/// What is shown beside the index.
#[derive(Clone)]
pub struct Shown {
    /// Where blocks come from.
    pub source: Source,
    /// What one coin, 1,000,000 micro-units, is called.
    pub currency: String,
}

/// How it stands with the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Newest block of the node.
    pub newest: Option<u64>,
    /// Its oldest one.
    pub oldest: Option<u64>,
    /// Why nothing new comes; none: it comes.
    pub trouble: Option<String>,
}

/// An explorer: an index, the books over it, and how it stands.
pub struct Explorer {
    index: Mutex<Index>,
    header: Header,
    file: PathBuf,
    book: RwLock<Book>,
    readers: Mutex<Vec<Reader>>,
    standing: RwLock<Standing>,
    shown: Shown,
    live: Option<Arc<dyn Live>>,
    signer: Option<Signer>,
}

/// What is guarded is whole at every step.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Explorer {
    /// Over an index; the books are made of what is in it.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn new(
        index: Index,
        shown: Shown,
        live: Option<Arc<dyn Live>>,
        signer: Option<Signer>,
    ) -> Result<Self, IndexError> {
        let header = index.header().clone();
        let file = index.file().to_owned();
        let reader = Reader::open(&file)?;
        let book = Book::of(&header, &reader)?;
        Ok(Self {
            index: Mutex::new(index),
            header,
            file,
            book: RwLock::new(book),
            readers: Mutex::new(vec![reader]),
            standing: RwLock::default(),
            shown,
            live,
            signer,
        })
    }

    /// What it is of.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next block that it needs.
    pub fn next(&self) -> u64 {
        held(&self.index).next()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        held(&self.index).progress().clone()
    }

    /// Takes the next blocks, all of them or none.
    ///
    /// # Errors
    /// As [`Index::take`].
    pub fn take(&self, blocks: &[Block], gaps: bool) -> Result<(), IndexError> {
        held(&self.index).take(blocks, gaps)?;
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        for row in blocks.iter().flat_map(|b| &b.rows) {
            book.take(row);
        }
        Ok(())
    }

    /// Holds the books against what the contracts store now.
    pub fn compare(&self, states: &[State]) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        states.iter().for_each(|state| book.state(state));
    }

    /// A file ends.
    ///
    /// # Errors
    /// As [`Index::finish`].
    pub fn finish(&self, states: &[State], to_height: u64) -> Result<(), IndexError> {
        held(&self.index).finish(states, to_height)?;
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        states.iter().for_each(|state| book.state(state));
        book.finish(to_height);
        Ok(())
    }

    /// Says how it stands with the source.
    pub fn stands(&self, standing: Standing) {
        *self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner) = standing;
    }

    fn standing(&self) -> Standing {
        self.standing
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The books.
    pub fn book(&self) -> std::sync::RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the index; it blocks.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn read<T>(
        &self,
        ask: impl FnOnce(&Reader) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let kept = held(&self.readers).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => Reader::open(&self.file)?,
        };
        let answer = ask(&reader);
        let mut readers = held(&self.readers);
        if readers.len() < READERS {
            readers.push(reader);
        }
        answer
    }
}
