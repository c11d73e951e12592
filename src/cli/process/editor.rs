//! The editor that somebody uses, opened at a line of a file.
//!
//! Invariant: no shell reads the variable or the path. The variable is split into words as a shell would split it, and the
//! path is one word that no editor takes for an option or a command.

use std::fs::File;
use std::io::{IsTerminal, stdin};
use std::path::Path;
use std::process::Command;

use huedb::error::{Error, Result};

/// Editors that go to a line with `+LINE` before the path.
const PLUS: [&str; 22] = [
    "vi",
    "vim",
    "nvim",
    "view",
    "vimx",
    "gvim",
    "mvim",
    "ex",
    "elvis",
    "nvi",
    "nano",
    "pico",
    "emacs",
    "emacsclient",
    "mg",
    "kak",
    "micro",
    "joe",
    "jed",
    "ne",
    "hx",
    "helix",
];
/// Editors that go to a line with `-g PATH:LINE`.
const GOTO: [&str; 5] = ["code", "code-insiders", "codium", "vscodium", "cursor"];

/// Opens a file in the editor of `VISUAL` or `EDITOR`, and waits for it to end.
///
/// # Errors
/// [`Error::InvalidArgument`] when neither is set, there is no such file, or the editor fails; [`Error::Io`] when it cannot
/// be run.
pub(crate) fn open(path: &str, line: u64) -> Result<()> {
    let set = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty())?;
        Some((name, value))
    });
    let Some((name, value)) = set else {
        let hint = Some("name one: export EDITOR=vim".into());
        return Err(Error::InvalidArgument { why: "neither VISUAL nor EDITOR names an editor".into(), hint });
    };
    let words = shlex::split(&value).unwrap_or_default();
    let Some((program, options)) = words.split_first() else {
        return Err(Error::argument(format!("{name} is not a command: {value:?}")));
    };
    if !Path::new(path).exists() {
        let hint = Some("was it moved or removed since? `huedb sync` follows a folder".into());
        return Err(Error::InvalidArgument { why: format!("there is no file {path}"), hint });
    }
    let mut command = Command::new(program);
    command.args(options).args(place(program, path, line));
    // The question may have come by a pipe, which is at its end.
    if !stdin().is_terminal()
        && let Ok(terminal) = File::open("/dev/tty")
    {
        command.stdin(terminal);
    }
    let status = command.status().map_err(|e| Error::io(format!("run the editor {program:?} of {name}"), e))?;
    if status.success() { Ok(()) } else { Err(Error::argument(format!("the editor {program:?} failed with {status}"))) }
}

/// Returns the arguments that name a place to an editor.
fn place(program: &str, path: &str, line: u64) -> Vec<String> {
    // `-x` would be an option, and `+x` a command of vi.
    let path = if path.starts_with('/') { path.to_owned() } else { format!("./{path}") };
    let program = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if PLUS.contains(&program) {
        vec![format!("+{line}"), path]
    } else if GOTO.contains(&program) {
        vec!["-g".into(), format!("{path}:{line}")]
    } else {
        vec![path]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_is_told_the_place_in_its_own_way() {
        for (program, arguments) in [
            ("vim", &["+12", "/a b.md"][..]),
            ("/usr/bin/nvim", &["+12", "/a b.md"]),
            ("emacsclient", &["+12", "/a b.md"]),
            ("code", &["-g", "/a b.md:12"]),
            ("gedit", &["/a b.md"]),
        ] {
            assert_eq!(place(program, "/a b.md", 12), arguments, "{program}");
        }
    }

    #[test]
    fn no_path_is_an_option_or_a_command() {
        for path in ["-c:!touch x", "+:!touch x", "a.md"] {
            assert_eq!(place("vi", path, 1), ["+1".to_owned(), format!("./{path}")]);
        }
    }
}
