//! The parts that every page has: examples, environment, files, exit status.
//!
//! Invariant: every variable that huedb reads is named on huedb(1).

use clap::{Arg, Command};

use super::roff::{Roff, bold};
use crate::cli::help::EXAMPLES;

/// Variables that belong to no option.
const VARIABLES: [(&str, &str); 14] = [
    ("HUEDB_CONFIG", "The config file; empty for none. `huedb config` shows what holds, and why."),
    ("HUEDB_RUNTIME", "What runs models: auto (the default), builtin, onnxruntime or rten."),
    ("HUEDB_THREADS", "Threads that embed. By default as many as the machine runs at once."),
    ("HUEDB_DATA_DIR", "The folder of installed models and ONNX Runtime."),
    ("HUEDB_CACHE_DIR", "The folder of models that ONNX Runtime has optimised for this machine."),
    ("HUEDB_OFFLINE", "1: no model is fetched, and no service on another machine is asked."),
    ("HUEDB_TOKEN", "The token for a server that `--db` names."),
    ("HUEDB_PLACE_TOKEN", "The token for the server that `huedb push` and `huedb pull` name beside it."),
    ("HUEDB_HISTORY", "The history of `huedb shell`; empty for none."),
    ("ORT_DYLIB_PATH", "An ONNX Runtime library to try first."),
    (
        "HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT",
        "As the tools of Hugging Face read them, for `huedb model pull`.",
    ),
    (
        "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME, XDG_STATE_HOME",
        "Where the folders below are, if not in the home folder.",
    ),
    ("NO_COLOR, CLICOLOR, CLICOLOR_FORCE", "Whether colours are used."),
    ("COLUMNS, PAGER", "The width of tables, and what `huedb man` shows its pages with."),
];

const FILES: [(&str, &str); 4] = [
    ("huedb.redb", "The database, unless `--db` or `HUEDB_FILE` names another."),
    ("~/.config/huedb/config.toml", "Defaults for the options that all commands have, and for `huedb serve`."),
    ("~/.local/share/huedb", "Installed models and ONNX Runtime."),
    ("~/.cache/huedb", "What can be made again."),
];

const STATUSES: [(&str, &str); 7] = [
    ("0", "Done, or found."),
    ("1", "Nothing was found, or not all of the work could be done."),
    ("2", "Usage or bad input."),
    ("3", "Another process held the file longer than `--busy-timeout`."),
    ("4", "The file is damaged, or not one of huedb."),
    ("5", "Anything else that failed: the disk, the model, the network."),
    ("130", "Interrupted."),
];

/// Writes what stands after a command's options: examples, and other blocks with a heading.
pub(super) fn after(page: &mut Roff, command: &Command) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    blocks(page, &text);
}

pub(super) fn examples_of_program(page: &mut Roff) {
    blocks(page, EXAMPLES);
}

/// A line that ends with a colon begins a part; the lines below it are shown as they stand.
fn blocks(page: &mut Roff, text: &str) {
    let mut lines: Vec<&str> = Vec::new();
    let flush = |page: &mut Roff, lines: &mut Vec<&str>| {
        if lines.iter().any(|line| !line.is_empty()) {
            page.block(lines);
        }
        lines.clear();
    };
    for line in text.trim_end().lines() {
        match line.strip_suffix(':') {
            Some(heading) if !line.starts_with(' ') => {
                flush(page, &mut lines);
                page.section(heading);
            }
            _ => lines.push(line.strip_prefix("  ").unwrap_or(line)),
        }
    }
    flush(page, &mut lines);
}

/// Writes which variables a command reads: all of them for huedb itself, for a command those of its own options.
pub(super) fn environment(page: &mut Roff, command: &Command) {
    let is_program = command.get_name() == "huedb";
    page.section("Environment");
    let own = |arg: &&Arg| is_program || !arg.is_global_set();
    for arg in command.get_arguments().filter(own) {
        if let (Some(variable), Some(long)) = (arg.get_env(), arg.get_long()) {
            page.item(&bold(&variable.to_string_lossy()), &format!("Stands for `--{long}`."));
        }
    }
    if is_program {
        for (name, text) in VARIABLES {
            page.item(&bold(name), text);
        }
    } else {
        page.item(&bold("HUEDB_FILE"), "The database. huedb(1) lists the other variables.");
    }
}

pub(super) fn files(page: &mut Roff) {
    page.section("Files");
    for (name, text) in FILES {
        page.item(&bold(name), text);
    }
}

/// Writes with what a command exits.
pub(super) fn exit_status(page: &mut Roff) {
    page.section("Exit status");
    for (status, text) in STATUSES {
        page.item(&bold(status), text);
    }
}
