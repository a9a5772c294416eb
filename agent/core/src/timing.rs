//! When things happen within a window, derived from its length and the chain's block interval.

/// Delays in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Window length.
    pub window_ms: u64,
    /// Expected block interval.
    pub block_ms: u64,
    /// Random spread of first acts, so that a neighbourhood does not act in one instant.
    pub jitter_ms: u64,
    /// From the window's opening to pricing: statuses have been announced by then.
    pub price_ms: u64,
    /// From the opening to the first look-up: statements are in a block and offers announced by then.
    pub seek_ms: u64,
    /// From the opening of one class of loss to that of the next: the nearest trade among themselves first.
    pub class_ms: u64,
    /// Deadline of a look-up.
    pub lookup_ms: u64,
    /// How long an answer may take.
    pub answer_ms: u64,
    /// From the opening to the end of the first part, which standing orders have for themselves; zero where there are none.
    pub orders_ms: u64,
    /// First pause between look-ups that found too little; doubles.
    pub retry_ms: u64,
    /// How long an approval holds, in chain seconds.
    pub approval_s: u64,
    /// Before the window's end nothing new is started.
    pub closing_ms: u64,
}

impl Timing {
    /// Timing for a window, a block interval and the first part that the market's settings name. At least four blocks
    /// should fit a window.
    pub fn for_chain(window_s: u32, block_ms: u64, first_part_s: u32) -> Self {
        let window_ms = u64::from(window_s).saturating_mul(1000);
        let block_ms = block_ms.max(1);
        let share = |parts: u64| window_ms.checked_div(parts).unwrap_or(window_ms).max(1);
        Self {
            window_ms,
            block_ms,
            jitter_ms: share(90).min(1_000),
            price_ms: share(30).min(3_000),
            seek_ms: share(15)
                .max(block_ms.saturating_mul(2))
                .min(share(4))
                .max(share(90)),
            class_ms: share(60)
                .max(block_ms.saturating_mul(2))
                .min(share(30))
                .min(20_000),
            lookup_ms: share(30).min(4_000),
            answer_ms: share(30).min(3_000),
            orders_ms: u64::from(first_part_s).saturating_mul(1000),
            retry_ms: share(20).max(block_ms).min(20_000),
            approval_s: block_ms.saturating_mul(6).div_ceil(1000).max(2),
            closing_ms: block_ms.saturating_mul(2).min(share(4)),
        }
    }
}
