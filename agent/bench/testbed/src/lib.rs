//! Many nodes in one process, some of them hostile, coming and going: how much of what is offered is found, and at what
//! cost. For tests and benchmarks; real swarms over TCP on 127.0.0.1.

mod hostile;
mod members;
mod stranger;
mod town;

pub use hostile::Vice;
pub use members::{limits, Member, Register, Signed, NETWORK};
pub use stranger::Stranger;
pub use town::{run, Course, Outcome, Spread, WindowOutcome};
