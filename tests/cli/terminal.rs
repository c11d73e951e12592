//! A terminal for one command: a pseudoterminal each for its output and its errors.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::thread;

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{OutputFlags, SetArg, tcgetattr, tcsetattr};

/// Runs a command with both streams on terminals of 100 columns; returns what it wrote to each.
pub(crate) fn on_terminal(mut command: Command) -> (String, String) {
    let (out, err) = (open(), open());
    let mut child = command.stdout(out.1).stderr(err.1).spawn().unwrap();
    // Its ends of the terminals are closed here, so that reading them comes to an end.
    drop(command);
    let [out, err] = [out.0, err.0].map(|terminal| thread::spawn(|| read(terminal)));
    child.wait().unwrap();
    (out.join().unwrap(), err.join().unwrap())
}

/// Returns both ends of a new terminal, which shows every byte as it was written.
fn open() -> (File, File) {
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let ends = openpty(Some(&size), None).unwrap();
    let mut modes = tcgetattr(&ends.slave).unwrap();
    modes.output_flags.remove(OutputFlags::OPOST);
    tcsetattr(&ends.slave, SetArg::TCSANOW, &modes).unwrap();
    (ends.master.into(), ends.slave.into())
}

fn read(mut terminal: File) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // A terminal that nobody holds any more ends with an error.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(bytes).unwrap()
}
