//! A node's or an agent's process: started so that it cannot outlive who wants it, recognised again, ended.

use anyhow::{bail, Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long it may take to close its databases before it is killed.
const CLOSING: Duration = Duration::from_secs(20);
/// Between two looks whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a command under guard: whoever started it holds a pipe, and when that closes before the word `release` came
/// over it, the command is killed. A guard of its own, since a killed starter can do nothing any more.
/// `$1` is a word of the command's line by which it is recognised, the rest is the command.
const GUARDED: &str = r#"
    exec 3<&0 </dev/null
    command=$$
    (
        (
            read -r word <&3
            [ "$word" = release ] || ! grep -qsF -- "$1" /proc/$command/cmdline || kill -KILL $command
        ) >/dev/null 2>&1 &
    )
    exec 3<&-
    shift
    exec "$@"
"#;

/// A process, told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did.
    pub started: u64,
}

impl Identity {
    fn of(pid: i32) -> Option<Self> {
        // proc_pid_stat(5): the name in brackets may hold anything, so fields are counted from its end.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        // Its first thread may be dead while others still hold its ports; one that is dead altogether may stay
        // listed for its parent.
        let dead = matches!(state, "Z" | "X")
            && fs::read_dir(format!("/proc/{pid}/task")).ok()?.count() <= 1;
        (!dead).then_some(Self { pid, started })
    }

    /// The process runs.
    pub(crate) fn alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("sending {signal} to process {}", self.pid))
            }
        }
    }
}

/// A process with a folder of its own, in which its log and its number stand.
pub(crate) struct Process {
    folder: PathBuf,
    /// What it is, and its log's name.
    what: &'static str,
    /// Present when this very process started it.
    child: Option<Child>,
}

impl Process {
    /// The process of a folder, whether it runs or not.
    pub(crate) fn new(folder: PathBuf, what: &'static str) -> Self {
        Self {
            folder,
            what,
            child: None,
        }
    }

    /// Its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.what))
    }

    fn record(&self) -> PathBuf {
        self.folder.join("process.json")
    }

    /// The process that was started last, when it still runs.
    pub(crate) fn running(&mut self) -> Option<Identity> {
        if let Some(child) = &mut self.child {
            // A child that ended stays listed until it is asked for.
            if !matches!(child.try_wait(), Ok(None)) {
                self.child = None;
                return None;
            }
        }
        let identity: Identity = serde_json::from_slice(&fs::read(self.record()).ok()?).ok()?;
        identity.alive().then_some(identity)
    }

    /// Starts it under guard; the folder must stand among the arguments.
    pub(crate) fn start<A: AsRef<OsStr>>(
        &mut self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<()> {
        let log = self.log();
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("opening {}", log.display()))?;
        let mut command = guarded(&self.folder);
        command
            .arg(program)
            .args(arguments)
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut child = command
            .spawn()
            .with_context(|| format!("starting sh, which starts {}", program.display()))?;
        let identity = i32::try_from(child.id()).ok().and_then(Identity::of);
        let Some(identity) = identity else {
            child.kill().ok();
            child.wait().ok();
            bail!("{} ended at once{}", program.display(), self.last_words());
        };
        self.child = Some(child);
        let record = self.record();
        fs::write(&record, serde_json::to_vec(&identity)?)
            .with_context(|| format!("writing {}", record.display()))
    }

    /// From now on it stays when this process ends.
    pub(crate) fn release(&mut self) {
        if let Some(mut pipe) = self.child.as_mut().and_then(|child| child.stdin.take()) {
            // A guard that is gone guards no more, which is what is wanted.
            writeln!(pipe, "release").ok();
        }
    }

    /// Ends it: `gently`, so that it closes its databases, or as a cut of the power does. Nothing is done when
    /// it does not run.
    pub(crate) fn end(&mut self, gently: bool) -> Result<()> {
        if let Some(identity) = self.running() {
            if gently {
                identity.signal(Signal::SIGTERM)?;
                // A frozen one hears nothing.
                identity.signal(Signal::SIGCONT)?;
                self.wait(&identity, CLOSING);
            }
            if self.running().is_some() {
                identity.signal(Signal::SIGKILL)?;
                self.wait(&identity, CLOSING);
            }
            if self.running().is_some() {
                bail!(
                    "process {} of {} does not end",
                    identity.pid,
                    self.folder.display()
                );
            }
        }
        self.release();
        self.child = None;
        Ok(())
    }

    fn wait(&mut self, identity: &Identity, patience: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < patience && self.running().as_ref() == Some(identity) {
            sleep(LOOK);
        }
    }

    /// Stops it from doing anything, open connections included, until it is thawed.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        self.running()
            .with_context(|| format!("the {} does not run", self.what))?
            .signal(Signal::SIGSTOP)
    }

    /// Lets a frozen one go on.
    pub(crate) fn thaw(&mut self) -> Result<()> {
        self.running()
            .with_context(|| format!("the {} does not run", self.what))?
            .signal(Signal::SIGCONT)
    }

    /// The end of its log, for an error message.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(8);
        format!(
            "; the end of {}:\n{}",
            log.display(),
            lines.get(from..).unwrap_or_default().join("\n")
        )
    }
}

/// A command that is killed when this process ends, unless `release` is written to its input before; its
/// program and arguments are still to be added. `mark` stands in its line.
pub(crate) fn guarded(mark: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARDED, "guard"])
        .arg(mark)
        .stdin(Stdio::piped())
        // What is typed at a terminal, such as Ctrl-C, is for who started it, not for what stays.
        .process_group(0);
    command
}

/// Carries a guarded command out; answers what it wrote to its standard output, where that is a pipe. `doing` names it.
pub(crate) fn carry_out(mut command: Command, doing: &str) -> Result<String> {
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {doing}"))?;
    // Its guard listens to this end, which must not close before the command has ended.
    let _guard = child.stdin.take();
    let mut text = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut text)
            .with_context(|| format!("what {doing} prints"))?;
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for {doing}"))?;
    if !status.success() {
        bail!("{doing} failed ({status}), see above");
    }
    Ok(text)
}
