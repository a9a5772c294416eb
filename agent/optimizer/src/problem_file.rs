//! The JSON form of a problem and of its answer.
//!
//! ```
//! use wattpool_optimizer::{problem_file, Settings, Workspace};
//!
//! let text = r#"{"need_wh": 400, "offers": [
//!     {"id": "a", "offered_wh": 500, "efficiency": 0.95, "duration_s": 120.0, "quality": 0.9, "past_sales": 3}
//! ]}"#;
//! let problem = problem_file::parse("problem.json", text)?;
//! let answer = problem.solve(&Settings::default(), &mut Workspace::new());
//! assert_eq!((answer.covered, answer.plan[0].delivered_wh), (true, 400));
//! # Ok::<(), wattpool_optimizer::ProblemError>(())
//! ```

use crate::choose::FoundBy;
use crate::problem::{Problem, ProblemError, ProblemInput};
use serde::{Deserialize, Serialize};

/// One seller of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The offer's id.
    pub id: String,
    /// `z`: Wh that shall arrive.
    pub delivered_wh: u64,
}

/// The answer to a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The plan delivers the whole need; otherwise it delivers the most that can be had.
    pub covered: bool,
    /// Number of sellers.
    pub sellers: usize,
    /// `f` in `[0, 1]`; 0 where the need is not covered.
    pub score: f64,
    /// No plan with as few sellers scores more.
    pub optimal: bool,
    /// Who delivers what, in the order of the offers.
    pub plan: Vec<Delivery>,
    /// What found the plan.
    pub method: FoundBy,
    /// Sets of sellers that were scored.
    pub evaluations: u64,
    /// Time taken, microseconds; filled in by whoever has a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_us: Option<u64>,
}

/// Reads and checks a problem. `file` only names the source in errors.
///
/// # Errors
/// [`ProblemError::Syntax`] with line, column and field for text that is not such a problem,
/// [`ProblemError::InFile`] for a value out of range.
pub fn parse(file: &str, text: &str) -> Result<Problem, ProblemError> {
    Problem::new(parse_input(file, text)?).map_err(|error| ProblemError::InFile {
        file: file.to_owned(),
        error: Box::new(error),
    })
}

/// Reads a problem without checking ranges.
///
/// # Errors
/// [`ProblemError::Syntax`] with line, column and field.
pub fn parse_input(file: &str, text: &str) -> Result<ProblemInput, ProblemError> {
    let syntax = |field: String, error: &serde_json::Error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let problem = error.to_string();
        ProblemError::Syntax {
            file: file.to_owned(),
            line: error.line(),
            column: error.column(),
            field,
            problem: problem.strip_suffix(&place).unwrap_or(&problem).to_owned(),
        }
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let input = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // The root's path is a bare dot, which says nothing.
        syntax(
            if path == "." || path == "?" {
                "the problem".to_owned()
            } else {
                path
            },
            error.inner(),
        )
    })?;
    reader
        .end()
        .map_err(|error| syntax("after the problem".to_owned(), &error))?;
    Ok(input)
}
