//! What the Debian package puts on a device: the program, its unit, a manual page for each command, completions.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wattpool-agent");

fn output(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(ran.stdout).unwrap()
}

/// The commands that a help lists.
fn commands(of: &[&str]) -> Vec<String> {
    let help = output(PROGRAM, &[of, &["--help"]].concat());
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    list.lines()
        .take_while(|l| !l.is_empty())
        .filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_package_has_a_page_for_each_command_and_completions_for_three_shells() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/package-deb");
    let line = ["--binary", PROGRAM, "--tree", tree.to_str().unwrap()];
    output(script.to_str().unwrap(), &line);

    let mut wanted = BTreeSet::from(["wattpool-agent.1.gz".to_owned()]);
    let first = commands(&[]);
    assert!(first.len() > 15, "{first:?}");
    for name in &first {
        wanted.insert(format!("wattpool-agent-{name}.1.gz"));
        for below in commands(&[name]) {
            wanted.insert(format!("wattpool-agent-{name}-{below}.1.gz"));
        }
    }
    let pages = tree.join("usr/share/man/man1");
    let found: BTreeSet<String> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, wanted);
    for page in &found {
        let text = output("gzip", &["-dc", pages.join(page).to_str().unwrap()]);
        let name = page.trim_end_matches(".1.gz");
        assert!(text.contains(&format!(".TH {name} 1")), "{page}: {text}");
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }

    for (file, mark) in [
        (
            "bash-completion/completions/wattpool-agent",
            "complete -F _wattpool__agent",
        ),
        (
            "zsh/vendor-completions/_wattpool-agent",
            "#compdef wattpool-agent",
        ),
        (
            "fish/vendor_completions.d/wattpool-agent.fish",
            "complete -c wattpool-agent",
        ),
    ] {
        let path = tree.join("usr/share").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(mark), "{file}: {text}");
        for name in &first {
            assert!(text.contains(name.as_str()), "{file} knows no {name}");
        }
    }
    // Bash itself takes it, and offers what begins so.
    let bash = tree.join("usr/share/bash-completion/completions/wattpool-agent");
    let ask = format!(
        ". {} && COMP_WORDS=(wattpool-agent chec) COMP_CWORD=1 && _wattpool__agent wattpool-agent chec wattpool-agent && echo \"${{COMPREPLY[@]}}\"",
        bash.display()
    );
    assert_eq!(output("bash", &["-c", &ask]).trim(), "check-config");

    for (file, mode) in [
        ("usr/bin/wattpool-agent", 0o755),
        ("usr/lib/systemd/system/wattpool-agent.service", 0o644),
        ("usr/share/man/man1/wattpool-agent.1.gz", 0o644),
        ("DEBIAN/postinst", 0o755),
    ] {
        let found = std::fs::metadata(tree.join(file)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{file}");
    }
    let control = std::fs::read_to_string(tree.join("DEBIAN/control")).unwrap();
    assert!(
        control.contains("\nPackage: wattpool\n") || control.starts_with("Package: wattpool\n")
    );
}
