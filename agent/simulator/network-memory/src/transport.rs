//! Messages: delay, loss, retries, and the counting of them.

use crate::config::NetworkConfig;
use crate::counters::Counters;
use crate::routing::below;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Estimated bytes of a request or direct message: frame, request id, key.
pub(crate) const REQUEST_BYTES: u64 = 96;
/// Estimated bytes of an answer without its content.
pub(crate) const ANSWER_BYTES: u64 = 48;
/// Estimated bytes of a contact in an answer: peer id and one address.
pub(crate) const CONTACT_BYTES: u64 = 64;

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The other node got it at least once.
    pub(crate) delivered: bool,
    /// The answer came in time.
    pub(crate) answered: bool,
    /// When the answer came, or when it was given up; milliseconds.
    pub(crate) at: u64,
}

/// The wire: one generator, in the order of the calls.
pub(crate) struct Transport {
    random: ChaCha8Rng,
    /// Share of lost messages × 2³².
    loss: u64,
    least_ms: u64,
    /// Number of different uniform delays.
    spread_ms: u64,
    extra_mean_ms: f64,
    attempts: u32,
    timeout_ms: u64,
    pub(crate) counters: Counters,
}

impl Transport {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the loss is checked to be in [0, 1]"
    )]
    pub(crate) fn new(seed: u64, config: &NetworkConfig) -> Self {
        let (least, most) = config.latency_ms;
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            loss: (config.message_loss * 4_294_967_296.0) as u64,
            least_ms: least,
            spread_ms: most.saturating_sub(least).saturating_add(1),
            extra_mean_ms: config.extra_delay_mean_ms,
            attempts: config.retries.saturating_add(1),
            timeout_ms: config.timeout_ms,
            counters: Counters::default(),
        }
    }

    /// Sends one message; when it arrives, or `None` if it is lost or nobody is there.
    pub(crate) fn message(&mut self, now: u64, bytes: u64, online: bool) -> Option<u64> {
        self.counters.messages = self.counters.messages.saturating_add(1);
        self.counters.bytes = self.counters.bytes.saturating_add(bytes);
        let random = self.random.next_u64();
        let delay = self
            .least_ms
            .saturating_add(below(random << 32, self.spread_ms))
            .saturating_add(self.extra_delay());
        if !online || random >> 32 < self.loss {
            self.counters.lost = self.counters.lost.saturating_add(1);
            return None;
        }
        Some(now.saturating_add(delay))
    }

    /// An exponential delay by inversion, whole milliseconds.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "53 random bits are exact; −ln of (0, 1] is at most 37"
    )]
    fn extra_delay(&mut self) -> u64 {
        if self.extra_mean_ms <= 0.0 {
            return 0;
        }
        let uniform = ((self.random.next_u64() >> 11) as f64 + 1.0) / 9_007_199_254_740_992.0;
        (-libm::log(uniform) * self.extra_mean_ms) as u64
    }

    /// Sends a request until it is answered in time or the retries are used up.
    pub(crate) fn exchange(
        &mut self,
        now: u64,
        online: bool,
        request: u64,
        answer: u64,
    ) -> Exchange {
        let mut delivered = false;
        let mut sent = now;
        for _ in 0..self.attempts {
            let given_up = sent.saturating_add(self.timeout_ms);
            if let Some(arrived) = self.message(sent, request, online) {
                delivered = true;
                if let Some(at) = self
                    .message(arrived, answer, true)
                    .filter(|at| *at <= given_up)
                {
                    return Exchange {
                        delivered,
                        answered: true,
                        at,
                    };
                }
            }
            sent = given_up;
        }
        self.counters.timeouts = self.counters.timeouts.saturating_add(1);
        Exchange {
            delivered,
            answered: false,
            at: sent,
        }
    }
}
