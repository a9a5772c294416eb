//! A small neighbourhood on a real chain: one production runtime per home over the ledger of a wasmd, with windows of
//! seconds, and the same input in the simulator to compare with.
//!
//! A [`street`] is made from the generator, its market deployed and its homes furnished on a [`chain`], and its
//! windows [traded](trade). The [`books`] are kept from the chain's events alone; [`check`] holds the contracts'
//! own books against them, [`agree`] the simulator's. [`run`] does all of it.
//!
//! This crate supports tests. What goes wrong on the chain or the machine is an error that says what; arithmetic that
//! overflows, or an index beyond what was made here, is a mistake of a test and panics.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod agree;
pub mod books;
pub mod chain;
pub mod check;
pub mod household;
pub mod lines;
pub mod loopback;
pub mod meter;
pub mod run;
pub mod street;
pub mod trade;
