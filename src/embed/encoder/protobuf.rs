//! The fields of a message of protobuf, which ONNX is, where they lie.
//!
//! Knows no message. Invariant: reading any bytes ends, without a panic. The build script compiles this file too, so it uses
//! nothing of the library.

/// A field of a message.
pub(crate) enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
    Other,
}

/// The fields of a message with their numbers; `None` at the end of a broken one.
pub(crate) fn fields(bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Field<'_>)>> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let at = rest.filter(|rest| !rest.is_empty())?;
        let field = next(at);
        rest = field.as_ref().map(|(.., rest)| *rest);
        Some(field.map(|(number, content, _)| (number, content)))
    })
}

fn next(bytes: &[u8]) -> Option<(u64, Field<'_>, &[u8])> {
    let (tag, rest) = number(bytes)?;
    let (content, rest) = match tag & 7 {
        0 => number(rest).map(|(value, rest)| (Field::Number(value), rest))?,
        1 => (Field::Other, rest.split_at_checked(8)?.1),
        2 => {
            let (len, rest) = number(rest)?;
            let (content, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
            (Field::Bytes(content), rest)
        }
        5 => (Field::Other, rest.split_at_checked(4)?.1),
        _ => return None,
    };
    // No field has the number 0: that is what a file of zeros looks like.
    (tag >> 3 != 0).then_some((tag >> 3, content, rest))
}

/// A number in seven-bit groups, lowest first.
pub(crate) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let (groups, rest) = bytes.split_at_checked(len)?;
    Some((groups.iter().rev().fold(0, |value, group| (value << 7) | u64::from(group & 0x7f)), rest))
}
