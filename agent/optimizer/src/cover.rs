//! How few sellers can cover the need.

/// The smallest number of sellers `K*` that can cover the need, and what the `K* − 1` largest deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    pub sellers: usize,
    /// Deliverable Wh of the `K* − 1` largest: below the need.
    pub without_last: u64,
}

/// Up to this many are sorted outright.
const SORT_ALL: usize = 24;

/// Finds `K*`: the least `k` for which the `k` largest sizes sum to the need, if all together do.
/// Reorders `sizes`; linear in their number for a small `K*`.
pub(crate) fn smallest(sizes: &mut [u64], need: u64) -> Option<Cover> {
    if let Some(most) = sizes.iter().max() {
        if *most >= need {
            return Some(Cover {
                sellers: 1,
                without_last: 0,
            });
        }
    }
    let mut sorted = if sizes.len() <= SORT_ALL {
        sizes.len()
    } else {
        SORT_ALL / 2
    };
    loop {
        let largest = if sorted < sizes.len() {
            let (head, _, _) = sizes.select_nth_unstable_by(sorted, |a, b| b.cmp(a));
            head
        } else {
            &mut *sizes
        };
        largest.sort_unstable_by(|a, b| b.cmp(a));
        let mut without_last = 0u64;
        for (before, size) in largest.iter().enumerate() {
            let sum = without_last.saturating_add(*size);
            if sum >= need {
                return Some(Cover {
                    sellers: before.saturating_add(1),
                    without_last,
                });
            }
            without_last = sum;
        }
        if sorted >= sizes.len() {
            return None;
        }
        sorted = sorted.saturating_mul(8).min(sizes.len());
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn by_sorting(sizes: &[u64], need: u64) -> Option<Cover> {
        let mut sizes = sizes.to_vec();
        sizes.sort_unstable();
        sizes.reverse();
        (1..=sizes.len())
            .find(|k| sizes[..*k].iter().sum::<u64>() >= need)
            .map(|k| Cover {
                sellers: k,
                without_last: sizes[..k - 1].iter().sum(),
            })
    }

    #[test]
    fn agrees_with_sorting_at_every_size() {
        for n in [0usize, 1, 2, 63, 64, 65, 200, 1_000] {
            let sizes: Vec<u64> = (0..n as u64).map(|i| 1 + (i * 7_919) % 500).collect();
            let total: u64 = sizes.iter().sum();
            for need in [1, 10, 499, 500, 501, 2_500, total / 2, total, total + 1] {
                if need > 0 {
                    assert_eq!(
                        smallest(&mut sizes.clone(), need),
                        by_sorting(&sizes, need),
                        "n {n} need {need}"
                    );
                }
            }
        }
    }
}
