//! Questions that are longer than what the model reads of one, so that a command can say so once.

use std::sync::atomic::{AtomicU64, Ordering};

use huedb::embed::{EmbedOutput, TextRole};

use crate::output::{count, count_of};

/// Counts the questions that a command embeds.
#[derive(Debug, Default)]
pub(crate) struct LongQuestions {
    embedded: AtomicU64,
    cut: AtomicU64,
}

impl LongQuestions {
    /// Counts what was embedded, where it was questions.
    pub(crate) fn count(&self, role: TextRole, output: &EmbedOutput) {
        if role == TextRole::Query {
            self.embedded.fetch_add(output.vectors.len() as u64, Ordering::Relaxed);
            self.cut.fetch_add(output.truncated.len() as u64, Ordering::Relaxed);
        }
    }

    /// Says how many were longer than the tokens that the model reads; `None` where none was.
    pub(crate) fn said(&self, max_tokens: usize) -> Option<String> {
        let (cut, embedded) = (self.cut.load(Ordering::Relaxed), self.embedded.load(Ordering::Relaxed));
        let tokens = count(max_tokens as u64);
        match (cut, embedded) {
            (0, _) => None,
            (1, 1) => Some(format!(
                "the question is longer than the {tokens} tokens the model reads; the rest is not searched by meaning"
            )),
            _ => Some(format!(
                "{} of {} {} longer than the {tokens} tokens the model reads; the rest is not searched by meaning",
                count(cut),
                count_of(embedded, "question"),
                if cut == 1 { "is" } else { "are" }
            )),
        }
    }
}
