//! A folder with a file in it, and commands run on that file.
//!
//! `HUEDB_TEST_ENCRYPTED=1` has the file encrypted, so that every test here is one of encrypted files as well.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A fresh folder; `file` is the database that commands use.
pub(crate) struct World {
    folder: TempDir,
    encrypted: bool,
}

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: TempDir::new().unwrap(), encrypted: crate::open::encrypted() };
        world.write("test.key", crate::open::KEY);
        world
    }

    /// A world whose file is as its commands say, whatever the environment.
    pub(crate) fn plain() -> Self {
        Self { encrypted: false, ..Self::new() }
    }

    /// A world with a collection `notes` of the hash model, 64 dimensions.
    pub(crate) fn with_notes() -> Self {
        Self::new().having_notes()
    }

    /// Makes the collection `notes` of the hash model, 64 dimensions.
    pub(crate) fn having_notes(self) -> Self {
        self.ok(&["create", "notes", "--model", "hash-64"]);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        name.to_owned()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path("test.redb")).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
        // Whoever runs the tests may have a config file.
        command.env("HUEDB_CONFIG", "");
        command.env_remove("HUEDB_KEY_FILE").env_remove("HUEDB_KEY_COMMAND");
        if self.encrypted {
            command.env("HUEDB_KEY_FILE", "test.key");
        }
        command.args(args);
        if self.encrypted && args.first() == Some(&"create") {
            command.arg("--encrypt");
        }
        command.current_dir(self.folder.path()).env("HUEDB_FILE", "test.redb").stdin(Stdio::null());
        command.env_remove("HUEDB_BUSY_TIMEOUT").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finish(self.spawn(args))
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_ref()).unwrap();
        finish(child)
    }

    /// Runs a command that must succeed and returns its output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        ran.stdout
    }
}

/// Leaves out the names of errors, which `talk::errors_have_their_names` looks at.
pub(crate) fn without_names(stderr: &str) -> String {
    let plain = |line: &str| match line.strip_prefix("error[").and_then(|rest| rest.split_once("]: ")) {
        Some((name, message)) if name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') => {
            format!("error: {message}")
        }
        _ => line.to_owned(),
    };
    stderr.split_inclusive('\n').map(plain).collect()
}

pub(crate) fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: without_names(&String::from_utf8(output.stderr).unwrap()),
        status: output.status.code(),
    }
}

impl Ran {
    /// Checks output, errors and exit code at once.
    #[track_caller]
    pub(crate) fn is(&self, stdout: &str, stderr: &str, status: i32) {
        let expected = Ran { stdout: stdout.into(), stderr: stderr.into(), status: Some(status) };
        assert_eq!(*self, expected);
    }
}
