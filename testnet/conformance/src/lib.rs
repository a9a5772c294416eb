//! The same market on both ledgers.
//!
//! A [`course`] is a random sequence of operations of one neighbourhood, each made for the block time at
//! which it is sent. It is carried out on one ledger and [`record`]ed: order, block heights and times,
//! grouping into transactions and blocks, addresses, fees, answers. [`replay`] repeats the record in process
//! and compares every answer, every balance and the contracts' whole state, byte by byte.
//!
//! This crate supports tests: a set-up that fails panics, and says where.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod chain;
pub mod counted;
pub mod course;
pub mod embedded;
pub mod gas;
mod hostile;
pub mod load;
mod messages;
pub mod people;
pub mod port;
pub mod record;
pub mod replay;
pub mod standard;
pub mod traded;
pub mod wasmd;

pub use course::{Course, Operation};
pub use record::{Act, Answer, Part, Record, Step};
