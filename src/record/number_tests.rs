//! Number comparison and number keys against exact rational arithmetic.

#![allow(clippy::cast_precision_loss, reason = "what casts lose is what is tested")]

use super::*;
use crate::record::random::Random;

/// Splits a finite float into an integer and a power of two whose product it is.
fn exact(f: f64) -> (i128, i32) {
    let bits = f.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap();
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    (if f.is_sign_negative() { -mantissa } else { mantissa }, exponent.max(1) - 1075)
}

/// Compares an integer with a float by whole-number arithmetic: `i * 2^-e` with `m`, or `i` with `m * 2^e`.
fn reference(i: i64, f: f64) -> Ordering {
    let (m, e) = exact(f);
    let i = i128::from(i);
    match e {
        0..=64 => i.cmp(&(m << e)),
        65.. => 0.cmp(&m),
        -64..0 => (i << -e).cmp(&m),
        // Here |f| < 2^-11, so any integer but 0 decides alone.
        _ => i.cmp(&0).then(0.cmp(&m)),
    }
}

fn reference_of(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b).unwrap(),
        (Number::Int(a), Number::Float(b)) => reference(a, b),
        (Number::Float(a), Number::Int(b)) => reference(b, a).reverse(),
    }
}

#[track_caller]
fn check(a: Number, b: Number) {
    let back = Number::from_key(a.key()).unwrap();
    assert_eq!(back.compare(a), Ordering::Equal, "{a:?} came back from its key as {back:?}");
    let expected = reference_of(a, b);
    assert_eq!(a.compare(b), expected, "{a:?} with {b:?}");
    assert_eq!(a.key().cmp(&b.key()), expected, "the keys of {a:?} and {b:?}");
}

/// The integer with both its neighbours, and the float nearest to it with both of its.
fn around(i: i64) -> impl Iterator<Item = Number> {
    let ints = [i.wrapping_sub(1), i, i.wrapping_add(1)].map(Number::Int);
    let floats = [(i as f64).next_down(), i as f64, (i as f64).next_up()].map(|f| Number::float(f).unwrap());
    ints.into_iter().chain(floats)
}

fn edges() -> Vec<Number> {
    let mut integers = vec![0, i64::MIN, i64::MIN + 511, i64::MIN + 513, i64::MAX, i64::MAX - 510, i64::MAX - 512];
    for power in [1, 8, 31, 32, 52, 53, 54, 60, 61, 62] {
        for distance in [0, 1, 2, 3, 511, 512, 513] {
            integers.extend([(1_i64 << power) - distance, (1 << power) + distance]);
        }
    }
    let mut numbers: Vec<Number> = integers.into_iter().flat_map(|i| [i, i.wrapping_neg()]).flat_map(around).collect();
    let tiny = f64::from_bits(1);
    for f in [0.0, -0.0, tiny, f64::MIN_POSITIVE.next_down(), f64::MIN_POSITIVE, 0.1, 0.5, 1.5, 1e300, f64::MAX] {
        numbers.extend([f, -f].map(|f| Number::float(f).unwrap()));
    }
    numbers
}

#[test]
fn every_pair_of_edges_is_in_exact_order() {
    let edges = edges();
    for &a in &edges {
        for &b in &edges {
            check(a, b);
        }
    }
}

fn random_number(random: &mut Random) -> Number {
    match random.below(4) {
        0 => Number::Int(random.next().cast_signed() >> random.below(64)),
        1 => Number::float(f64::from_bits(random.next())).unwrap_or(Number::Float(0.5)),
        2 => Number::Float((random.next().cast_signed() >> random.below(64)) as f64),
        _ => Number::float((random.next().cast_signed() >> random.below(64)) as f64 / 3.0).unwrap(),
    }
}

#[test]
fn random_numbers_are_in_exact_order() {
    let mut random = Random::new();
    for _ in 0..100_000 {
        let a = random_number(&mut random);
        check(a, random_number(&mut random));
        if let Number::Int(i) = a {
            around(i).for_each(|b| check(a, b));
        }
    }
}

#[test]
fn a_cast_would_fail_here() {
    let f = Number::Float(9_007_199_254_740_992.0);
    let i = Number::Int(9_007_199_254_740_993);
    assert_eq!(i.compare(f), Ordering::Greater);
    assert_eq!(Number::Int(i64::MAX).compare(Number::Float(i64::MAX as f64)), Ordering::Less);
    assert_eq!(Number::Int(1).key(), Number::Float(1.0).key());
    assert_eq!(Number::Float(-0.0).key(), Number::Int(0).key());
    assert_ne!(Number::Int(1), Number::Float(1.0), "== tells the kinds apart");
}

#[test]
fn floats_that_are_not_finite_are_no_numbers() {
    assert_eq!(Number::float(f64::NAN), None);
    assert_eq!(Number::float(f64::INFINITY), None);
    assert_eq!(Number::of(&Value::IntArray(vec![1])), None);
    assert_eq!(Number::of(&Value::Bool(true)), None);
}

#[test]
fn bytes_that_are_no_key_are_no_number() {
    let infinite = [&0xfff0_0000_0000_0000_u64.to_be_bytes()[..], &0x8000_u16.to_be_bytes()].concat();
    assert_eq!(Number::from_key(infinite.try_into().unwrap()), None);
    // The largest float with a remainder that would leave 128 bits.
    let largest = [&(f64::MAX.to_bits() | 1 << 63).to_be_bytes()[..], &u16::MAX.to_be_bytes()].concat();
    assert_eq!(Number::from_key(largest.try_into().unwrap()), Some(Number::Float(f64::MAX)));
}
