//! Lines that are written by a thread of their own, so that a slow disk keeps nobody waiting.
//!
//! Invariants: a line is written whole, with others of the same moment in one call; what was taken is written, or it is said
//! that it could not be.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::serve::notice::Notice;

/// Lines that may wait.
const MOST_WAITING: usize = 16_384;
/// How long a line waits for others.
const TOGETHER: Duration = Duration::from_millis(2);
/// Bytes that are written together.
const MOST_BYTES: usize = 256 << 10;

enum Message {
    Line(String),
    Reopen,
}

/// Where lines go.
enum LineTarget {
    File(PathBuf, File),
    Stderr,
}

impl LineTarget {
    fn open(path: PathBuf) -> io::Result<Self> {
        // Who asked for what is nobody else's business.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        Ok(Self::File(path, file))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(_, file) => file.write_all(bytes),
            Self::Stderr => io::stderr().write_all(bytes),
        }
    }
}

/// Writes lines.
pub(in crate::serve) struct LineWriter {
    sender: Mutex<Option<SyncSender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lost: Arc<AtomicU64>,
}

impl LineWriter {
    /// Writes to the end of a file, which is made for its owner alone; `-` is the standard error.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened.
    pub(in crate::serve) fn start(path: &str, notice: Notice) -> Result<Self> {
        let opened = if path == "-" { Ok(LineTarget::Stderr) } else { LineTarget::open(path.into()) };
        let target = opened.map_err(|error| Error::io(format!("open {path}"), error))?;
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let thread = {
            let lost = Arc::clone(&lost);
            std::thread::Builder::new().name("huedb-lines".into()).spawn(move || run(target, &receiver, &lost, &notice))
        };
        let thread = thread.map_err(|error| Error::io("start a thread for the log", error))?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), lost })
    }

    /// Has a line written. Waits where more wait than may: a line too few would be worse.
    pub(in crate::serve) fn write(&self, line: String) {
        self.send(Message::Line(line));
    }

    /// Opens the file again, for what rotates logs has moved it.
    pub(in crate::serve) fn reopen(&self) {
        self.send(Message::Reopen);
    }

    fn send(&self, message: Message) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return };
        match sender.try_send(message) {
            Err(TrySendError::Full(message)) => tokio::task::block_in_place(|| drop(sender.send(message))),
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Returns how many lines could not be written.
    pub(in crate::serve) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits and ends.
    pub(in crate::serve) fn finish(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn run(mut target: LineTarget, receiver: &Receiver<Message>, lost: &AtomicU64, notice: &Notice) {
    while let Ok(message) = receiver.recv() {
        // What comes meanwhile is written with it, and wakes nobody.
        std::thread::sleep(TOGETHER);
        let (mut bytes, mut lines, mut reopen) = (Vec::new(), 0, false);
        let mut next = Some(message);
        while let Some(message) = next.take() {
            match message {
                Message::Line(line) => {
                    bytes.extend_from_slice(line.as_bytes());
                    bytes.push(b'\n');
                    lines += 1;
                }
                Message::Reopen => reopen = true,
            }
            if bytes.len() < MOST_BYTES && !reopen {
                next = receiver.try_recv().ok();
            }
        }
        if let Err(error) = target.write(&bytes) {
            lost.fetch_add(lines, Ordering::Relaxed);
            notice.tell(&format!("lines of a log are lost: {error}"));
        }
        if reopen && let LineTarget::File(path, _) = &target {
            match LineTarget::open(path.clone()) {
                Ok(opened) => target = opened,
                Err(error) => notice.tell(&format!("{} cannot be opened again: {error}", path.display())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_are_appended_and_follow_a_file_that_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
        fs::write(&path, "before\n").unwrap();
        let writer = LineWriter::start(path.to_str().unwrap(), Notice::new(|_| {})).unwrap();
        writer.write("one".into());
        writer.write("two".into());
        writer.reopen();
        writer.finish();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\none\ntwo\n");
        let writer = LineWriter::start(path.to_str().unwrap(), Notice::new(|_| {})).unwrap();
        fs::rename(&path, &moved).unwrap();
        writer.write("to the old".into());
        writer.reopen();
        writer.write("to the new".into());
        writer.finish();
        writer.write("too late, and no panic".into());
        assert_eq!(fs::read_to_string(&path).unwrap(), "to the new\n");
        assert!(fs::read_to_string(&moved).unwrap().ends_with("to the old\n"));
        assert_eq!((fs::metadata(&path).unwrap().permissions().mode() & 0o777, writer.lost()), (0o600, 0));
        assert!(LineWriter::start(folder.path().to_str().unwrap(), Notice::new(|_| {})).is_err());
    }
}
