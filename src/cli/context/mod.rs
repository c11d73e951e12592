//! What a verb works with: the file, its key, the models, the streams.

mod asking;
pub(crate) mod command;
mod files;
pub(crate) mod key;
pub(crate) mod long_questions;
pub(crate) mod models;
pub(crate) mod nothing_found;
pub(crate) mod places;
mod stages;
pub(crate) mod stdin;
mod streams;
pub(crate) mod tidying;
pub(crate) mod timing;
pub(crate) mod token;
pub(crate) mod unknown_key;
