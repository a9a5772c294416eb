//! The command reference: what every command's `--help` says, as one Markdown page.

use clap::{Arg, Command};
use std::fmt::Write;

/// Options of every command that acts on a chain, shown once.
const SHARED: &str = "wallet";

/// The page.
pub fn page(mut command: Command) -> String {
    command.build();
    let mut text = String::from(
        "# Commands\n\nWritten by `scripts/generate-commands` from the commands themselves. \
         Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 a check found something, 130 interrupted.\n\n",
    );
    text.push_str("## Options of every command that acts on a chain\n\n");
    text.push_str(
        "They may stand before or after the command's name, in the environment (the name in brackets) or, in lower case with \
         hyphens, in a profile of `~/.config/wattpool/config.toml`.\n\n",
    );
    if let Some(shared) = command.get_subcommands().find(|c| c.get_name() == SHARED) {
        for option in shared
            .get_arguments()
            .filter(|a| a.is_global_set() && is_shown(a))
        {
            argument(option, &mut text);
        }
        text.push('\n');
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        section(sub, "wattpool", 2, &mut text);
    }
    text
}

fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set() && argument.get_id() != "help" && argument.get_id() != "version"
}

fn section(command: &Command, parent: &str, depth: usize, text: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    writeln!(text, "{} {name}\n", "#".repeat(depth.min(4))).ok();
    if let Some(about) = command.get_about() {
        writeln!(text, "{about}\n").ok();
    }
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|a| !a.is_global_set() && is_shown(a))
        .collect();
    for argument_of in &own {
        argument(argument_of, text);
    }
    if !own.is_empty() {
        text.push('\n');
    }
    if let Some(after) = command.get_after_help() {
        writeln!(text, "{after}\n").ok();
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        section(sub, &name, depth.saturating_add(1), text);
    }
}

fn argument(argument: &Arg, text: &mut String) {
    let values = argument.get_value_names().unwrap_or_default();
    let value = values.first().map_or_else(String::new, |v| format!(" {v}"));
    let takes = argument.get_action().takes_values();
    let value = if takes { value } else { String::new() };
    let shown = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
        (None, Some(long)) => format!("--{long}{value}"),
        (Some(short), None) => format!("-{short}{value}"),
        (None, None) => value.trim().to_owned(),
    };
    let help = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let environment = argument
        .get_env()
        .map(|name| format!(" (`{}`)", name.to_string_lossy()))
        .unwrap_or_default();
    let needed = if argument.is_required_set() {
        " Required."
    } else {
        ""
    };
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|v| takes && !v.is_hide_set())
        .map(|v| format!("`{}`", v.get_name()))
        .collect();
    let possible = if possible.is_empty() {
        String::new()
    } else {
        format!(" One of {}.", possible.join(", "))
    };
    let default: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|v| v.to_string_lossy().into_owned())
        .collect();
    let default = if default.is_empty() || !takes {
        String::new()
    } else {
        format!(" Default: `{}`.", default.join(", "))
    };
    writeln!(
        text,
        "- `{shown}`{environment}: {}{needed}{possible}{default}",
        help.trim_end_matches('.').to_owned() + "."
    )
    .ok();
}
