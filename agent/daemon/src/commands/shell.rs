//! `wattpool-agent completions` and `man`: what shells and `man` know of the commands; the package carries both.

use crate::{print, Failure};
use anyhow::Context;
use std::path::Path;

/// Prints a shell's completions of the program's commands.
///
/// # Errors
/// Standard output takes no more.
pub fn completions(mut program: clap::Command, shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program, "wattpool-agent", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Writes a page for each command into the folder.
///
/// # Errors
/// The folder cannot be written to.
pub fn man(program: clap::Command, folder: &Path) -> Result<u8, Failure> {
    let named = || folder.display().to_string();
    std::fs::create_dir_all(folder).with_context(named)?;
    clap_mangen::generate_to(program, folder).with_context(named)?;
    Ok(0)
}
