//! Files that are whole at any moment, whenever the process or the machine stops, and their owner's alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file into a folder, which is made where it is not there. Whoever reads finds no file, the old one or the new
/// one, whole. Without `replace` a file of this name is left as it is.
///
/// # Errors
/// It cannot be written, or stands already and is not to be replaced.
pub fn write(folder: &Path, name: &str, bytes: &[u8], replace: bool) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    clear_remains(folder);
    let file = folder.join(name);
    let fresh = folder.join(format!(".{name}-{}.new", std::process::id()));
    // A name that an earlier process of the same number left.
    fs::remove_file(&fresh).ok();
    let written = (|| {
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        if replace {
            fs::rename(&fresh, &file)?;
        } else {
            // Unlike a rename it never takes another file's place.
            fs::hard_link(&fresh, &file)?;
            fs::remove_file(&fresh)?;
        }
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        fs::remove_file(&fresh).ok();
    }
    written
}

/// Removes a file, for good.
///
/// # Errors
/// It is not there, or cannot be removed.
pub fn remove(folder: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// What processes left that were killed while they wrote: nothing refers to it.
fn clear_remains(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let owner = name
            .strip_suffix(".new")
            .and_then(|n| n.rsplit_once('-'))
            .filter(|(n, _)| n.starts_with('.'));
        if let Some((_, process)) = owner {
            let number = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
            if number && !Path::new("/proc").join(process).exists() {
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// Takes a file or folder away from others; `Some` of its mode if they could read it.
///
/// # Errors
/// It is not there, or is not ours to change.
pub fn tighten(path: &Path, mode: u32) -> io::Result<Option<u32>> {
    let found = fs::metadata(path)?.permissions().mode() & 0o777;
    if found & 0o077 == 0 {
        return Ok(None);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(Some(found))
}
