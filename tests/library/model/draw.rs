//! Random parts of operations. Pools are small, so that ids, keys, values and words meet often.

use std::cell::Cell;
use std::collections::BTreeMap;

use huedb::store::Mode;

use super::contract::{Change, Collection, Shape};
use super::value::Value;
use crate::random::Random;

/// Words that the English stemmer leaves alone and that are no stop words.
const WORDS: [&str; 9] = ["fox", "dog", "red", "blue", "tower", "whale", "tax", "frog", "night"];

pub(crate) fn pick<T: Clone>(random: &mut Random, items: &[T]) -> T {
    items[random.below(items.len())].clone()
}

pub(crate) fn id(random: &mut Random) -> String {
    match random.below(40) {
        0 => "a b/c".into(),
        1 => "line\nbreak".into(),
        2 => "🦊".into(),
        3 => "it's \\ \"quoted\"".into(),
        4 => "x".repeat(if HOLDS_ALL.get() { 3000 } else { 2000 }),
        _ => format!("r{}", random.below(120)),
    }
}

/// An id that is there, or any.
pub(crate) fn id_in(random: &mut Random, collection: &Collection) -> String {
    match collection.records.get(random.below(collection.records.len().max(1))) {
        Some(record) if random.chance(50) => record.id.clone(),
        _ => id(random),
    }
}

pub(crate) fn key(random: &mut Random) -> String {
    pick(random, &["i", "f", "s", "b", "ia", "fa", "sa", "ba", "mix", "mix", "sparse", "nokey"]).into()
}

thread_local! {
    static HOLDS_ALL: Cell<bool> = const { Cell::new(true) };
}

/// Says whether the draws of this thread may be whatever a file holds: texts with the character NUL, and long ids.
pub(crate) fn hold_all(may: bool) {
    HOLDS_ALL.set(may);
}

/// The character NUL, or the nearest there is.
fn nul() -> char {
    if HOLDS_ALL.get() { '\0' } else { '\u{1}' }
}

fn int(random: &mut Random) -> i64 {
    pick(random, &[0, 1, 1, 2, 2, 3, -1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN])
}

fn float(random: &mut Random) -> f64 {
    pick(random, &[0.0, 0.5, 1.0, 1.5, 2.0, -1.0, 9_007_199_254_740_992.0, 9_223_372_036_854_775_808.0, 1e300, -1e-9])
}

fn string(random: &mut Random) -> String {
    let long = "long ".repeat(60);
    match random.below(9) {
        0 => String::new(),
        1 => format!("{long}{}", random.below(3)),
        2 => long,
        3 => format!("a{}b", nul()),
        4 => format!("a{}", nul()),
        5 => "it's \\ \"x\"".into(),
        6 => "日本".into(),
        _ => pick(random, &["a", "b", "A"]).into(),
    }
}

pub(crate) fn number(random: &mut Random) -> Value {
    if random.chance(50) { Value::Int(int(random)) } else { Value::Float(float(random)) }
}

pub(crate) fn scalar(random: &mut Random) -> Value {
    match random.below(4) {
        0 => Value::Bool(random.chance(50)),
        1 => Value::Text(string(random)),
        _ => number(random),
    }
}

pub(crate) fn sparse(random: &mut Random) -> Vec<(u32, f32)> {
    let mut terms = Vec::new();
    for term in [0, 1, 2, 5, 77, u32::MAX] {
        if random.chance(40) {
            terms.push((term, random.below(17) as f32 / 4.0 - 2.0));
        }
    }
    terms
}

