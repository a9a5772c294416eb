//! Pages of answers.

/// Entries of a page unless told otherwise,
pub const DEFAULT: u32 = 30;
/// and at most.
pub const MOST: u32 = 100;

/// Entries of a page.
pub fn entries(limit: Option<u32>) -> usize {
    usize::try_from(limit.unwrap_or(DEFAULT).min(MOST)).unwrap_or(0)
}
