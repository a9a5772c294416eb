//! `wattpool`: simulate a neighbourhood, choose a trade, run a market, own a meter, keep keys.
//!
//! stdout is the result, stderr the prose; exit codes are those of [`wattpool_program`].

mod admin;
mod audit;
mod chain;
mod choose;
mod compare;
mod explorer;
mod inspect;
mod market;
mod owner;
mod reference;
mod validator;
mod wallet;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;
use wattpool_program::{end, print, Failure, VERSION};

// The contracts' in-memory store allocates much: this halves the time of a transaction.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A peer-to-peer energy market for neighbourhoods.
#[derive(Parser)]
#[command(name = "wattpool", version = VERSION, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let a neighbourhood trade on a virtual clock, with the real agents and contracts.
    Simulate(wattpool_simulate::Args),
    /// Put finished runs side by side.
    Compare(compare::Args),
    /// Find out how files of profiles or prices are written, and the scenario that reads them.
    Inspect(inspect::Args),
    /// Choose the best trade for a need among offers.
    Choose(choose::Args),
    /// Keep keys; sign, send, look at balances and history.
    Wallet(wallet::Wallet),
    /// Run a node of the chain: stake, rewards, votes, jailing; check trades and codes.
    Validator(validator::Validator),
    /// Own a meter: its money, its agent, its limits.
    Owner(owner::Owner),
    /// Operate a market: deploy it, register meters, set its terms, pay homes' fees.
    Admin(admin::Admin),
    /// Check a market that you do not trust: its rules, its exports, its bills.
    Audit(audit::Audit),
    /// Show a market to everybody: a read-only site over a node or a finished simulation.
    Explorer(explorer::Args),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of all commands into a folder.
    Man {
        /// The folder.
        folder: std::path::PathBuf,
    },
    /// Print the command reference in Markdown.
    #[command(hide = true)]
    Reference,
}

fn main() -> ExitCode {
    let command = Cli::command();
    let line = chain::hoist(&command, std::env::args_os().collect());
    let cli = command
        .try_get_matches_from(line)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let ended = match cli.command {
        Command::Simulate(args) => wattpool_simulate::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Choose(args) => choose::run(&args),
        Command::Wallet(wallet) => wallet::run(&wallet),
        Command::Validator(validator) => validator::run(&validator),
        Command::Owner(owner) => owner::run(&owner),
        Command::Admin(admin) => admin::run(&admin),
        Command::Audit(audit) => audit::run(&audit),
        Command::Explorer(args) => explorer::run(&args),
        Command::Completions { shell } => completions(shell),
        Command::Man { folder } => man(&folder),
        Command::Reference => print(&reference::page(Cli::command()))
            .map(|()| 0)
            .map_err(Into::into),
    };
    end("wattpool", ended)
}

fn completions(shell: clap_complete::Shell) -> wattpool_program::Ended {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wattpool", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

fn man(folder: &std::path::Path) -> wattpool_program::Ended {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_of_a_command_are_called_the_same() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_a_chain_are_taken_at_any_level_of_every_command() {
        fn leaves(command: &clap::Command, path: Vec<String>, all: &mut Vec<Vec<String>>) {
            let subs: Vec<_> = command
                .get_subcommands()
                .filter(|c| c.get_name() != "help")
                .collect();
            if subs.is_empty() {
                all.push(path);
                return;
            }
            for sub in subs {
                let mut path = path.clone();
                path.push(sub.get_name().to_owned());
                leaves(sub, path, all);
            }
        }
        let mut command = Cli::command();
        command.build();
        let mut all = Vec::new();
        leaves(&command, Vec::new(), &mut all);
        let of_a_chain = ["wallet", "validator", "owner", "admin", "audit", "explorer"];
        let mut count = 0_u32;
        for path in all
            .iter()
            .filter(|p| p.first().is_some_and(|f| of_a_chain.contains(&f.as_str())))
        {
            count = count.saturating_add(1);
            let mut found = &command;
            for name in path {
                found = found.find_subcommand(name).unwrap();
            }
            for option in [
                "from",
                "node",
                "home",
                "yes",
                "json",
                "market",
                "generate-only",
            ] {
                let one: Vec<_> = found
                    .get_arguments()
                    .filter(|a| a.get_long() == Some(option))
                    .collect();
                let shared = matches!(one.as_slice(), [only] if only.is_global_set());
                assert!(shared, "{path:?} {option}");
            }
        }
        assert!(count > 60, "{count}");
        let line = |text: &str| {
            text.split(' ')
                .map(Into::into)
                .collect::<Vec<std::ffi::OsString>>()
        };
        let hoisted = chain::hoist(
            &Cli::command(),
            line("wattpool --node http://a -y --json wallet list"),
        );
        assert_eq!(
            hoisted,
            line("wattpool wallet --node http://a -y --json list")
        );
        let other = line("wattpool simulate --json");
        assert_eq!(chain::hoist(&Cli::command(), other.clone()), other);
    }
}
