//! A wallet's home, and the program in it.

use std::path::PathBuf;
use std::process::Command;
use wattpool_program_harness::{self as harness, Ran};

/// Passphrase of its keys.
pub const PASSPHRASE: &str = "correct horse";

/// A wallet of its own, with nothing of the machine's settings.
pub struct Home {
    pub folder: tempfile::TempDir,
    /// Options of every call.
    pub options: Vec<String>,
}

impl Home {
    /// Keys are encrypted under [`PASSPHRASE`].
    pub fn sealed() -> Self {
        let home = Self::with(&["--keyring-backend", "file"]);
        let word = home.file("passphrase", &format!("{PASSPHRASE}\n"));
        let options = ["--passphrase-file".to_owned(), word];
        Self {
            options: [home.options, options.into()].concat(),
            ..home
        }
    }

    /// Keys are in the clear.
    pub fn plain() -> Self {
        Self::with(&["--keyring-backend", "test"])
    }

    fn with(options: &[&str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            options: options.iter().map(|o| (*o).to_owned()).collect(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and answers its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = harness::command(args);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WATTPOOL_") {
                command.env_remove(name);
            }
        }
        command
            .env("WATTPOOL_CONFIG", self.path("none.toml"))
            .arg("--home")
            .arg(self.folder.path())
            .args(&self.options);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        harness::ended(self.command(args).output().unwrap())
    }

    /// A call with a line on its standard input.
    pub fn fed(&self, args: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = self
            .command(args)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        harness::ended(child.wait_with_output().unwrap())
    }

    /// Adds a key whose secret is this byte 32 times.
    pub fn import(&self, name: &str, secret: u8) {
        let hex = format!("{}\n", hex::encode([secret; 32]));
        let ran = self.fed(&["wallet", "import", name, "--hex"], &hex);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    pub fn address(&self, name: &str) -> String {
        let ran = self.run(&["wallet", "show", name, "--address"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout.trim().to_owned()
    }
}

/// One line on stderr that says this, nothing on stdout. That a key is kept in the clear is said besides.
pub fn one_line(ran: &Ran, code: i32, parts: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    let lines: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| !line.ends_with("is kept in the clear (backend test)"))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("expected one line: {ran:?}");
    };
    assert!(line.starts_with("wattpool: "), "{ran:?}");
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
}
