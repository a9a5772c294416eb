//! Serial lines as pseudo-terminals.

use nix::fcntl::{fcntl, FcntlArg, FdFlag};
use nix::pty::{openpty, OpenptyResult};
use nix::sys::termios::{cfmakeraw, tcgetattr, tcsetattr, SetArg};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A serial line: what is written into it, and where it is read.
pub struct Wire {
    pub meter: File,
    _port: OwnedFd,
}

fn terminal() -> (File, OwnedFd, PathBuf) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let port: PathBuf = nix::unistd::ttyname(&slave).unwrap();
    let mut settings = tcgetattr(&slave).unwrap();
    cfmakeraw(&mut settings);
    tcsetattr(&slave, SetArg::TCSANOW, &settings).unwrap();
    // Programs that are started must not hold it.
    for end in [master.as_fd(), slave.as_fd()] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    }
    (File::from(master), slave, port)
}

/// A serial line that is reached under this name, until it is dropped.
pub fn wire(name: &Path) -> Wire {
    let (meter, slave, port) = terminal();
    let _ = std::fs::remove_file(name);
    symlink(port, name).unwrap();
    Wire {
        meter,
        _port: slave,
    }
}

/// A cable: what goes into one of its ports comes out of the other, as long as this lives.
pub struct Cable {
    pub ports: [PathBuf; 2],
    _held: [OwnedFd; 2],
}

impl Cable {
    pub fn new() -> Self {
        let (one, one_held, one_port) = terminal();
        let (other, other_held, other_port) = terminal();
        for (from, to) in [(&one, &other), (&other, &one)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut bytes = [0u8; 256];
                while let Ok(n) = from.read(&mut bytes) {
                    if n == 0 || to.write_all(&bytes[..n]).is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            ports: [one_port, other_port],
            _held: [one_held, other_held],
        }
    }
}
