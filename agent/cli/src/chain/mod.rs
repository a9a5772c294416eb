//! What the commands that act on a chain share: where it is, which key signs, what is paid, and what came of it.

mod earlier;
mod options;
mod profile;
mod session;
mod told;
mod transact;

pub use options::{hoist, Options};
pub use session::Session;
pub use told::{amounts, block_on, failed, time, uninvited, unusable, warn};
