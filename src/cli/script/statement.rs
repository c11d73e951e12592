//! Lines of a script, or of the shell, as the commands they are.
//!
//! Quotes, backslashes and comments are a shell's; nothing is expanded, and there are no pipes. A line ends with LF or
//! CR LF, and a byte order mark at the beginning is passed over. Invariant: a command has the number of the line it begins
//! on, and the lines after `<<END` come to its standard input as they are, each with LF after it.

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The line it begins on, from 1 on.
    pub(crate) line: u64,
    /// Its words after `huedb`; none where the line is empty or a comment.
    pub(crate) words: Vec<String>,
    /// What its standard input is to hold.
    pub(crate) stdin: Option<String>,
}

/// Why a command has no end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) line: u64,
    pub(crate) why: String,
}

/// The commands of a text.
pub(crate) struct Statements<'t> {
    lines: std::str::Split<'t, char>,
    line: u64,
}

impl<'t> Statements<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { lines: text.strip_prefix('\u{feff}').unwrap_or(text).split('\n'), line: 0 }
    }

    fn next_line(&mut self) -> Option<&'t str> {
        self.line += 1;
        self.lines.next().map(|line| line.strip_suffix('\r').unwrap_or(line))
    }
}

impl Iterator for Statements<'_> {
    type Item = Result<Statement, Unfinished>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut text = self.next_line()?.to_owned();
        let line = self.line;
        let unfinished = |why: String| Some(Err(Unfinished { line, why }));
        let mut words = loop {
            match shlex::split(&text) {
                Some(words) => break words,
                None => match self.next_line() {
                    // What a backslash continues is one line; shlex would make a word of the line end.
                    Some(more) if is_continued(&text) => {
                        text.pop();
                        text.push_str(more);
                    }
                    Some(more) => text.extend(["\n", more]),
                    None => return unfinished("a quote is not closed, or nothing follows a backslash".into()),
                },
            }
        };
        let mut stdin = None;
        if let Some(end) = end_of_text(&text, &words) {
            words.pop();
            let mut held = String::new();
            loop {
                match self.next_line() {
                    Some(found) if found == end => break,
                    Some(found) => held.extend([found, "\n"]),
                    None => return unfinished(format!("no line {end} ends its text")),
                }
            }
            stdin = Some(held);
        }
        // A line that was copied from a shell.
        if words.first().is_some_and(|word| word == "huedb") {
            words.remove(0);
        }
        Some(Ok(Statement { line, words, stdin }))
    }
}

/// Returns whether a backslash that no quote and no other backslash takes stands at the end.
fn is_continued(text: &str) -> bool {
    text.strip_suffix('\\').is_some_and(|before| shlex::split(before).is_some())
}

/// Returns what ends the text that a command begins with `<<END`, unless that was quoted.
fn end_of_text(text: &str, words: &[String]) -> Option<String> {
    let last = words.last()?;
    let end = last.strip_prefix("<<").filter(|end| !end.is_empty())?;
    text.trim_end().ends_with(last.as_str()).then(|| end.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>, Option<String>)> {
        let all = Statements::of(text).map(|s| s.unwrap()).filter(|s| !s.words.is_empty());
        all.map(|s| (s.line, s.words, s.stdin)).collect()
    }

    #[test]
    fn a_command_is_a_line_or_more() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let text = "# notes\ncreate notes\n\nhuedb add notes --id 'a b' \\\n  --document \"two\nlines\" # it's one\r\n\
                    add notes --id c <<END\nthe fox's \"text\"\n\nEND\nget notes '<<END'\n";
        assert_eq!(
            read(text),
            [
                (2, words(&["create", "notes"]), None),
                (4, words(&["add", "notes", "--id", "a b", "--document", "two\nlines"]), None),
                (7, words(&["add", "notes", "--id", "c"]), Some("the fox's \"text\"\n\n".into())),
                (11, words(&["get", "notes", "<<END"]), None),
            ]
        );
    }

    #[test]
    fn a_script_of_windows_is_the_same_script() {
        let text =
            "count a\nadd a --id x\nadd a --document \"two\nlines\" \\\n --id y\nadd a <<END\none\n\ntwo\nEND\nlist\n";
        assert_eq!(read(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), read(text));
    }

    #[test]
    fn what_has_no_end_is_told_with_its_line() {
        for (text, line) in [("list\nget 'a\nb", 2), ("add x <<END\na\n", 1), ("list \\", 1)] {
            let last = Statements::of(text).last().unwrap();
            assert_eq!(last.unwrap_err().line, line, "{text:?}");
        }
    }
}
