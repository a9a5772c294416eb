//! Many nodes in one process, some of them hostile, coming and going: how much of what is offered is found, and at what
//! cost. For tests and benchmarks; real swarms over TCP on 127.0.0.1.

mod cluster;
mod hostile;
mod members;
mod stranger;

pub use cluster::{run, Outcome, Percentiles, Scenario, WindowOutcome};
pub use hostile::Vice;
pub use members::{limits, Member, Register, Signed, NETWORK};
pub use stranger::Stranger;
