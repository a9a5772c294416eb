//! What happens when, in virtual milliseconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use wattpool_core::io::{BlockRef, WindowTerms};
use wattpool_host::{Input, TICK_MS};
use wattpool_ledger_embedded::Executed;
use wattpool_schema::Window;

/// Something that is due.
pub(crate) enum Task {
    /// An input for a host; dropped if its agent has crashed since.
    Deliver {
        home: u32,
        incarnation: u32,
        input: Input,
    },
    /// A host asked to be woken; dropped if its agent has crashed since.
    Wake { home: u32, incarnation: u32 },
    /// A window begins.
    Window(Window),
    /// A window that began while the chain stood still opens with the first block.
    Late(Window),
    /// A block is due.
    Block,
    /// The agents hear of a block: what was executed in it, and the terms of the window that it opened.
    News(BlockRef, Vec<Executed>, Option<Arc<WindowTerms>>),
    /// The chain stops until the given time.
    Halt { until: u64 },
    /// A crashed agent comes back.
    Restart { home: u32 },
}

/// The queue; tasks of one time keep the order in which they were added.
#[derive(Default)]
pub(crate) struct Queue {
    due: BTreeMap<u64, Vec<Task>>,
    spare: Vec<Vec<Task>>,
}

impl Queue {
    /// Adds a task at the tick at or after `at`.
    pub fn add(&mut self, at: u64, task: Task) {
        let at = at.div_ceil(TICK_MS).saturating_mul(TICK_MS);
        let spare = &mut self.spare;
        self.due
            .entry(at)
            .or_insert_with(|| spare.pop().unwrap_or_default())
            .push(task);
    }

    /// Takes everything that is due next.
    pub fn next(&mut self) -> Option<(u64, Vec<Task>)> {
        self.due.pop_first()
    }

    /// Gives an emptied list back for use again.
    pub fn recycle(&mut self, mut tasks: Vec<Task>) {
        tasks.clear();
        if self.spare.len() < 64 && tasks.capacity() <= 4096 {
            self.spare.push(tasks);
        }
    }
}
