//! What is wrong with JSON, in a sentence with the place in the input.

use serde_json::error::Category;

use super::lines::JOINED;

/// Says what is wrong with a text that begins on line `first_line`, in a sentence without `serde_json`'s own position.
pub(super) fn why_json(error: &serde_json::Error, text: &str, first_line: u64) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    let place = match error.line() {
        0 => return message.to_owned(),
        1 => format!("at character {}", error.column()),
        later => format!("on line {}", first_line.saturating_add(later as u64 - 1)),
    };
    match error.classify() {
        Category::Data | Category::Io => message.to_owned(),
        Category::Eof => format!("is cut off: {message}"),
        Category::Syntax if text.trim_start().starts_with('\u{feff}') => JOINED.into(),
        Category::Syntax if message.contains("hex escape") && lone_surrogate(text).is_some() => {
            let escape = lone_surrogate(text).unwrap_or_default();
            format!("holds {escape} alone, which is half of a character (a lone surrogate), {place}")
        }
        Category::Syntax if message.contains("out of range") => format!("holds a number that is out of range {place}"),
        Category::Syntax => {
            let line = text.lines().nth(error.line() - 1).unwrap_or_default();
            let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
            let word = ["NaN", "Infinity", "nan", "inf"].into_iter().find(|word| rest.starts_with(word));
            match word {
                Some(word) => format!("is not JSON: {word} is not a JSON number, {place}"),
                None => format!("is not JSON: {message} {place}"),
            }
        }
    }
}

/// Finds an escape that is one half of a surrogate pair without the other.
fn lone_surrogate(json: &str) -> Option<&str> {
    let mut rest = json;
    let unit = |text: &str| u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at..).unwrap_or_default();
        let length = match unit(escape) {
            Some(0xd800..=0xdbff) => match escape.get(6..).and_then(unit) {
                Some(0xdc00..=0xdfff) => 12,
                _ => return escape.get(..6),
            },
            Some(0xdc00..=0xdfff) => return escape.get(..6),
            _ => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    None
}
