//! The agent behind the HTTP interface: there from the process's first moment, with or without a running runtime.

use std::sync::{PoisonError, RwLock};
use wattpool_runtime::{Handle, Health};

/// What the process is at before and between runtimes.
#[derive(Default)]
struct State {
    handle: Option<Handle>,
    waiting_for: String,
}

/// Shared between the runtime's keeper and the HTTP interface.
#[derive(Default)]
pub struct Running(RwLock<State>);

/// Health of the whole process.
#[derive(serde::Serialize)]
pub struct ProcessHealth {
    /// What the process waits for before an agent runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// The agent's health.
    #[serde(flatten)]
    pub agent: Health,
}

impl Running {
    fn write(&self, change: impl FnOnce(&mut State)) {
        // Two plain assignments: nothing is left half-changed.
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// There is no runtime; why not.
    pub fn wait(&self, what: &str) {
        self.write(|state| {
            state.handle = None;
            what.clone_into(&mut state.waiting_for);
        });
    }

    /// A runtime runs.
    pub fn run(&self, handle: Handle) {
        self.write(|state| {
            state.handle = Some(handle);
            state.waiting_for.clear();
        });
    }

    /// The hand on it; otherwise what is waited for.
    pub fn handle(&self) -> Result<Handle, String> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state
            .handle
            .clone()
            .ok_or_else(|| state.waiting_for.clone())
    }

    /// What works.
    pub fn health(&self) -> ProcessHealth {
        match self.handle() {
            Ok(handle) => ProcessHealth {
                waiting_for: None,
                agent: handle.health(),
            },
            Err(what) => ProcessHealth {
                waiting_for: Some(what),
                agent: Health::default(),
            },
        }
    }
}
