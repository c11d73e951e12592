//! Which texts go through the model together.
//!
//! Knows only lengths. Texts of like length share a batch, since each is padded to the longest of it.
//! Invariant: every text is in exactly one batch.

/// Cuts texts of the given token lengths into batches of their indices, the longest texts first.
///
/// A batch holds at most `max_tokens` tokens, padding counted, and at most `max_rows` texts; a text longer than
/// `max_tokens` has a batch of its own.
pub(super) fn cut(lengths: &[usize], max_tokens: usize, max_rows: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> = lengths.iter().copied().enumerate().collect();
    order.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for (index, length) in order {
        match batches.last_mut() {
            Some(batch) if room > 0 => batch.push(index),
            _ => {
                room = (max_tokens / length.max(1)).clamp(1, max_rows.max(1));
                batches.push(vec![index]);
            }
        }
        room -= 1;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_within_their_bounds_and_hold_each_text_once() {
        let lengths: Vec<usize> = (0..500).map(|i| i * 7919 % 256 + 2).collect();
        let batches = cut(&lengths, 512, 16);
        for batch in &batches {
            let longest = batch.iter().map(|&i| lengths[i]).max().unwrap();
            assert!(batch.len() <= 16 && (batch.len() == 1 || longest * batch.len() <= 512), "{batch:?}");
        }
        let mut all: Vec<usize> = batches.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..500));
    }

    #[test]
    fn long_texts_go_first_and_alone_and_equal_ones_keep_their_order() {
        assert_eq!(cut(&[3, 900, 3, 3], 8, 32), [vec![1], vec![0, 2], vec![3]]);
        assert_eq!(cut(&[], 8, 32), Vec::<Vec<usize>>::new());
        assert_eq!(cut(&[1, 1], 8, 0), [[0], [1]]);
    }
}
