//! The quick way to the embedding of a JSON object: numbers read from the text itself, the rest left to the parser.
//!
//! An embedding is most of a row's text, and a general parser takes most of an import's time for it. Whatever is not
//! plain goes the parser's way, which knows what to say about it. Invariant: what is found here is what the parser
//! would have found; where that is not sure, nothing is.

use memchr::memchr2;

/// An object's embedding, and the object with null in its place.
pub(super) struct CutObject {
    pub(super) embedding: Vec<f32>,
    pub(super) rest: String,
}

/// Cuts the array of numbers under `name` out of an object; `None` when there is no such array or the text is not
/// plain.
pub(super) fn cut_embedding(object: &str, name: &str) -> Option<CutObject> {
    let mut scan = EmbeddingScan { bytes: object.as_bytes(), at: 0 };
    scan.expect(b'{')?;
    loop {
        scan.expect(b'"')?;
        let key = scan.string()?;
        scan.expect(b':')?;
        scan.blanks();
        let from = scan.at;
        if key == name.as_bytes() && scan.peek() == Some(b'[') {
            let embedding = scan.numbers(object)?;
            let (before, after) = (object.get(..from)?, object.get(scan.at..)?);
            return Some(CutObject { embedding, rest: [before, "null", after].concat() });
        }
        scan.value()?;
        scan.expect(b',')?;
    }
}

struct EmbeddingScan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> EmbeddingScan<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Passes a string whose opening quote is behind; returns what is in it, unless it has escapes.
    fn string(&mut self) -> Option<&'t [u8]> {
        let text = self.bytes.get(self.at..)?;
        let end = memchr2(b'"', b'\\', text)?;
        self.at += end + 1;
        (*text.get(end)? == b'"').then_some(text.get(..end)).flatten()
    }

    /// Passes a string with or without escapes.
    fn any_string(&mut self) -> Option<()> {
        loop {
            let found = memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            self.at += found + 1;
            match self.bytes.get(self.at - 1)? {
                b'"' => return Some(()),
                _ => self.at += 1,
            }
        }
    }

    /// Passes any value; its inside is for the parser to judge.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    self.any_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b'}' if depth == 0 => return Some(()),
                _ => self.at += 1,
            }
        }
    }

    /// Reads an array of finite numbers, of which there is at least one.
    fn numbers(&mut self, text: &str) -> Option<Vec<f32>> {
        self.at += 1;
        let mut numbers = Vec::with_capacity(384);
        loop {
            self.blanks();
            numbers.push(self.number(text)?);
            self.blanks();
            self.at += 1;
            match self.bytes.get(self.at - 1)? {
                b',' => {}
                b']' => return Some(numbers),
                _ => return None,
            }
        }
    }

    /// Reads a finite number of JSON's grammar (RFC 8259, section 6), which is narrower than Rust's.
    fn number(&mut self, text: &str) -> Option<f32> {
        let from = self.at;
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let mut decimal = Decimal::default();
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits(&mut decimal)?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            let before = self.at;
            self.digits(&mut decimal)?;
            decimal.places = self.at - before;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits(&mut Decimal::default())?;
            decimal.has_exponent = true;
        }
        let number = match decimal.to_f32() {
            Some(number) => number * if negative { -1.0 } else { 1.0 },
            None => text.get(from..self.at)?.parse().ok()?,
        };
        Some(number).filter(|number| number.is_finite())
    }

    fn digits(&mut self, decimal: &mut Decimal) -> Option<()> {
        let from = self.at;
        while let Some(digit) = self.peek().map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            decimal.digits = decimal.digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        decimal.length += self.at - from;
        (self.at > from).then_some(())
    }
}

/// A decimal number: digits, of which the last so many stand after the point.
#[derive(Default)]
struct Decimal {
    digits: u64,
    length: usize,
    places: usize,
    has_exponent: bool,
}

