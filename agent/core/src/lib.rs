//! The agent's logic, without I/O: events and the time go in, commands come out.

pub mod policy;
