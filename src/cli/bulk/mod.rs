//! Many records at once: what import, sync, export and reembed share.

pub(crate) mod archive;
pub(crate) mod dry_run;
pub(crate) mod foreign;
pub(crate) mod ingest;
mod read_ahead;
pub(crate) mod transfer;
