//! Whether two lines say the same, on another machine and on another day.

/// How far the distances of an int8 model lie apart under two engines.
const ENGINES_DIFFER: f64 = 0.05;

/// Compares two lines word by word: decimals nearly, and not how long a work took.
pub(crate) fn agree(shown: &str, printed: &str) -> bool {
    let words = |line: &str| -> Vec<String> {
        let line = line.strip_suffix("; nothing was embedded").unwrap_or(line);
        let timed = line.ends_with(" ms") || line.ends_with(" s");
        let timeless = line.rsplit_once(" in ").filter(|_| timed).map_or(line, |(before, _)| before);
        timeless.split([' ', ':', ',', '}']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let near = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        _ if a == b => true,
        (Ok(a), Ok(b)) if a.fract() != 0.0 || b.fract() != 0.0 => (a - b).abs() < ENGINES_DIFFER,
        _ => false,
    };
    let (shown, printed) = (words(shown), words(printed));
    shown.len() == printed.len() && shown.iter().zip(&printed).all(|(a, b)| near(a, b))
}
