//! The scoring function that makes a trade's label (SRS §3.2.5).

/// How much of the label the slowest trade loses.
const LATE: f64 = 0.1;

/// The quality of a trade that has ended: `fulfilment · (1 − 0.1·min(1, t/T))`, with the fulfilment
/// `arrived/asked` of what was asked for at first and not declined by the buyer, `t` the chain seconds from the
/// request to the last chunk and `T` the seconds of all windows it was asked for.
///
/// None where nothing remains that was asked for: such a trade says nothing of its seller.
pub fn quality_label(
    asked_wh: u64,
    declined_wh: u64,
    arrived_wh: u64,
    duration_s: Option<f64>,
    agreed_s: f64,
) -> Option<f64> {
    let asked = asked_wh.saturating_sub(declined_wh);
    if asked == 0 {
        return None;
    }
    let fulfilment = (arrived_wh as f64 / asked as f64).clamp(0.0, 1.0);
    let lateness = match duration_s {
        Some(t) if agreed_s > 0.0 => (t / agreed_s).clamp(0.0, 1.0),
        _ => 0.0,
    };
    Some(fulfilment * (1.0 - LATE * lateness))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_of_what_was_asked_less_a_little_for_lateness() {
        assert_eq!(quality_label(100, 0, 100, Some(0.0), 900.0), Some(1.0));
        assert_eq!(quality_label(100, 0, 50, Some(0.0), 900.0), Some(0.5));
        assert_eq!(quality_label(100, 0, 0, None, 900.0), Some(0.0));
        assert_eq!(quality_label(100, 60, 40, Some(0.0), 900.0), Some(1.0));
        assert_eq!(quality_label(100, 100, 0, None, 900.0), None);
        let late = quality_label(100, 0, 100, Some(450.0), 900.0).unwrap();
        assert!((late - 0.95).abs() < 1e-12);
        let later = quality_label(100, 0, 100, Some(1e9), 900.0).unwrap();
        assert!((later - 0.9).abs() < 1e-12);
    }
}