fn value(random: &mut Random, key: &str) -> Value {
    fn several<T>(random: &mut Random, one: impl Fn(&mut Random) -> T) -> Vec<T> {
        (0..=random.below(3)).map(|_| one(random)).collect()
    }
    match key {
        "i" => Value::Int(int(random)),
        "f" => Value::Float(float(random)),
        "s" => Value::Text(string(random)),
        "b" => Value::Bool(random.chance(50)),
        "ia" => Value::Ints(several(random, int)),
        "fa" => Value::Floats(several(random, float)),
        "sa" => Value::Texts(several(random, string)),
        "ba" => Value::Bools(several(random, |random| random.chance(50))),
        "sparse" => Value::Sparse(sparse(random)),
        _ => {
            let kind = pick(random, &["i", "f", "s", "b", "ia", "fa", "sa", "ba", "sparse"]);
            value(random, kind)
        }
    }
}

/// Metadata, or a change to it: `None` deletes a key.
fn patch(random: &mut Random, nulls: bool) -> BTreeMap<String, Option<Value>> {
    let mut patch = BTreeMap::new();
    for _ in 0..random.below(5) {
        let key = key(random);
        if key != "nokey" {
            let given = if nulls && random.chance(25) { None } else { Some(value(random, &key)) };
            patch.insert(key, given);
        }
    }
    patch
}

pub(crate) fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => String::new(),
        1 => format!("head{}fox tail", nul()),
        2 => "100% a_b\nRED 日本語".into(),
        _ => (0..=random.below(6)).map(|_| pick(random, &WORDS)).collect::<Vec<_>>().join(" "),
    }
}

/// One or two words: their weights are summed in either order to the same number.
pub(crate) fn words(random: &mut Random) -> Vec<&'static str> {
    let mut words = vec![pick(random, &WORDS)];
    words.push(pick(random, &WORDS));
    words.dedup();
    words
}

pub(crate) fn part_of_a_text(random: &mut Random) -> String {
    pick(random, &["fox", "red", "blue t", "ow", "", "RED", "0%", "a_b", "日", "tail", "nothing", "\n"]).into()
}

pub(crate) fn pattern(random: &mut Random) -> String {
    let patterns = ["", "^fox", "(?i)red", "x d", "b.R", "(?s)b.R", "[0-9]+%", "(?m)^RED", "t(ax|ower)$", "日.語", "'"];
    pick(random, &patterns).into()
}

/// An embedding: small whole numbers, whose distances are exact, or numbers around zero for the cosine and for long
/// ones; now and then one that is there already, twice as long, or zero.
pub(crate) fn embedding(random: &mut Random, collection: &Collection, dimension: usize) -> Vec<f32> {
    if random.chance(8)
        && let Some(other) = collection.records.get(random.below(collection.records.len().max(1)))
    {
        let factor = if random.chance(50) { 1.0 } else { 2.0 };
        return other.embedding.iter().map(|x| x * factor).collect();
    }
    if random.chance(2) {
        return vec![0.0; dimension];
    }
    if collection.has_exact_distances() {
        return (0..dimension).map(|_| random.below(9) as f32 - 4.0).collect();
    }
    random.vector(dimension)
}

/// Changes for one call.
pub(crate) fn changes(random: &mut Random, collection: &Collection, count: usize, mode: Mode) -> Vec<Change> {
    let dimension = dimension(random, collection);
    let change = |_| Change {
        id: id_in(random, collection),
        embedding: (mode == Mode::Add || random.chance(60)).then(|| embedding(random, collection, dimension)),
        document: random.chance(70).then(|| text(random)),
        uri: random.chance(20).then(|| format!("file:///{}", random.below(3))),
        metadata: patch(random, mode != Mode::Add),
    };
    (0..count).map(change).collect()
}

/// The dimension of a collection, or one it could have.
pub(crate) fn dimension(random: &mut Random, collection: &Collection) -> usize {
    collection.dimension.unwrap_or_else(|| match collection.shape {
        Shape::Short => 1 + random.below(7),
        Shape::Middle => 8 + random.below(60),
        // From 192 on there are sketches; a segment has 1 MiB / dimension rows.
        Shape::Long => pick(random, &[700, 1536, 4096]),
    })
}
