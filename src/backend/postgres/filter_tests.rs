//! Random filters on random records: PostgreSQL keeps what [`Filter::matches`] keeps.

use postgres::Client;

use super::super::number::digits;
use super::{Params, condition};
use crate::postgres_server::Postgres;
use crate::query::Filter;
use crate::query::filter::tests::random_trees::{STRINGS, key, number, tree};
use crate::random::Random;
use crate::record::{Metadata, Number, Record, RecordId, SparseVector, Value};

/// Returns the number as a value.
fn value_of(number: Number) -> Value {
    match number {
        Number::Int(i) => Value::Int(i),
        Number::Float(f) => Value::Float(f),
    }
}

fn value(random: &mut Random) -> Value {
    let text = |random: &mut Random| (*random.pick(&STRINGS)).to_owned();
    match random.below(9) {
        0 => Value::Bool(random.below(2) == 0),
        1 | 2 => value_of(number(random)),
        3 | 4 => Value::Str(text(random)),
        5 => Value::StrArray((0..=random.below(2)).map(|_| text(random)).collect()),
        6 => Value::IntArray(vec![random.below(4).cast_signed(), random.below(4).cast_signed()]),
        7 => Value::FloatArray(vec![random.below(4) as f64, 0.5]),
        _ if random.below(2) == 0 => Value::Sparse(SparseVector::new(vec![], vec![], None).unwrap()),
        _ => Value::BoolArray(vec![random.below(2) == 0]),
    }
}

fn record(random: &mut Random, at: usize) -> Record {
    let text = |random: &mut Random| (random.below(4) > 0).then(|| (*random.pick(&STRINGS)).to_owned());
    let mut metadata = Metadata::default();
    for _ in 0..random.below(7) {
        metadata.insert(key(random), value(random)).unwrap();
    }
    let id = STRINGS.get(at).filter(|id| !id.is_empty()).map_or_else(|| format!("r{at}"), ToString::to_string);
    let document = text(random).map(|document| format!("{document}{}", random.pick(&STRINGS)));
    Record { id: RecordId::parse(id).unwrap(), embedding: None, document, uri: text(random), metadata: Some(metadata) }
}

/// Metadata as it is stored: floats have decimals.
fn stored(metadata: &Metadata) -> String {
    let entry = |(key, value): (&str, &Value)| {
        let value = match value {
            Value::Float(f) => digits(Number::Float(*f)),
            Value::FloatArray(array) => {
                let digits: Vec<String> = array.iter().map(|f| digits(Number::Float(*f))).collect();
                format!("[{}]", digits.join(","))
            }
            value => value.to_json().to_string(),
        };
        format!("{}:{value}", serde_json::json!(key))
    };
    let entries: Vec<String> = metadata.iter().map(entry).collect();
    format!("{{{}}}", entries.join(","))
}

fn store(client: &mut Client, records: &[Record]) {
    client
        .batch_execute(
            "create table r (id text collate \"C\" primary key, document text, uri text, metadata jsonb not null)",
        )
        .unwrap();
    for record in records {
        let metadata = stored(record.metadata.as_ref().unwrap());
        let values: [&(dyn postgres::types::ToSql + Sync); 4] =
            [&record.id.as_str(), &record.document, &record.uri, &metadata];
        client.execute("insert into r values ($1, $2, $3, $4::text::jsonb)", &values).unwrap();
    }
}

fn check(client: &mut Client, records: &[Record], filter: &Filter) {
    let mut params = Params::default();
    let condition = condition(filter, &mut params);
    let sql = format!("select id from r where {}", condition.sql);
    let rows = client.query(&sql, &params.values()).unwrap_or_else(|error| panic!("{filter}\n{sql}\n{error:?}"));
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let check = condition.check_here.unwrap_or(Filter::ALL);
    for record in records {
        let is_found = found.iter().any(|id| id == record.id.as_str()) && check.matches(record.into());
        assert_eq!(is_found, filter.matches(record.into()), "{filter}\n{sql}\n{record:?}");
    }
}

#[test]
fn filters_keep_what_they_kept() {
    let Some(server) = Postgres::shared("filters_keep_what_they_kept") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, postgres::NoTls).unwrap();
    let mut random = Random::new();
    let records: Vec<Record> = (0..250).map(|at| record(&mut random, at)).collect();
    store(&mut client, &records);
    for _ in 0..1500 {
        check(&mut client, &records, &tree(&mut random, 2));
    }
    // What the random ones meet seldom.
    for filter in [
        r#"{"year": {"$gt": 9007199254740992.0}}"#,
        r#"{"year": {"$in": [1, 1.0]}}"#,
        r#"{"year": {"$contains": 1.0}}"#,
        r#"{"year": {"$contains": 1}}"#,
        r#"{"year": {"$gt_text": "a\u0000b"}}"#,
        r#"{"year": {"$lte_text": "a\u0000b"}}"#,
        r#"{"year": {"$ne": "a\u0000b"}}"#,
        r##"{"#document": {"$contains": "a\u0000b"}}"##,
        r##"{"#document": {"$not_contains": "100%_"}}"##,
        r##"{"#document": {"$not_contains": ""}}"##,
        r##"{"$or": [{"#document": {"$regex": "\\bw"}}, {"year": {"$gte": 1}}]}"##,
        r##"{"$and": [{"#document": {"$not_regex": "\\bw"}}, {"year": {"$exists": false}}]}"##,
    ] {
        check(&mut client, &records, &Filter::parse(filter).unwrap());
    }
    check(&mut client, &records, &Filter::ALL);
    check(&mut client, &records, &Filter::NONE);
}
