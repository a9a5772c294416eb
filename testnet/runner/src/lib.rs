//! A local wasmd testnet: keys, genesis, nodes, faults.
//!
//! [`Testnet::start`] makes a network of its own in a folder of its own on ports of its own, so that tests run side
//! by side; it ends with the value, and with the process, however that ends. The command `wattpool-testnet`
//! (behind `testnet/up`, `down`, `status` and `reset`) does the same with a network that stays.

mod account;
mod agents;
pub mod built;
mod command;
mod deploy;
mod description;
mod files;
mod genesis;
mod network;
mod options;
mod ports;
mod process;
mod rpc;

pub use account::{module_address, Account, Coin};
pub use command::{main, Cli};
pub use description::{Description, Governance, NodeDescription, FILE, ROLES};
pub use network::Testnet;
pub use options::{Options, Ports, Uploads};
