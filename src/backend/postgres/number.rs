//! Numbers as PostgreSQL reads them: whole digits, and floats told from integers.
//!
//! Invariant: what is written compares, as `numeric`, with every other number that is so written as
//! [`Number::compare`] does; a float has at least one decimal, by which its type is known again.

use crate::record::Number;

/// Returns the digits of a number.
pub(super) fn digits(number: Number) -> String {
    match number {
        Number::Int(i) => i.to_string(),
        // Shortest digits stand for another number where floats are wider apart than integers.
        Number::Float(f) if f.fract() == 0.0 => format!("{f:.1}"),
        Number::Float(f) => f.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_told_from_integers_and_keep_every_digit() {
        for (number, shown) in [
            (Number::Int(1), "1"),
            (Number::Float(1.0), "1.0"),
            (Number::Float(-0.1), "-0.1"),
            (Number::Float(9_223_372_036_854_775_808.0), "9223372036854775808.0"),
            (Number::Float(1e23), "99999999999999991611392.0"),
            (Number::Float(1e-7), "0.0000001"),
        ] {
            assert_eq!(digits(number), shown);
        }
    }
}
