//! When to look for the next block: so late that it is there, since every look costs a node.

use crate::rpc::BlockTime;
use std::time::Duration;
use tokio::time::Instant;

/// Blocks after which an earlier delay between a block's time and its being seen is forgotten.
const REMEMBERED: usize = 16;
/// Longest interval that is reckoned with.
const LONGEST: Duration = Duration::from_secs(60);

/// Longest pause once a block is overdue.
const MOST_LATE: Duration = Duration::from_secs(2);

/// The pace at which blocks were seen.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<Seen>,
    /// Mean interval of blocks.
    interval: Duration,
    /// How long after their time the last blocks were seen, against the first one of all.
    delays: Vec<i128>,
    first: Option<(Instant, BlockTime)>,
    /// When it was looked last.
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    height: u64,
    time: BlockTime,
}

const fn nanos(time: BlockTime) -> i128 {
    let seconds = time.seconds.0 as i128;
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(time.nanos as i128)
}

fn since(at: Instant, first: Instant) -> i128 {
    i128::try_from(at.saturating_duration_since(first).as_nanos()).unwrap_or(i128::MAX)
}

impl Pace {
    /// A node was asked now, whether there was a new block or not.
    pub fn looked(&mut self) {
        self.looked = Some(Instant::now());
    }

    /// A new block was seen now.
    pub fn saw(&mut self, height: u64, time: BlockTime) {
        let now = Instant::now();
        let (first, first_time) = *self.first.get_or_insert((now, time));
        let delay = since(now, first).saturating_sub(nanos(time).saturating_sub(nanos(first_time)));
        if self.delays.len() >= REMEMBERED {
            self.delays.remove(0);
        }
        self.delays.push(delay);
        if let Some(last) = &self.last {
            let blocks = i128::from(height.saturating_sub(last.height)).max(1);
            let passed = nanos(time).saturating_sub(nanos(last.time)).max(0);
            let each = u64::try_from(passed.checked_div(blocks).unwrap_or(0)).unwrap_or(u64::MAX);
            let each = Duration::from_nanos(each).min(LONGEST);
            self.interval = if self.interval.is_zero() {
                each
            } else {
                self.interval
                    .saturating_mul(7)
                    .saturating_add(each)
                    .checked_div(8)
                    .unwrap_or(each)
            };
        }
        self.last = Some(Seen { height, time });
    }

    /// How long to wait before the next look: until a block should be there, and at least `shortest` after the last look.
    pub fn pause(&self, shortest: Duration) -> Duration {
        let since_look = self.looked.map_or(Duration::ZERO, |at| at.elapsed());
        let (Some(last), Some((first, first_time))) = (&self.last, &self.first) else {
            return shortest.saturating_sub(since_look);
        };
        // Too early is another request; a tenth too late is nothing beside a window.
        let tenth = self.interval.checked_div(10).unwrap_or_default();
        let delay = self.delays.iter().min().copied().unwrap_or(0);
        let interval =
            i128::try_from(self.interval.saturating_add(tenth).as_nanos()).unwrap_or(i128::MAX);
        let due = nanos(last.time)
            .saturating_sub(nanos(*first_time))
            .saturating_add(delay)
            .saturating_add(interval);
        let left = due.saturating_sub(since(Instant::now(), *first));
        let span =
            |nanos: i128| Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX));
        // It should be there: a little later, then, and the later the longer it has not come.
        let late = span(left.saturating_neg())
            .checked_div(10)
            .unwrap_or_default();
        let after_look = tenth.max(late.min(MOST_LATE)).max(shortest);
        span(left)
            .max(after_look.saturating_sub(since_look))
            .min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
    use super::*;
    use wattpool_schema::Seconds;

    fn time(ms: u64) -> BlockTime {
        BlockTime {
            seconds: Seconds(1_000 + ms / 1_000),
            nanos: u32::try_from(ms % 1_000).unwrap() * 1_000_000,
        }
    }

    /// Looks made for so many blocks, one every `interval` ms that can be seen 900 ms after its time.
    async fn looks(blocks: u64, interval: u64) -> u64 {
        let start = Instant::now();
        let mut pace = Pace::default();
        let (mut seen, mut looks) = (0, 0);
        while seen < blocks {
            looks += 1;
            let passed = u64::try_from(start.elapsed().as_millis()).unwrap();
            let height = (passed + interval).saturating_sub(900) / interval;
            if height > seen {
                seen = height;
                pace.saw(height, time(height * interval));
            }
            tokio::time::sleep(pace.pause(Duration::from_millis(400))).await;
        }
        looks
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_costs_about_one_look() {
        assert!((195..=240).contains(&looks(200, 5_000).await));
        assert!((195..=240).contains(&looks(200, 6_300).await));
        // Faster than the shortest pause: several at once.
        assert!(looks(200, 200).await <= 110);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_just_looked_waits_and_who_comes_late_looks_at_once() {
        let shortest = Duration::from_millis(400);
        let mut pace = Pace::default();
        for height in 1..20 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            pace.looked();
            pace.saw(height, time(height * 5_000));
        }
        // The block's results were read meanwhile: the next block is not there yet.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(pace.pause(shortest) > Duration::from_millis(4_900));
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(pace.pause(shortest), Duration::ZERO);
        pace.looked();
        assert!(pace.pause(shortest) >= shortest);
    }

    #[tokio::test(start_paused = true)]
    async fn a_chain_that_halts_is_looked_for_and_no_time_is_too_odd() {
        let mut pace = Pace::default();
        let shortest = Duration::from_millis(400);
        assert_eq!(pace.pause(shortest), shortest);
        for height in 1..20 {
            pace.saw(height, time(height * 5_000));
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(pace.pause(shortest), MOST_LATE);
        // One that never made a second block is not asked three times a second either.
        let mut one = Pace::default();
        one.saw(1, time(5_000));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(one.pause(shortest), MOST_LATE);
        let odd = BlockTime {
            seconds: Seconds(u64::MAX),
            nanos: 0,
        };
        pace.saw(21, odd);
        assert!(pace.pause(shortest) <= LONGEST);
        pace.saw(22, time(0));
        assert!(pace.pause(shortest) <= LONGEST);
    }
}
