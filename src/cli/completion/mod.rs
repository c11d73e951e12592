//! What fits at the cursor of a command line, for the scripts of shells and for `huedb shell`.

pub(crate) mod answer;
pub(crate) mod candidates;
pub(crate) mod shell_words;
