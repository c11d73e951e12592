//! Words of documents, kept beside them: the terms of each and their weights, in two arrays of the record's row.
//!
//! A row that is replaced or deleted takes its words along. The score is the file's: rarity is reckoned here, and the
//! products are added in the order of the question's terms, in f64. Invariant: a row has words exactly where it has a
//! document and the collection's documents are indexed.

use postgres::Client;
use postgres::types::Type;

use super::fault::Done;

use super::kept::Kept;
use super::layout::Part;
use super::params::Params;
use super::pool::Session;
use crate::backend::search::WordHits;
use crate::bm25::Words;
use crate::index::rarity;
use crate::record::SparseVector;

/// Documents indexed in one statement.
const AT_ONCE: i64 = 2048;

/// Returns the terms of a document and their weights, as they are kept.
pub(super) fn of_document(document: &str) -> (Vec<i32>, Vec<f32>) {
    Words::default().of_document(document).iter().map(|(term, weight)| (term.cast_signed(), weight)).unzip()
}

/// Fills the columns of every document of a table, or empties them; returns how many documents were indexed.
pub(super) fn index(client: &mut Client, table: &str, on: bool) -> Done<u64> {
    if !on {
        // nosemgrep: sql-of-pieces -- the name of a table is no parameter, and made of its number
        client.execute(&format!("update {table} set terms = null, weights = null where terms is not null"), &[])?;
        return Ok(0);
    }
    let next = format!(
        "select seq, document from {table} where seq > $1 and document is not null order by seq limit {AT_ONCE}"
    );
    let put = format!(
        "update {table} t set terms = w.terms::int[], weights = w.weights::real[]
         from unnest($1::bigint[], $2::text[], $3::text[]) as w(seq, terms, weights) where t.seq = w.seq"
    );
    let (next, put) = (client.prepare(&next)?, client.prepare(&put)?);
    let (mut last, mut documents) = (-1_i64, 0);
    loop {
        let rows = client.query(&next, &[&last])?;
        let (mut seqs, mut terms, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (of_terms, of_weights) = of_document(row.try_get(1)?);
            seqs.push(row.try_get::<_, i64>(0)?);
            terms.push(array(&of_terms));
            weights.push(array(&of_weights));
        }
        let Some(end) = seqs.last() else { break };
        (last, documents) = (*end, documents + seqs.len() as u64);
        client.execute(&put, &[&seqs, &terms, &weights])?;
    }
    Ok(documents)
}

/// Writes an array as PostgreSQL reads it; the shortest digits of an f32 are that f32.
fn array(items: &[impl ToString]) -> String {
    format!("{{{}}}", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// Appends arrays as PostgreSQL takes them in a copy, each behind its length in bytes.
pub(super) fn put(out: &mut Vec<u8>, document: &str) {
    let (terms, weights) = of_document(document);
    put_array(out, &Type::INT4, terms.iter().map(|term| term.to_be_bytes()));
    put_array(out, &Type::FLOAT4, weights.iter().map(|weight| weight.to_be_bytes()));
}

fn put_array(out: &mut Vec<u8>, of: &Type, items: impl ExactSizeIterator<Item = [u8; 4]>) {
    let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
    // One dimension, no nulls, counted from 1; an empty array has no dimension.
    let head = if count == 0 { 12 } else { 20 };
    out.extend((head + 8 * count).to_be_bytes());
    out.extend(i32::from(count > 0).to_be_bytes());
    out.extend(0_i32.to_be_bytes());
    out.extend(of.oid().to_be_bytes());
    if count > 0 {
        out.extend(count.to_be_bytes());
        out.extend(1_i32.to_be_bytes());
    }
    for item in items {
        out.extend(4_i32.to_be_bytes());
        out.extend(item);
    }
}

/// Finds the records that are kept and hold a term of a question; how rare a term is, is reckoned among `all`, so many. Each
/// of the tables' parts counts for itself.
pub(super) fn best(
    session: &mut Session,
    (table, parts): (&str, &[Part]),
    question: &SparseVector,
    kept: &Kept,
    (all, records): (&Kept, u64),
) -> Done<WordHits> {
    let terms: Vec<i32> = question.iter().map(|(term, _)| term.cast_signed()).collect();
    let mut params = Params::default();
    let (all, asked) = (all.sql(&mut params), params.push(terms.clone(), "int[]"));
    let in_part = |part: &Part| format!("(select count(*) from {} where terms @> array[term] and {all})", part.table);
    let count = format!(
        "select {} from unnest({asked}) with ordinality as asked(term, at) order by at",
        parts.iter().map(in_part).collect::<Vec<_>>().join(" + ")
    );
    let holding = session.rows(&count, &params.values())?;
    let holding = holding.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, postgres::Error>>()?;
    let weight = |((_, asked), holding): ((u32, f32), &i64)| {
        f64::from(asked) * rarity(records, usize::try_from(*holding).unwrap_or(0))
    };
    let weights: Vec<f64> = question.iter().zip(&holding).map(weight).collect();
    let is_known = holding.iter().any(|holding| *holding > 0);
    let mut params = Params::default();
    let kept = kept.sql(&mut params);
    let (terms, weights) = (params.push(terms, "int[]"), params.push(weights, "float8[]"));
    // A sum of f64 depends on its order.
    let sql = format!(
        "select seq, sum(asked.weight * held.weight::float8 order by asked.at) as product
         from {table}, unnest(terms, weights) as held(term, weight)
         join unnest({terms}, {weights}) with ordinality as asked(term, weight, at) using (term)
         where terms && {terms} and {kept} group by seq order by product desc, seq"
    );
    let rows = session.rows(&sql, &params.values())?;
    let hit = |row: &postgres::Row| -> Done<(u64, f64)> {
        Ok((u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0), row.try_get(1)?))
    };
    Ok(WordHits { best: rows.iter().map(hit).collect::<Done<_>>()?, is_known })
}
