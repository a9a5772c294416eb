//! What the programs share: how they end and how they print.
//!
//! stdout is the result, stderr the prose. Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 done but an
//! invariant was violated, 130 interrupted (what was finished is written).

pub mod memory;

use anyhow::Context;
use std::process::ExitCode;

/// Version and, where it was built from a checkout, the commit.
pub const VERSION: &str = env!("WATTPOOL_VERSION");

/// A failure with its exit code.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit code.
    pub code: u8,
    /// What went wrong; its causes are told in the same line.
    pub error: anyhow::Error,
}

impl Failure {
    /// Wrong usage or input: exit code 2.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: 2,
            error: error.into(),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            code: 1,
            error: error.into(),
        }
    }
}

/// What a command ends with: its exit code, or a failure.
pub type Ended = Result<u8, Failure>;

/// Ends the program of this name: a failure becomes one line on stderr.
pub fn end(program: &str, ended: Ended) -> ExitCode {
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{program}: {}", line(&failure.error));
            ExitCode::from(failure.code)
        }
    }
}

/// An error and its causes in one line. Some errors quote their cause: it is not said twice.
pub fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().replace(['\n', '\r'], " ");
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

/// A whole number of an option, such as a seed.
///
/// # Errors
/// It is none, in words.
pub fn whole(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// Prints the result. Unlike `println!` it fails where nobody reads or the disk is full.
///
/// # Errors
/// When standard output takes no more.
pub fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output")
}

/// Pretty JSON with a line's end.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
