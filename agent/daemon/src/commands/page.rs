//! `wattpool-agent pair` and `password`: who may open the page.

use super::Shown;
use crate::client::Client;
use crate::http::access::Role;
use crate::http::api::{Done, Paired, Pairing, Password as Wanted};
use crate::Failure;
use anyhow::{bail, Context};
use std::fmt::Write;
use wattpool_daemon::config::Config;

#[derive(clap::Args)]
pub struct Pair {
    #[command(flatten)]
    shown: Shown,
    /// For somebody who may see everything and change nothing.
    #[arg(long)]
    viewer: bool,
}

#[derive(clap::Args)]
pub struct Password {
    #[command(flatten)]
    shown: Shown,
    /// The viewers' password instead of the owner's.
    #[arg(long)]
    viewer: bool,
    /// Take the password away; everybody who is signed in in that role, by a code too, is signed out.
    #[arg(long, conflicts_with = "file")]
    remove: bool,
    /// Read it from the first line of a file, "-" for standard input; otherwise it is asked for.
    #[arg(long, value_name = "FILE")]
    file: Option<std::path::PathBuf>,
}

const fn role(viewer: bool) -> Role {
    if viewer {
        Role::Viewer
    } else {
        Role::Owner
    }
}

pub fn pair(args: &Pair) -> Result<u8, Failure> {
    let config = Config::read(&args.shown.at.config).map_err(Failure::input)?;
    let asked = Pairing {
        role: role(args.viewer),
    };
    let paired: Paired = Client::of(&config)?.post("/api/v1/pairing", &asked)?;
    if args.shown.json {
        crate::print(&crate::json(&paired)?)?;
        return Ok(0);
    }
    let mut text = String::new();
    let mut line = |name: &str, value: &str| writeln!(text, "{name:<14}{value}");
    let written = |e: std::fmt::Error| Failure::from(e);
    line("code", &paired.code).map_err(written)?;
    let minutes = paired.seconds.checked_div(60).unwrap_or(0);
    line("", &format!("for one device, within {minutes} minutes")).map_err(written)?;
    line("this machine", &format!("http://{}", config.http.listen)).map_err(written)?;
    if let Some(home) = &paired.home {
        let names = config.http.names.first();
        let port = home.rsplit_once(':').map_or("", |(_, port)| port);
        let host = names.map_or_else(
            || format!("https://ADDRESS-OF-THIS-MACHINE:{port}"),
            |name| format!("https://{name}:{port}"),
        );
        line("home network", &host).map_err(written)?;
    }
    if let Some(fingerprint) = &paired.fingerprint {
        line("certificate", fingerprint).map_err(written)?;
        line(
            "",
            "compare it with what the browser shows before you go on",
        )
        .map_err(written)?;
    }
    crate::print(&text)?;
    Ok(0)
}

fn asked(args: &Password) -> anyhow::Result<Option<String>> {
    if args.remove {
        return Ok(None);
    }
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    match &args.file {
        Some(file) if file.as_os_str() == "-" => {
            let text = std::io::read_to_string(std::io::stdin()).context("standard input")?;
            Ok(Some(first_line(text)))
        }
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| file.display().to_string())?;
            Ok(Some(first_line(text)))
        }
        None => {
            let one = rpassword::prompt_password("password: ")?;
            let two = rpassword::prompt_password("once more: ")?;
            if one != two {
                bail!("the two passwords are not the same");
            }
            Ok(Some(one))
        }
    }
}

pub fn password(args: &Password) -> Result<u8, Failure> {
    let client = Client::at(&args.shown.at.config)?;
    let wanted = Wanted {
        role: role(args.viewer),
        password: asked(args).map_err(Failure::input)?,
    };
    let done: Done = client.put("/api/v1/password", &wanted)?;
    crate::print(&if args.shown.json {
        crate::json(&done)?
    } else if args.remove {
        "the password is taken away\n".to_owned()
    } else {
        "the password is set\n".to_owned()
    })?;
    Ok(0)
}
