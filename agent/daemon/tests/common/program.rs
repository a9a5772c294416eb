//! The agent's program, called in a home's folder.

use std::path::Path;
use std::process::Command;

/// A command whose passphrase is in the folder's file, if that is there.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wattpool-agent"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("WATTPOOL_PASSPHRASE_FILE", folder.join("passphrase"));
    command
}

/// What it printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
