//! The real program is killed before each system call by which it changes a file: these are all the states that a cut can
//! leave. In each of them every key is whole, and the same command again ends what was begun.

use crate::home::{Home, PASSPHRASE};
use age::secrecy::SecretString;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{kill, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;
use std::process::{Command, Stdio};
use wattpool_wallet::error::Result;
use wattpool_wallet::store::{Backend, Info, Store};

/// System calls that change what is on the disk.
const CHANGES: [libc::c_long; 16] = [
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_openat,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(not(target_arch = "x86_64"))]
    libc::SYS_fchown,
];
/// The older calls of one architecture.
#[cfg(target_arch = "x86_64")]
const OLDER: [libc::c_long; 5] = [
    libc::SYS_open,
    libc::SYS_link,
    libc::SYS_unlink,
    libc::SYS_mkdir,
    libc::SYS_chmod,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [libc::c_long; 0] = [];

/// How a run ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// Killed before its Nth change.
    Killed,
    /// It had fewer.
    Through(i32),
}

/// Whether a stopped program is about to make a call that changes a file; those that open one for reading only do not.
fn changes(pid: Pid) -> bool {
    let info = ptrace::syscall_info(pid).unwrap();
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return false;
    }
    // Number and arguments; the number is decimal.
    let text = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
    let mut parts = text.split(' ');
    let number: libc::c_long = parts.next().unwrap().parse().unwrap();
    let flags = parts.nth(2).unwrap_or("0x0").trim_start_matches("0x");
    let flags = i64::from_str_radix(flags, 16).unwrap_or(0);
    let writes = flags & i64::from(libc::O_WRONLY | libc::O_RDWR) != 0;
    let known = CHANGES.contains(&number) || OLDER.contains(&number);
    known && (number != libc::SYS_openat || writes)
}

/// Runs the program until it is about to make its `n`th change (from 0), and kills it there.
fn cut(command: &Command, input: &str, n: usize) -> Ended {
    // It stops itself before it becomes the program, so that it can be watched from the beginning.
    let mut stopped = Command::new("sh");
    stopped
        .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => stopped.env(name, value),
            None => stopped.env_remove(name),
        };
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    std::fs::write(&file, input).unwrap();
    stopped.stdin(std::fs::File::open(file).unwrap());
    let mut child = stopped.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let found = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(found, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    ptrace::attach(pid).unwrap();
    waitpid(pid, None).unwrap();
    let options = ptrace::Options::PTRACE_O_TRACESYSGOOD
        | ptrace::Options::PTRACE_O_EXITKILL
        | ptrace::Options::PTRACE_O_TRACEEXEC;
    ptrace::setoptions(pid, options).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    let (mut seen, mut program, mut signal) = (0, false, None);
    let ended = loop {
        ptrace::syscall(pid, signal.take()).unwrap();
        match waitpid(pid, None).unwrap() {
            WaitStatus::PtraceEvent(_, _, _) => program = true,
            WaitStatus::PtraceSyscall(_) if program && changes(pid) => {
                if seen == n {
                    kill(pid, Signal::SIGKILL).unwrap();
                    break Ended::Killed;
                }
                seen += 1;
            }
            WaitStatus::PtraceSyscall(_) => {}
            WaitStatus::Stopped(_, Signal::SIGSTOP | Signal::SIGCONT) => {}
            WaitStatus::Stopped(_, other) => signal = Some(other),
            WaitStatus::Exited(_, code) => break Ended::Through(code),
            other => panic!("{other:?}"),
        }
    };
    match child.wait() {
        Ok(_) => {}
        // It was waited for already.
        Err(e) => assert_eq!(e.raw_os_error(), Some(Errno::ECHILD as i32), "{e}"),
    }
    ended
}

fn word(text: &str) -> Result<SecretString> {
    Ok(SecretString::from(text.to_owned()))
}

/// The first byte of a key's secret, whichever of the passphrases opens it.
fn secret(store: &Store, name: &str) -> u8 {
    let found = ["battery", PASSPHRASE]
        .iter()
        .find_map(|text| store.secret(name, || word(text)).ok());
    let found = found.unwrap_or_else(|| panic!("{name} is lost"));
    assert!(found.expose().iter().all(|b| *b == found.expose()[0]));
    found.expose()[0]
}

struct Case<'a> {
    args: &'a [&'a str],
    input: &'a str,
    /// Names that may be there besides, and the secret that each then has.
    may: &'a [(&'a str, u8)],
    /// Names that must be there in every state; of two with a bar, one of them.
    must: &'a [(&'a str, u8)],
    /// What must be there once the command was repeated.
    after: &'a [(&'a str, u8)],
}