impl Decimal {
    /// Returns the nearest f32, where one division finds it (Clinger 1990): digits and power of ten are exact in
    /// f64, so their quotient is rounded once, and rounding it again to f32 is right unless it is the middle of two.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "exact below 2^53; see above")]
    fn to_f32(&self) -> Option<f32> {
        const POWERS: [f64; 16] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
        const BELOW_F32: u64 = (1 << 29) - 1;
        const MIDDLE: u64 = 1 << 28;
        // 15 digits are below 2^53; more than 19 have wrapped.
        if self.has_exponent || self.length > 15 {
            return None;
        }
        let quotient = self.digits as f64 / POWERS.get(self.places)?;
        let is_middle = quotient.to_bits() & BELOW_F32 == MIDDLE;
        let is_tiny = quotient < f64::from(f32::MIN_POSITIVE) && self.digits > 0;
        (!is_middle && !is_tiny).then_some(quotient as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    fn cut(text: &str) -> Option<(Vec<f32>, String)> {
        cut_embedding(text, "v").map(|cut| (cut.embedding, cut.rest))
    }

    #[test]
    fn plain_objects_are_cut() {
        assert_eq!(cut(r#"{"v":[1]}"#), Some((vec![1.0], r#"{"v":null}"#.into())));
        let text = r#" { "id" : "a\"v\":[9]" , "m" : {"v": [3], "x": "}"}, "n": -1.5e3, "v" : [ 1 , -0.5e-1,2E+2 ] , "z": [1] }"#;
        let (embedding, rest) = cut(text).unwrap();
        assert_eq!(embedding, [1.0, -0.05, 200.0]);
        assert_eq!(
            rest,
            r#" { "id" : "a\"v\":[9]" , "m" : {"v": [3], "x": "}"}, "n": -1.5e3, "v" : null , "z": [1] }"#
        );
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        for text in [
            "",
            "[1]",
            "{}",
            r#"{"w":[1]}"#,
            r#"{"v":[]}"#,
            r#"{"v":null}"#,
            r#"{"v":"AAAA"}"#,
            r#"{"v":[1,]}"#,
            r#"{"v":[1 2]}"#,
            r#"{"v":[01]}"#,
            r#"{"v":[.5]}"#,
            r#"{"v":[1.]}"#,
            r#"{"v":[+1]}"#,
            r#"{"v":[inf]}"#,
            r#"{"v":[NaN]}"#,
            r#"{"v":[1e39]}"#,
            r#"{"v":[1e]}"#,
            r#"{"v":[[1]]}"#,
            r#"{"v":["1"]}"#,
            r#"{"v":[1"#,
            r#"{"\u0076":[1]}"#,
            r#"{"a":"#,
            r#"{"a":1 "v":[1]}"#,
            r#"{"a""#,
            r#"{"a":"x\"#,
            r#"{"v":[-]}"#,
        ] {
            assert_eq!(cut(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_equal_the_parsers_and_no_text_panics() {
        let mut random = Random::new();
        for _ in 0..2000 {
            let bits = u32::try_from(random.below(1 << 32)).unwrap();
            let x = f32::from_bits(bits);
            if x.is_finite() {
                let text = format!("{{\"v\":[{x:e},{x}]}}");
                assert_eq!(cut(&text).unwrap().0.map_bits(), [bits, bits], "{text}");
                // Any decimals at all, not only those that name an f32.
                let text =
                    format!("{{\"v\":[{}.{:07},{}]}}", random.below(100), random.below(10_000_000), random.next());
                let parsed: Vec<f32> = serde_json::from_str(&text[5..text.len() - 1]).unwrap();
                assert_eq!(cut(&text).unwrap().0.map_bits(), parsed.map_bits(), "{text}");
                let damaged: String = text
                    .chars()
                    .map(|c| if random.below(8) == 0 { *random.pick(&['"', '[', '\\', 'é', '}']) } else { c })
                    .collect();
                let _ = cut(&damaged);
                let _ = cut(&text[..usize::try_from(random.below(text.len() as u64)).unwrap()]);
            }
        }
    }

    #[test]
    fn the_middle_of_two_numbers_is_rounded_once() {
        for text in ["1.00000005960464477540", "1.000000059604645", "16777217", "16777219", "0.1", "-0.0", "0", "1e-46"]
        {
            let object = format!("{{\"v\":[{text}]}}");
            assert_eq!(cut(&object).unwrap().0.map_bits(), vec![text.parse().unwrap()].map_bits(), "{text}");
        }
    }

    trait MapBits {
        fn map_bits(&self) -> Vec<u32>;
    }

    impl MapBits for Vec<f32> {
        fn map_bits(&self) -> Vec<u32> {
            self.iter().map(|x| x.to_bits()).collect()
        }
    }
}
