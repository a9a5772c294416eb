//! Who may do what in a market.

use crate::chain::Session;
use crate::market::to_pool;
use crate::Failure;
use wattpool_schema::pool::{ExecuteMsg, Role};

/// A role.
#[derive(Clone, Copy, clap::ValueEnum)]
enum RoleName {
    /// Registers meters.
    Registrar,
    /// Tariffs, zone terms, reserve, confirmation.
    GridOperator,
    /// Reads.
    Regulator,
}

/// Gives a role.
#[derive(clap::Args)]
pub struct SetRole {
    /// Which.
    #[arg(long, value_enum)]
    role: RoleName,
    /// To whom: an address or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
}

/// Offers the administration.
#[derive(clap::Args)]
pub struct ProposeAdmin {
    /// To whom: an address or the name of a key; without it, the offer is withdrawn.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

/// Gives the role and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn set_role(session: &Session, args: &SetRole) -> Result<u8, Failure> {
    let address = session.resolve("--to", &args.to)?;
    let (role, name) = match args.role {
        RoleName::Registrar => (Role::Registrar, "registrar"),
        RoleName::GridOperator => (Role::GridOperator, "grid operator"),
        RoleName::Regulator => (Role::Regulator, "regulator"),
    };
    let words = format!("make {address} the {name}; who was it before is it no longer");
    to_pool(session, &words, &ExecuteMsg::SetRole { role, address })
}

/// Offers and prints what came of it.
///
/// # Errors
/// As [`set_role`].
pub fn propose(session: &Session, args: &ProposeAdmin) -> Result<u8, Failure> {
    let admin = args
        .to
        .as_ref()
        .map(|to| session.resolve("--to", to))
        .transpose()?;
    let words = match &admin {
        Some(admin) => format!("offer the market's administration to {admin}, who has to accept it (admin accept-admin)"),
        None => "withdraw the offer of the market's administration".to_owned(),
    };
    to_pool(session, &words, &ExecuteMsg::ProposeAdmin { admin })
}

/// Accepts and prints what came of it.
///
/// # Errors
/// As [`set_role`].
pub fn accept(session: &Session) -> Result<u8, Failure> {
    to_pool(
        session,
        "take the market's administration over",
        &ExecuteMsg::AcceptAdmin {},
    )
}

/// Pauses and prints what came of it.
///
/// # Errors
/// As [`set_role`].
pub fn pause(session: &Session) -> Result<u8, Failure> {
    let words =
        "stop all tokenising and trading of the market; what is stated meanwhile counts as feed-in";
    to_pool(session, words, &ExecuteMsg::Pause {})
}

/// Goes on and prints what came of it.
///
/// # Errors
/// As [`set_role`].
pub fn unpause(session: &Session) -> Result<u8, Failure> {
    to_pool(session, "let the market go on", &ExecuteMsg::Unpause {})
}
