//! What is made of several runs of the same.

/// The middle one; of an even count the mean of the middle two. `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied()?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted.get(middle.checked_sub(1)?).copied()?;
    Some(f64::midpoint(lower, upper))
}

/// How far apart the least and the most are, as a part of the median. `None` of nothing, and where the median is 0.
pub fn spread(values: &[f64]) -> Option<f64> {
    let middle = median(values).filter(|middle| *middle != 0.0)?;
    let most = values.iter().copied().max_by(f64::total_cmp)?;
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    Some((most - least) / middle)
}

/// What each round says of `above ÷ below`: what slows a machine down for a while slows both sides of one round. Without
/// the rounds that only one side has had, and those where `below` is 0.
pub fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    let rounds = above.iter().zip(below);
    rounds.filter(|(_, below)| **below > 0.0).map(|(above, below)| above / below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0]), Some(5.0));
        assert_eq!(median(&[100.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn the_spread_is_a_part_of_the_median() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[0.0, 0.0]), None);
        assert_eq!(spread(&[10.0]), Some(0.0));
        assert_eq!(spread(&[11.0, 10.0, 8.0]), Some(0.3));
    }

    #[test]
    fn each_round_is_compared_with_its_own_other_side() {
        // The machine was half as fast in the second round: that tells nothing of either side.
        assert_eq!(median(&ratios(&[100.0, 50.0, 110.0], &[20.0, 10.0, 22.0])), Some(5.0));
        assert_eq!(median(&ratios(&[1.0, 2.0], &[0.0, 4.0])), Some(0.5));
        assert_eq!(ratios(&[1.0], &[0.0]), [0.0; 0]);
        assert_eq!(ratios(&[], &[1.0]), [0.0; 0]);
        // A round that only one side has had does not count.
        assert_eq!(median(&ratios(&[6.0, 1.0], &[2.0])), Some(3.0));
    }
}
