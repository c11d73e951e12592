//! A line as a shell reads it: its words, the one at the cursor, and the quoting of what is put there.
//!
//! It expands nothing. Invariant: a value that is quoted here is read back as itself, by this and by a shell.

/// The words of a line up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ShellWords {
    /// Those before the one at the cursor.
    pub(crate) before: Vec<String>,
    /// The word at the cursor; empty after a space.
    pub(crate) current: ShellWord,
}

/// The word at the cursor, as far as it is typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ShellWord {
    pub(crate) text: String,
    /// Where it begins in the line, quotes included, in bytes.
    pub(crate) start: usize,
    /// The quote that is still open.
    pub(crate) quote: Option<char>,
    /// For each character of the text: whether it was typed bare, without quotes or a backslash.
    bare: Vec<bool>,
}

impl ShellWords {
    /// Reads what stands before the cursor.
    pub(crate) fn before_cursor(line: &str) -> Self {
        let mut this = Self::default();
        let mut begun = false;
        let mut characters = line.char_indices();
        while let Some((at, c)) = characters.next() {
            let word = &mut this.current;
            if !begun {
                word.start = at;
            }
            match (c, word.quote) {
                (' ' | '\t' | '\n', None) => {
                    if begun {
                        this.before.push(std::mem::take(word).text);
                    }
                    begun = false;
                    this.current.start = at + c.len_utf8();
                    continue;
                }
                ('\'' | '"', None) => word.quote = Some(c),
                (c, Some(open)) if c == open => word.quote = None,
                ('\\', None | Some('"')) => match characters.next() {
                    None | Some((_, '\n')) => {}
                    Some((_, escaped)) => {
                        if word.quote.is_some() && !['"', '\\', '$', '`'].contains(&escaped) {
                            word.push('\\', false);
                        }
                        word.push(escaped, false);
                    }
                },
                (c, quote) => word.push(c, quote.is_none()),
            }
            begun = true;
        }
        this
    }
}

impl ShellWord {
    fn push(&mut self, c: char, bare: bool) {
        self.text.push(c);
        self.bare.push(bare);
    }

    /// Returns what replaces the word from the last break on, as bash wants it: it takes each character of `breaks` for
    /// the end of a word, and an open quote for the start of one.
    pub(crate) fn completed_for_bash(&self, value: &str, breaks: &str) -> Option<String> {
        let kept = if self.quote.is_some() {
            self.bare.iter().take_while(|bare| **bare).count()
        } else {
            let typed: Vec<_> = self.text.chars().zip(&self.bare).collect();
            typed.iter().rposition(|(c, bare)| **bare && breaks.contains(*c)).map_or(0, |at| at + 1)
        };
        let rest: String = value.chars().skip(kept).collect();
        match self.quote {
            Some('\'') => (!rest.contains('\'')).then_some(rest),
            Some(_) => Some(escaped(&rest, |c| matches!(c, '"' | '\\' | '$' | '`'))),
            None => Some(escaped(&rest, |c| !c.is_alphanumeric() && !"_-./,:=@%+#^".contains(c))),
        }
    }
}

/// Puts a backslash before what needs one.
fn escaped(text: &str, needs_one: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if needs_one(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> (Vec<String>, String, usize, Option<char>) {
        let ShellWords { before, current } = ShellWords::before_cursor(line);
        (before, current.text, current.start, current.quote)
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let of = |before: &[&str]| before.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(words(""), (of(&[]), String::new(), 0, None));
        assert_eq!(words("query no"), (of(&["query"]), "no".into(), 6, None));
        assert_eq!(words("query  notes "), (of(&["query", "notes"]), String::new(), 13, None));
        assert_eq!(words("get 'my n"), (of(&["get"]), "my n".into(), 4, Some('\'')));
        assert_eq!(words("get \"a\\\"b\\c\" ''"), (of(&["get", "a\"b\\c"]), String::new(), 13, None));
        assert_eq!(words("get a\\ b\\\nc"), (of(&["get"]), "a bc".into(), 4, None));
        assert_eq!(words("get x\\"), (of(&["get"]), "x".into(), 4, None));
        // As the crate that reads scripts.
        for line in ["a 'b c' d\\ e", "x\"y z\"'w' ''", "\"\\$a\\b\" é\\é"] {
            let whole = format!("{line} ");
            assert_eq!(ShellWords::before_cursor(&whole).before, shlex::split(line).unwrap(), "{line}");
        }
    }

    #[test]
    fn what_is_put_there_is_read_back() {
        for (typed, value, expected) in [
            ("get no", "notes", "notes"),
            ("get --sort=ye", "--sort=year", "year"),
            ("get --sort=ye", "--sort=year of birth", "year\\ of\\ birth"),
            ("get --sort='ye", "--sort=year of", "year of"),
            ("get --sort=\"ye", "--sort=y\"$", "y\\\"\\$"),
            ("get a:b", "a:bc", "bc"),
            ("get 'a:b", "a:bc", "a:bc"),
        ] {
            let word = ShellWords::before_cursor(typed).current;
            assert_eq!(word.completed_for_bash(value, " \t\n\"'><=;|&(:").unwrap(), expected, "{typed}");
        }
    }
}
