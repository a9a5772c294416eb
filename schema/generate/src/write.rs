//! Puts the generated files into their directory.

use crate::documents::Document;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Writes all documents and removes every other `.json` file: what is no longer generated must not linger.
///
/// # Errors
/// The directory or a file cannot be read, written or removed; the text names it.
pub fn replace(directory: &Path, documents: &[Document]) -> Result<()> {
    let context = || directory.display().to_string();
    fs::create_dir_all(directory).with_context(context)?;
    for entry in fs::read_dir(directory).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let is_json = path.extension().is_some_and(|e| e == "json");
        let generated = documents
            .iter()
            .any(|d| path.file_name().is_some_and(|n| n == d.name.as_str()));
        if is_json && !generated {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    for document in documents {
        let path = directory.join(&document.name);
        fs::write(&path, &document.text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_files_go_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("old.json"), "{}").unwrap();
        fs::write(at("README.md"), "kept").unwrap();
        let document = Document::new("new", &[1, 2]).unwrap();
        replace(directory.path(), std::slice::from_ref(&document)).unwrap();
        assert!(!at("old.json").exists());
        assert!(at("README.md").exists());
        assert_eq!(fs::read_to_string(at("new.json")).unwrap(), document.text);
    }
}
