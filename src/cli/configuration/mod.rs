//! The config file, and the global flags that it and the environment stand for.

pub(crate) mod defaults;
pub(crate) mod file;
mod serve;
