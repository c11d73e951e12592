//! What one request may ask for at the most. Each bound is a setting, and its refusal names the flag.
//!
//! Invariant: a request is refused before the work that its bound is about.

use super::call::Site;
use super::fault::Fault;
use super::rejection::Rejection;

impl Site {
    /// Refuses more results than may be.
    pub(super) fn check_results(&self, results: usize) -> Result<(), Fault> {
        let most = self.options.max_results;
        if results <= most {
            return Ok(());
        }
        let why =
            format!("this would be {results} results; one request has at most {most} (--max-results): ask in pages");
        Err(Fault::beyond(Rejection::Results, why))
    }

    /// Refuses to skip more results than may be.
    pub(super) fn check_offset(&self, offset: u64) -> Result<(), Fault> {
        let most = self.options.max_offset;
        if offset <= most {
            return Ok(());
        }
        Err(Fault::beyond(Rejection::Offset, format!("an offset is at most {most} here (--max-offset)")))
    }

    /// Refuses JSON that is nested too deep, without reading it.
    pub(super) fn check_depth(&self, what: &str, json: &str) -> Result<(), Fault> {
        let most = self.options.max_depth;
        if depth(json) <= most {
            return Ok(());
        }
        Err(Fault::beyond(
            Rejection::Depth,
            format!("{what}: lists and objects are nested at most {most} deep (--max-depth)"),
        ))
    }
}

/// Returns how deep lists and objects are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_in_strings_are_text() {
        for (json, deep) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": []}], "c": [[]]}"#, 4),
            (r#"["[[[[", "\"[[", "\\"]"#, 1),
            (r#"{"a\"{": {"}": "{{"}}"#, 2),
            ("]]][", 1),
        ] {
            assert_eq!(depth(json), deep, "{json}");
        }
    }
}
