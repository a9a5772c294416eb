//! The owner's hand on a running agent.

use crate::health::{Board, Health};
use crate::status::Status;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use wattpool_core::metering::{Exchange, ReadingProblem};
use wattpool_core::policy::Policy;

/// What the owner wants.
pub(crate) enum Control {
    Policy(Box<Policy>, oneshot::Sender<()>),
    Paused(bool, oneshot::Sender<()>),
    Decide {
        request: u64,
        accept: bool,
        done: oneshot::Sender<bool>,
    },
    Exchange(Exchange, oneshot::Sender<Result<(), ReadingProblem>>),
    Status(oneshot::Sender<Box<Status>>),
}

/// The agent is not running any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent is not running")]
pub struct Gone;

/// Controls one runtime. Clones control the same.
#[derive(Clone)]
pub struct Handle {
    pub(crate) to: mpsc::Sender<Control>,
    pub(crate) stop: Arc<watch::Sender<bool>>,
    pub(crate) board: Arc<Board>,
}

impl Handle {
    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        self.to.send(control(answer)).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// What the agent is at.
    ///
    /// # Errors
    /// It is not running.
    pub async fn status(&self) -> Result<Box<Status>, Gone> {
        self.ask(Control::Status).await
    }

    /// What works; answered even while the agent still starts.
    pub fn health(&self) -> Health {
        self.board.health()
    }

    /// Puts a policy in force; when this returns it is durable.
    ///
    /// # Errors
    /// The agent is not running.
    pub async fn set_policy(&self, policy: Policy) -> Result<(), Gone> {
        self.ask(|done| Control::Policy(Box::new(policy), done))
            .await
    }

    /// Stops trading for now (true) or goes on (false); when this returns it is durable.
    ///
    /// # Errors
    /// The agent is not running.
    pub async fn set_paused(&self, paused: bool) -> Result<(), Gone> {
        self.ask(|done| Control::Paused(paused, done)).await
    }

    /// Decides on a trade that waits for the owner. False: none of this number waits.
    ///
    /// # Errors
    /// The agent is not running.
    pub async fn decide(&self, request: u64, accept: bool) -> Result<bool, Gone> {
        self.ask(|done| Control::Decide {
            request,
            accept,
            done,
        })
        .await
    }

    /// Another meter goes on in the place of the old one; when this returns it is durable, or it was not taken, and
    /// why.
    ///
    /// # Errors
    /// The agent is not running.
    pub async fn exchange_meter(
        &self,
        exchange: Exchange,
    ) -> Result<Result<(), ReadingProblem>, Gone> {
        self.ask(|done| Control::Exchange(exchange, done)).await
    }

    /// Ends the runtime: offers are taken back, what is journalled goes on after the next start.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
