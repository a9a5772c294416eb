//! The agent's logic, without I/O: an event and the time go in, commands come out.
//!
//! The same agent runs in the simulator on a virtual clock and in the daemon on a meter. It never reads a
//! clock, a socket, a file or a random device; the ports it needs while it thinks are in [`ports`], what it
//! wants done in the world are [`io::Command`]s.

pub mod agent;
pub mod clock;
pub mod context;
pub mod flows;
pub mod forecast;
pub mod genuine;
pub mod io;
pub mod lines;
mod locations;
pub mod metering;
pub mod partners;
pub mod policy;
pub mod ports;
pub mod timing;

pub use agent::Agent;
