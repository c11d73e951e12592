//! Which texts are sent together.
//!
//! Counts no tokens of the service's own, since its tokenizer is not here. Invariant: every text is in one request, and a
//! request is within its limits unless it has one text alone.

use std::ops::Range;

/// Texts of one request that are worth a request of their own where others could be under way beside it.
const LEAST_SHARE: usize = 16;

/// Returns the tokens that a text has at the most, in nearly every text and model: English has a token for four bytes.
pub(super) fn estimated_tokens(text: &str) -> usize {
    text.len() / 3 + 2
}

/// Cuts texts into requests of at most so many texts and tokens, which are spread over as many requests as may be under
/// way at once.
pub(super) fn plan(tokens: &[usize], most_texts: usize, most_tokens: usize, at_once: usize) -> Vec<Range<usize>> {
    let share = tokens.len().div_ceil(at_once.max(1)).max(LEAST_SHARE);
    let most_texts = most_texts.min(share).max(1);
    let mut requests = Vec::new();
    let (mut start, mut sum) = (0, 0_usize);
    for (at, tokens) in tokens.iter().enumerate() {
        if at > start && (at - start >= most_texts || sum.saturating_add(*tokens) > most_tokens) {
            requests.push(start..at);
            (start, sum) = (at, 0);
        }
        sum = sum.saturating_add(*tokens);
    }
    if start < tokens.len() {
        requests.push(start..tokens.len());
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn every_text_is_in_one_request_within_the_limits() {
        let mut random = Random::new();
        for _ in 0..200 {
            let count = random.below(300) as usize;
            let tokens: Vec<usize> = (0..count).map(|_| random.below(60) as usize).collect();
            let (most_texts, most_tokens) = (1 + random.below(40) as usize, 1 + random.below(500) as usize);
            let requests = plan(&tokens, most_texts, most_tokens, 1 + random.below(5) as usize);
            let all: Vec<usize> = requests.iter().cloned().flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            for request in requests {
                let sum: usize = tokens[request.clone()].iter().sum();
                assert!(request.len() <= most_texts && (sum <= most_tokens || request.len() == 1), "{request:?}");
            }
        }
    }

    #[test]
    fn texts_are_spread_over_the_requests_at_once() {
        let lengths = |count: usize, at_once| {
            plan(&vec![1; count], 256, 1 << 20, at_once).into_iter().map(|request| request.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(256, 4), [64; 4]);
        assert_eq!(lengths(256, 1), [256]);
        assert_eq!(lengths(20, 4), [16, 4]);
        assert_eq!(lengths(1, 4), [1]);
        assert!(lengths(0, 4).is_empty());
        assert_eq!(plan(&[9, 9, 9], 256, 10, 1), [0..1, 1..2, 2..3]);
        assert!(estimated_tokens("The quick brown fox jumps over the lazy dog.") >= 10);
    }
}
