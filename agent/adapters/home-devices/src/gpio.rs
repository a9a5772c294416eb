//! A line of a GPIO chip, by Linux' character device. Played in tests; it was not tried on hardware.

use gpiocdev::line::{Offset, Value};
use gpiocdev::Request;
use std::fmt::Debug;
use std::path::Path;

/// An output that is on or off.
pub trait Line: Debug + Send {
    /// Switches it.
    ///
    /// # Errors
    /// It cannot be switched: in words.
    fn set(&mut self, on: bool) -> Result<(), String>;
}

/// A line of a chip. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
struct ChipLine {
    request: Request,
    offset: Offset,
}

impl Line for ChipLine {
    fn set(&mut self, on: bool) -> Result<(), String> {
        let value = if on { Value::Active } else { Value::Inactive };
        self.request
            .set_value(self.offset, value)
            .map_err(|e| e.to_string())
    }
}

/// Takes a line as an output that is off.
pub(crate) fn open(chip: &Path, offset: u32, active_low: bool) -> Result<Box<dyn Line>, String> {
    let mut wanted = Request::builder();
    wanted
        .on_chip(chip)
        .with_consumer("wattpool gate")
        .with_line(offset)
        .as_output(Value::Inactive);
    if active_low {
        wanted.as_active_low();
    }
    let request = wanted
        .request()
        .map_err(|e| format!("{}: line {offset}: {e}", chip.display()))?;
    Ok(Box::new(ChipLine { request, offset }))
}
