//! How evenly the sellers' income opportunities are spread.

/// Gini coefficient of non-negative values: 0 when all are equal, towards 1 when one has everything.
/// `None` for fewer than one value or when all are zero.
///
/// `G = 2 Σ i·x_(i) / (n Σ x) − (n + 1)/n` over ascending values, `i` from 1 (Sen 1973, "On Economic
/// Inequality").
pub fn gini(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values
        .iter()
        .copied()
        .filter(|v| v.is_finite() && *v >= 0.0)
        .collect();
    let total: f64 = sorted.iter().sum();
    if total <= 0.0 {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let ranked: f64 = sorted
        .iter()
        .zip(1u32..)
        .map(|(v, i)| f64::from(i) * v)
        .sum();
    Some((2.0 * ranked / (n * total) - (n + 1.0) / n).max(0.0))
}

/// A seller: what it has in common with others, and what it sold of its surplus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seller<G> {
    /// Equal for sellers that are alike.
    pub group: G,
    /// Sold over surplus.
    pub sold: f64,
}

/// Mean Gini coefficient within groups of sellers that are alike, weighted by the sellers in them. A seller
/// without a like counts for nothing, a group that sold nothing for equality. `None` without such a group.
pub fn gini_among_like<G: Ord + Copy>(sellers: &[Seller<G>]) -> Option<f64> {
    let mut groups: std::collections::BTreeMap<G, Vec<f64>> = std::collections::BTreeMap::new();
    for seller in sellers {
        groups.entry(seller.group).or_default().push(seller.sold);
    }
    let alike = groups.values().filter(|sold| sold.len() > 1);
    let (mut sum, mut count) = (0.0, 0.0);
    for sold in alike {
        let weight = sold.len() as f64;
        sum += weight * gini(sold).unwrap_or(0.0);
        count += weight;
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::{gini, gini_among_like, Seller};

    #[test]
    fn equal_sales_are_fair_and_a_monopoly_is_not() {
        assert_eq!(gini(&[5.0, 5.0, 5.0, 5.0]), Some(0.0));
        assert!((gini(&[0.0, 0.0, 0.0, 8.0]).unwrap() - 0.75).abs() < 1e-12);
        // Mean absolute difference by hand: |1-3|·2 / (2·2²·2) = 0.25.
        assert!((gini(&[3.0, 1.0]).unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn matches_the_mean_absolute_difference() {
        let x = [2.0f64, 7.0, 1.0, 8.0, 2.0, 8.0, 0.0];
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let differences: f64 = x
            .iter()
            .flat_map(|a| x.iter().map(move |b| (a - b).abs()))
            .sum();
        assert!((gini(&x).unwrap() - differences / (2.0 * n * n * mean)).abs() < 1e-12);
    }

    #[test]
    fn only_like_sellers_are_compared() {
        let of = |group, sold| Seller { group, sold };
        // Large and small sell different shares: no inequality among like ones.
        let fair = [of(1, 0.9), of(1, 0.9), of(2, 0.1), of(2, 0.1)];
        assert!(gini_among_like(&fair).unwrap() < 1e-12);
        // One group of two with 0.25 of inequality, a group of two without, and one alone.
        let mixed = [of(1, 0.3), of(1, 0.1), of(2, 0.5), of(2, 0.5), of(3, 1.0)];
        assert!((gini_among_like(&mixed).unwrap() - 0.125).abs() < 1e-12);
        assert_eq!(gini_among_like(&[of(1, 0.5), of(2, 0.5)]), None);
        assert_eq!(gini_among_like(&[of(1, 0.0), of(1, 0.0)]), Some(0.0));
    }

    #[test]
    fn nothing_sold_has_no_coefficient() {
        assert_eq!(gini(&[]), None);
        assert_eq!(gini(&[0.0, 0.0]), None);
    }
}
