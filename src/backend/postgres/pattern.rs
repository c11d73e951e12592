//! Patterns of the `regex` crate in the language of PostgreSQL, by way of their syntax tree.
//!
//! The two differ in what `.`, `\b`, `\d`, `$` and classes mean, so no text is taken over: what leaves here has literals,
//! ranges of characters, groups, counts and look-around alone. Invariant: where there is a translation it matches the texts
//! that the pattern does, of those that PostgreSQL can hold (without NUL); what it cannot say, or might refuse to compile,
//! has none.

use std::fmt::Write as _;

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

/// PostgreSQL counts no higher.
const MOST_TIMES: u32 = 255;
/// Characters, ranges and marks a pattern may come to once its repetitions are written out: PostgreSQL refuses what takes
/// it too many states.
const MOST_ATOMS: usize = 4000;
/// Classes with more ranges take it long to compile.
const MOST_RANGES: usize = 128;
/// What `\w` is without Unicode.
const WORD: &str = "[0-9A-Z_a-z]";

/// Returns the translation; `None` for what PostgreSQL cannot be asked.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    (atoms(&hir) <= MOST_ATOMS).then_some(())?;
    let mut are = String::new();
    write(&hir, &mut are)?;
    // An empty pattern matches everywhere, and a first group keeps what follows from being read as options.
    Some(format!("(?:{are})"))
}

/// Returns how large a pattern is once its repetitions are written out.
fn atoms(hir: &Hir) -> usize {
    let of_all = |parts: &[Hir]| parts.iter().map(atoms).fold(1, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(0).max(repetition.min).max(1);
            atoms(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => atoms(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => of_all(parts),
    }
}

fn write(hir: &Hir, are: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => are.push_str("(?:)"),
        HirKind::Literal(literal) => {
            for c in std::str::from_utf8(&literal.0).ok()?.chars() {
                push_character(c, are)?;
            }
        }
        HirKind::Class(class) => {
            let class = match class {
                Class::Unicode(class) => class.clone(),
                // Of bytes only those are characters that ASCII has.
                Class::Bytes(class) => class.to_unicode_class()?,
            };
            push_class(class.ranges(), are)?;
        }
        HirKind::Look(look) => are.push_str(&look_around(*look)?),
        HirKind::Repetition(repetition) => {
            // Marks for places, repeated, become more states than PostgreSQL allows.
            (repetition.max == Some(1) || repetition.sub.properties().look_set().is_empty()).then_some(())?;
            are.push_str("(?:");
            write(&repetition.sub, are)?;
            are.push(')');
            let (min, max) = (repetition.min, repetition.max);
            (min <= MOST_TIMES && max.is_none_or(|max| max <= MOST_TIMES)).then_some(())?;
            match max {
                Some(max) => write!(are, "{{{min},{max}}}"),
                None => write!(are, "{{{min},}}"),
            }
            .ok()?;
        }
        HirKind::Capture(capture) => write(&capture.sub, are)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| {
            are.push_str("(?:");
            write(part, are)?;
            are.push(')');
            Some(())
        })?,
        HirKind::Alternation(parts) => {
            are.push_str("(?:");
            for (at, part) in parts.iter().enumerate() {
                are.push_str(if at > 0 { "|" } else { "" });
                write(part, are)?;
            }
            are.push(')');
        }
    }
    Some(())
}

fn push_character(c: char, are: &mut String) -> Option<()> {
    match c {
        // No text has it.
        '\0' => return None,
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => write!(are, "\\U{:08X}", u32::from(c)).ok()?,
        c => are.push(c),
    }
    Some(())
}

fn push_class(ranges: &[ClassUnicodeRange], are: &mut String) -> Option<()> {
    let ranges = ranges.iter().map(|range| (u32::from(range.start()).max(1), u32::from(range.end())));
    let ranges: Vec<(u32, u32)> = ranges.filter(|(start, end)| start <= end).collect();
    (!ranges.is_empty() && ranges.len() <= MOST_RANGES).then_some(())?;
    are.push('[');
    for (start, end) in ranges {
        write!(are, "\\U{start:08X}").ok()?;
        if end > start {
            write!(are, "-\\U{end:08X}").ok()?;
        }
    }
    are.push(']');
    Some(())
}

/// Returns a mark for a place between characters; none for those that depend on what Unicode calls a word, nor for `\B` of
/// ASCII, which may be amid the bytes of a character, where `regex` passes over matches.
fn look_around(look: Look) -> Option<String> {
    let between = |before: &str, after: &str| format!("(?<{before}{WORD})(?{after}{WORD})");
    Some(match look {
        Look::Start => "\\A".to_owned(),
        Look::End => "\\Z".to_owned(),
        Look::StartLF => "(?:\\A|(?<=\\U0000000A))".to_owned(),
        Look::EndLF => "(?:\\Z|(?=\\U0000000A))".to_owned(),
        Look::WordAscii => format!("(?:{}|{})", between("=", "!"), between("!", "=")),
        Look::WordStartAscii => between("!", "="),
        Look::WordEndAscii => between("=", "!"),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
