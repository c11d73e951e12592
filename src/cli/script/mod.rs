//! Several commands in one process, for `huedb exec` and `huedb shell`.

pub(crate) mod series;
pub(crate) mod statement;
