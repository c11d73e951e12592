//! `huedb shell` on a terminal: tmux is one, with keys to press and a screen to read.
//!
//! Where tmux is not installed nothing is tried, with a message.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::huedb::World;

/// A terminal with a program in it.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts a shell in the world's folder, which has huedb in its path.
    fn start(world: &World) -> Option<Self> {
        let socket = world.path("tmux").display().to_string();
        let huedb = env!("CARGO_BIN_EXE_huedb");
        let mut command = Command::new("tmux");
        command.args(["-S", &socket, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40"]);
        command.args(["env", "PS1=ready ", "HUEDB_FILE=test.redb", "HUEDB_CONFIG=", "HUEDB_HISTORY=history"]);
        command.arg(format!("HUEDB={huedb}")).args(["sh", "-i"]).current_dir(world.path(""));
        command.env_remove("TMUX").stdin(Stdio::null());
        let Ok(status) = command.status() else {
            eprintln!("tmux is not installed; the shell was not tried on a terminal");
            return None;
        };
        assert!(status.success());
        Some(Self { socket })
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-S", &self.socket]).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a line at a prompt. Keys pressed while one program hands the terminal to the next may go to neither.
    #[track_caller]
    fn line(&self, prompt: &str, text: &str) {
        self.ends(prompt);
        self.tmux(&["send-keys", "-l", text]);
        self.ends(&format!("{prompt} {text}"));
        self.press(&["Enter"]);
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits until the last line of the screen is this one.
    #[track_caller]
    fn ends(&self, line: &str) {
        self.until(line, |screen| screen.trim_end().lines().last() == Some(line));
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&str) -> bool) {
        let until = Instant::now() + Duration::from_mins(3);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if is(&screen) {
                return;
            }
            assert!(Instant::now() < until, "{what:?} never came:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// What the two programs that read lines ask with.
const SH: &str = "ready";
const HUEDB: &str = "test.redb>";

#[test]
fn lines_are_typed_completed_and_kept() {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "a red fox", "--metadata", "{\"year\": 2000}"]);
    let Some(terminal) = Terminal::start(&world) else { return };
    terminal.line(SH, "$HUEDB shell");
    terminal.ends(HUEDB);
    terminal.press(&["c", "o", "u", "Tab", "n", "o", "Tab"]);
    terminal.ends("test.redb> count notes");
    terminal.press(&["Enter"]);
    terminal.shows("\n1\n");
    terminal.ends(HUEDB);
    terminal.tmux(&["send-keys", "-l", "get notes -o csv --include documents --sort ye\t"]);
    terminal.ends("test.redb> get notes -o csv --include documents --sort year");
    terminal.press(&["Enter"]);
    terminal.shows("a,a red fox");
    // A quote goes on over lines.
    terminal.line(HUEDB, "add notes --id b --document 'two");
    terminal.tmux(&["send-keys", "-l", "lines'"]);
    terminal.ends("lines'");
    terminal.press(&["Enter"]);
    terminal.shows("added 1");
    terminal.line(HUEDB, "get ghosts");
    terminal.shows("no collection named \"ghosts\"");
    // ctrl-C takes back a line, and ends nothing.
    terminal.ends(HUEDB);
    terminal.press(&["n", "o", "n", "C-c"]);
    terminal.shows("test.redb> non\ntest.redb>");
    terminal.line(HUEDB, ".help");
    terminal.shows("Tab completes");
    terminal.line(HUEDB, " list --limit 0");
    terminal.ends(HUEDB);
    terminal.press(&["C-d"]);
    terminal.line(SH, "clear; echo left $?");
    terminal.shows("left 0");
    // The history, for the owner's eyes only, and without what began with a space.
    let history = std::fs::read_to_string(world.path("history")).unwrap();
    assert!(history.contains("count notes") && !history.contains("--limit 0"), "{history}");
    let mode = std::os::unix::fs::MetadataExt::mode(&world.path("history").metadata().unwrap());
    assert_eq!(mode & 0o777, 0o600);
    terminal.line(SH, "$HUEDB shell");
    terminal.ends(HUEDB);
    terminal.press(&["Up", "Up"]);
    terminal.ends("test.redb> get ghosts");
    terminal.press(&["C-c"]);
    terminal.shows("get ghosts\ntest.redb>");
    terminal.line(HUEDB, "help");
    terminal.shows("All commands:");
    terminal.line(HUEDB, "?");
    terminal.shows("Tab completes");
    terminal.line(HUEDB, "quit");
    terminal.line(SH, "clear; echo gone $?");
    terminal.shows("gone 0");
}

#[test]
fn ctrl_c_ends_the_command_and_not_the_shell() {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "first", "--document", "fox"]);
    // An import without end.
    Command::new("mkfifo").arg(world.path("pipe")).status().unwrap();
    let Some(terminal) = Terminal::start(&world) else { return };
    terminal.line(SH, "$HUEDB shell");
    terminal.ends(HUEDB);
    let path = world.path("pipe");
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        (0..u64::MAX).take_while(|n| writeln!(pipe, "{{\"id\":\"{n}\",\"document\":\"fox {n}\"}}").is_ok()).count()
    });
    terminal.line(HUEDB, "import notes pipe --format jsonl");
    terminal.shows("rows/s");
    terminal.press(&["C-c"]);
    terminal.shows("interrupted");
    assert!(writer.join().unwrap() > 0);
    terminal.line(HUEDB, "get notes --id first -o csv --include documents");
    terminal.shows("first,fox");
    terminal.ends(HUEDB);
    terminal.press(&["C-d"]);
    terminal.line(SH, "clear; echo left $?");
    terminal.shows("left 0");
}
