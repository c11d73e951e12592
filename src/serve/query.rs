//! `query`: questions are read one by one, and asked together where they wait together.
//!
//! Several questions to one collection cost little more than one, since its codes are read once for all. Invariant: what is
//! answered is what each question would have been answered by itself.

use super::call::{Answered, Call, Handled, Reply, Site, Step};
use super::fault::Fault;
use super::question::Question;
use super::records::{check_schema, filter, put, record_ids};
use super::wire::include::{OF_QUERY, Part, read_for};
use super::wire::record::{QueryBody, QueryReply};
use crate::backend::State;
use crate::embed::{DEFAULT_MODEL, asked_with_model_of_client};
use crate::error::Error;
use crate::query::{Ask, Query};
use crate::record::{Hit, Record};

/// Reads a request.
pub(super) fn read(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let body: QueryBody = site.body(call)?;
    let QueryBody { query_embeddings, query_texts, n_results, ids, r#where, where_document, include } = body;
    let asks: Vec<Ask> = match (query_embeddings, query_texts) {
        (Some(embeddings), None) => {
            // Chroma answers one that is not finite with distances that are null; here it is refused, as every embedding is.
            embeddings.into_iter().map(|sent| sent.components().map(Ask::Vector)).collect::<Result<_, _>>()?
        }
        (None, Some(texts)) => texts.into_iter().map(Ask::from).collect(),
        (None, None) => {
            let column = call.body.len();
            return Err(Fault::shape(format!("missing field `query_embeddings` at line 1 column {column}")));
        }
        (Some(_), Some(_)) => return Err(Fault::invalid("query_embeddings and query_texts are both given; give one")),
    };
    let text = |json: &Option<Box<serde_json::value::RawValue>>| {
        json.as_ref().map(|json| json.get().to_owned()).unwrap_or_default()
    };
    Ok(Step::Ask(Box::new(Question {
        records,
        asks,
        filter_text: (text(&r#where), text(&where_document)),
        filter: filter(site, r#where.as_deref(), where_document.as_deref())?,
        ids: ids.map(record_ids).transpose()?,
        top: n_results.map_or(10, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        include: include.unwrap_or_else(|| OF_QUERY.to_vec()),
    })))
}

/// Answers questions of one path, in their order.
pub(super) fn answer(site: &Site, questions: Vec<Question>, threads: usize) -> Vec<Answered> {
    let mut groups: Vec<Vec<(usize, Question)>> = Vec::new();
    for (at, question) in questions.into_iter().enumerate() {
        let group = groups.iter_mut().find(|group| group.first().is_some_and(|(_, first)| first.goes_with(&question)));
        match group {
            Some(group) => group.push((at, question)),
            None => groups.push(vec![(at, question)]),
        }
    }
    let mut answers: Vec<(usize, Answered)> = Vec::new();
    for group in groups {
        let (places, group): (Vec<usize>, Vec<Question>) = group.into_iter().unzip();
        let answered = match together(site, &group, threads) {
            Ok(answered) => answered.into_iter().map(Ok).collect(),
            // One of them cannot be answered, and the others shall be.
            Err(_) if group.len() > 1 => group.iter().map(|question| alone(site, question, threads)).collect(),
            Err(fault) => vec![Err(fault)],
        };
        answers.extend(places.into_iter().zip(answered));
    }
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answered)| answered).collect()
}

fn alone(site: &Site, question: &Question, threads: usize) -> Answered {
    together(site, std::slice::from_ref(question), threads)?.pop().ok_or_else(|| Fault::internal("no answer"))
}

fn together(site: &Site, questions: &[Question], threads: usize) -> Result<Vec<Reply>, Fault> {
    let Some(first) = questions.first() else { return Ok(Vec::new()) };
    let state = first.records.state()?;
    check_schema(state.info(), first.filter.as_ref())?;
    let counts: Vec<usize> = questions.iter().map(|question| question.asks.len()).collect();
    let include = read_for(&first.include);
    let mut hits = Vec::new();
    let mut notes = Vec::new();
    if state.counts().records == 0 || counts.iter().all(|count| *count == 0) {
        hits.resize_with(counts.iter().sum(), Vec::new);
        check_dimensions(state.as_ref(), questions)?;
    } else {
        check_ids(state.as_ref(), first)?;
        let asks = questions.iter().flat_map(|question| question.asks.iter().cloned());
        let top = questions.iter().map(|question| question.top).max().unwrap_or_default();
        let each = top.min(usize::try_from(state.counts().records).unwrap_or(usize::MAX));
        site.check_results(each.saturating_mul(counts.iter().copied().max().unwrap_or_default()))?;
        let query = Query::new(asks).top(top).filter(first.filter.clone()).ids(first.ids.clone()).include(include);
        let answer = state.query(&query.threads(threads).models(site.options.models.clone()))?;
        hits = answer.hits;
        notes = answer.warnings;
        site.metrics().search_warnings.inc_by(notes.len() as u64);
        let asks_texts = matches!(first.asks.first(), Some(Ask::Text { .. }));
        if asks_texts && state.info().embedder.is_none() {
            notes.push(asked_with_model_of_client(state.info(), DEFAULT_MODEL));
        }
    }
    let mut hits = hits.into_iter();
    Ok(questions
        .iter()
        .zip(counts)
        .map(|(question, count)| reply(question, hits.by_ref().take(count), &notes))
        .collect())
}

/// An empty collection has no hits, and still a dimension.
fn check_dimensions(state: &dyn State, questions: &[Question]) -> Result<(), Fault> {
    let Some(expected) = state.info().dimension else { return Ok(()) };
    for ask in questions.iter().flat_map(|question| &question.asks) {
        if let Ask::Vector(vector) = ask
            && vector.len() != expected
        {
            let collection = state.info().name.to_string();
            return Err(Error::DimensionMismatch { collection, expected, got: vector.len() }.into());
        }
    }
    Ok(())
}

/// As in Chroma, whose tests ask for it: an id that does not exist is an error, unless a filter goes with it.
fn check_ids(state: &dyn State, question: &Question) -> Result<(), Fault> {
    let (Some(ids), None) = (&question.ids, &question.filter) else { return Ok(()) };
    state.look_up(&mut ids.iter().cloned())?;
    for id in ids {
        if !state.exists(id)? {
            return Err(Fault::internal("Error executing plan: Internal error: Error finding id"));
        }
    }
    Ok(())
}

fn reply(question: &Question, hits: impl Iterator<Item = Vec<Hit>>, notes: &[String]) -> Reply {
    let include = question.include.clone();
    let mut reply = QueryReply {
        ids: Vec::new(),
        embeddings: include.contains(&Part::Embeddings).then(Vec::new),
        documents: include.contains(&Part::Documents).then(Vec::new),
        uris: include.contains(&Part::Uris).then(Vec::new),
        metadatas: include.contains(&Part::Metadatas).then(Vec::new),
        distances: include.contains(&Part::Distances).then(Vec::new),
        include,
    };
    for hits in hits {
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        let (mut embeddings, mut documents, mut uris, mut metadatas) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Hit { record, distance, .. } in hits.into_iter().take(question.top) {
            let Record { id, embedding, document, uri, metadata } = record;
            ids.push(id.into());
            distances.push(distance);
            embeddings.push(embedding);
            documents.push(document);
            uris.push(uri);
            metadatas.push(metadata.filter(|metadata| !metadata.is_empty()));
        }
        reply.ids.push(ids);
        put(&mut reply.distances, distances);
        put(&mut reply.embeddings, embeddings);
        put(&mut reply.documents, documents);
        put(&mut reply.uris, uris);
        put(&mut reply.metadatas, metadatas);
    }
    let hits = reply.ids.iter().map(Vec::len).sum();
    Reply { notes: notes.to_vec(), ..Reply::json(&reply).about(hits) }
}
