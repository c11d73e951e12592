//! The command line: arguments to library calls.
//!
//! Nothing imports this room. It is part of the binary, so it reaches the library's public API alone.

mod arguments;
mod bulk;
mod completion;
mod configuration;
mod context;
mod help;
mod manual;
mod process;
mod run;
mod script;
mod tree;
mod verb;

pub(crate) use run::main;