/// Cuts a command at each of its changes, on a fresh copy of the keystore.
fn cut_everywhere(home: &Home, backend: Backend, case: &Case<'_>) {
    let folder = home.path(&format!("keyring-{backend}"));
    let start: Vec<(std::ffi::OsString, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|e| (e.file_name(), std::fs::read(e.path()).unwrap()))
        .collect();
    let store = Store::new(home.folder.path(), backend, |_| {});
    for n in 0.. {
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        for (name, bytes) in &start {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        let ended = cut(&home.command(case.args), case.input, n);
        let names = || -> Vec<String> {
            let all: Vec<Info> = store.list().unwrap();
            all.into_iter().map(|i| i.name).collect()
        };
        // To open a sealed key takes its time: one that is as it was needs not be tried.
        let as_it_was = |name: &str| {
            let file = format!("{name}.key");
            let before = start.iter().find(|(n, _)| n.to_str() == Some(&file));
            before.is_some_and(|(_, bytes)| *bytes == std::fs::read(folder.join(&file)).unwrap())
        };
        let found = names();
        for name in &found {
            let known = case.must.iter().chain(case.may);
            let known = known.into_iter().find(|(k, _)| k == name);
            let (_, expected) = known.unwrap_or_else(|| panic!("{name} at {n}: {found:?}"));
            if !as_it_was(name) {
                assert_eq!(secret(&store, name), *expected, "{name} at {n}");
            }
        }
        for (name, _) in case.must {
            let one = name.split('|').any(|name| found.iter().any(|f| f == name));
            assert!(one, "{name} is lost at {n}: {found:?}");
        }
        if backend == Backend::File && ended == Ended::Killed && found.iter().all(|f| as_it_was(f))
        {
            continue;
        }
        let again = home.fed(case.args, case.input);
        let now = names();
        let wanted: Vec<&str> = case.after.iter().map(|(name, _)| *name).collect();
        assert_eq!(now, wanted, "{:?} at {n}: {again:?}", case.args);
        for (name, expected) in case.after {
            assert_eq!(secret(&store, name), *expected, "{name} at {n}");
        }
        let remains = std::fs::read_dir(&folder).unwrap().flatten();
        let remains: Vec<_> = remains
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.'))
            .collect();
        // What was half written is swept by the next write; where nothing was left to write, it waits for one.
        assert!(remains.len() <= 1, "{remains:?}");
        if let Ended::Through(code) = ended {
            assert_eq!(code, 0, "{:?}", case.args);
            assert!(n > 2, "{:?}: {n} changes were seen", case.args);
            println!("{:?}: {n} states", case.args);
            return;
        }
    }
}

#[test]
fn keys_survive_a_cut_at_any_moment() {
    let home = Home::plain();
    home.import("alice", 1);
    home.import("bob", 2);
    let hex = hex::encode([3; 32]);
    let both = [("alice", 1), ("bob", 2)];
    let three = [("alice", 1), ("bob", 2), ("carol", 3)];
    let case = |args, after| Case {
        args,
        input: &hex,
        may: &[("carol", 3)],
        must: &both,
        after,
    };
    cut_everywhere(
        &home,
        Backend::Test,
        &case(&["wallet", "import", "carol", "--hex"], &three),
    );
    cut_everywhere(
        &home,
        Backend::Test,
        &Case {
            args: &["wallet", "rename", "alice", "dora"],
            input: "",
            may: &[("alice", 1), ("dora", 1)],
            must: &[("bob", 2), ("carol", 3), ("alice|dora", 1)],
            after: &[("bob", 2), ("carol", 3), ("dora", 1)],
        },
    );
    cut_everywhere(
        &home,
        Backend::Test,
        &Case {
            args: &["wallet", "delete", "dora", "--yes"],
            input: "",
            may: &[("dora", 1)],
            must: &[("bob", 2), ("carol", 3)],
            after: &[("bob", 2), ("carol", 3)],
        },
    );
}

#[test]
fn a_new_passphrase_never_locks_a_key() {
    let home = Home::sealed();
    home.import("alice", 1);
    let new = home.file("new", "battery\n");
    let args = ["wallet", "passwd", "alice", "--new-passphrase-file", &new];
    cut_everywhere(
        &home,
        Backend::File,
        &Case {
            args: &args,
            input: "",
            may: &[],
            must: &[("alice", 1)],
            after: &[("alice", 1)],
        },
    );
}

#[test]
fn a_new_key_is_there_whole_or_not_at_all() {
    let home = Home::plain();
    home.import("alice", 1);
    let folder = home.path("keyring-test");
    let store = Store::new(home.folder.path(), Backend::Test, |_| {});
    for n in 0.. {
        let args = ["wallet", "new", "carol", "--no-backup"];
        let ended = cut(&home.command(&args), "", n);
        for info in store.list().unwrap() {
            // A secret that is not that of its public key is refused.
            let found = store.secret(&info.name, || word("")).unwrap();
            assert_eq!(found.public().unwrap(), info.public);
        }
        assert_eq!(secret(&store, "alice"), 1);
        std::fs::remove_file(folder.join("carol.key")).ok();
        if ended == Ended::Through(0) {
            assert!(n > 3, "{n} changes were seen");
            return;
        }
    }
}
