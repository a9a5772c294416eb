//! What can be wrong with an input. Every message is one line that names the file, the line (1-based, the
//! header counts), the key or column, what was found and what was expected.

use std::path::PathBuf;
use thiserror::Error;

/// Most characters of one part of a message.
const LONGEST: usize = 600;

/// Text from a file as part of one line: control characters are written out, what is very long is cut.
fn line_of(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i >= LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A refused input. The variants carry what the message says, so that tests can match them exactly.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScenarioError {
    /// A file is missing or cannot be read.
    #[error("{}: cannot be read ({}); expected {expected}", .file.display(), line_of(.reason))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system or the decoder said.
        reason: String,
        /// What should have been there.
        expected: String,
    },
    /// A key of the scenario file: unknown, of the wrong type, out of range, or contradicting another.
    #[error("{}:{line}: {}: {}; expected {}", .file.display(), line_of(.key), line_of(.problem), line_of(.expected))]
    Setting {
        /// The scenario file.
        file: PathBuf,
        /// Line of the key, 1-based.
        line: usize,
        /// Dotted path of the key.
        key: String,
        /// What is wrong with it.
        problem: String,
        /// What would be accepted.
        expected: String,
    },
    /// The scenario file is not TOML, or does not have the scenario's shape.
    #[error("{}:{line}: {}: {}", .file.display(), line_of(.key), line_of(.problem))]
    Syntax {
        /// The scenario file.
        file: PathBuf,
        /// Line of the error, 1-based.
        line: usize,
        /// The key at fault, or the text of the line where there is none.
        key: String,
        /// What the parser found and expected.
        problem: String,
    },
    /// A file has no such column, or has it twice.
    #[error("{}:{line}: column '{}': {problem}; expected {}", .file.display(), line_of(.column), line_of(.expected))]
    Column {
        /// The CSV file.
        file: PathBuf,
        /// Line of the header, 1-based.
        line: u64,
        /// The column asked for.
        column: String,
        /// Missing or ambiguous.
        problem: String,
        /// What the header offers.
        expected: String,
    },
    /// A cell of a CSV file.
    #[error("{}:{line}: column '{}': found {}; expected {}", .file.display(), line_of(.column), line_of(.found), line_of(.expected))]
    Cell {
        /// The CSV file.
        file: PathBuf,
        /// Line, 1-based, the header counts.
        line: u64,
        /// Name of the column.
        column: String,
        /// The cell's content, or what it amounts to.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// A CSV file as a whole: empty, or too short.
    #[error("{}:{line}: {}; expected {}", .file.display(), line_of(.found), line_of(.expected))]
    Extent {
        /// The CSV file.
        file: PathBuf,
        /// Last line read, 1-based.
        line: u64,
        /// What the file holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// An override from the command line.
    #[error("--{flag}: {found}; expected {expected}")]
    Override {
        /// Name of the flag, without dashes.
        flag: &'static str,
        /// What was given.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// An option of the generator.
    #[error("generate.{option}: found {found}; expected {expected}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What would be accepted.
        expected: String,
    },
}
