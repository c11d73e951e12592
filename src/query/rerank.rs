//! Hits in the order of a reranker: what a query finds first, read again beside the question by a model that scores both.
//!
//! Invariant: no hit is lost. One without a document has nothing to be read and comes after the others, in its former order
//! and without a score.

use std::time::Instant;

use super::answer::Answer;
use super::request::{Ask, Query};
use crate::embed::Reranker;
use crate::error::{Error, Result};
use crate::record::Hit;
use crate::store::Include;

/// Hits that are read again, unless more are asked for.
const RERANKED: usize = 50;

/// Answers a query by its own ranking, as `answered` does, then in the order of the reranker.
pub(crate) fn reranked(
    query: &Query,
    reranker: &Reranker,
    answered: impl FnOnce(&Query) -> Result<Answer>,
) -> Result<Answer> {
    let text = |ask: &Ask| match ask {
        Ask::Text { text, .. } => Ok(text.clone()),
        Ask::Vector(_) | Ask::Rank(_) | Ask::Like { .. } | Ask::All => {
            Err(Error::argument("a reranked query needs the text of each question"))
        }
    };
    let texts = query.asks.iter().map(text).collect::<Result<Vec<String>>>()?;
    let include = Include { documents: true, ..query.include };
    let depth = RERANKED.max(query.top.saturating_add(query.offset));
    let first = query.clone().top(depth).offset(0).include(include).rerank(None);
    let mut answer = answered(&first)?;
    let start = Instant::now();
    let mut cut = 0;
    for (text, hits) in texts.iter().zip(&mut answer.hits) {
        cut += reorder(reranker, text, hits)?;
        let page = std::mem::take(hits).into_iter().skip(query.offset).take(query.top);
        *hits = page.map(|hit| read_as_asked(hit, query.include)).collect();
    }
    answer.timing.rank += start.elapsed();
    if cut > 0 {
        let (model, most) = (reranker.name(), reranker.max_tokens());
        let documents = if cut == 1 { "a document".to_owned() } else { format!("{cut} documents") };
        answer.warnings.push(format!(
            "{model} reads {most} tokens of a query and a document, and read only the beginning of {documents}"
        ));
    }
    Ok(answer)
}

/// Sorts hits by what the reranker makes of them, ties in their former order; returns how many documents it did not read
/// to the end.
fn reorder(reranker: &Reranker, question: &str, hits: &mut Vec<Hit>) -> Result<usize> {
    let (mut read, unread): (Vec<Hit>, Vec<Hit>) =
        std::mem::take(hits).into_iter().partition(|hit| hit.record.document.is_some());
    let documents: Vec<&str> = read.iter().filter_map(|hit| hit.record.document.as_deref()).collect();
    let output = reranker.score(question, &documents)?;
    let mut order: Vec<(f32, Hit)> = output.logits.into_iter().zip(read.drain(..)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let scored = order.into_iter().map(|(logit, hit)| Hit { score: Some(sigmoid(logit)), ..hit });
    hits.extend(scored.chain(unread.into_iter().map(|hit| Hit { score: None, ..hit })));
    Ok(output.truncated.len())
}

/// As sentence-transformers shows the number of a cross-encoder with one label.
fn sigmoid(logit: f32) -> f32 {
    (1.0 + (-logit).exp()).recip()
}

fn read_as_asked(mut hit: Hit, include: Include) -> Hit {
    if !include.documents {
        hit.record.document = None;
    }
    hit
}
