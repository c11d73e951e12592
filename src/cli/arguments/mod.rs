//! Arguments that several verbs share.

pub(crate) mod collection;
pub(crate) mod columns;
pub(crate) mod destination;
pub(crate) mod did_you_mean;
pub(crate) mod filter;
pub(crate) mod global;
pub(crate) mod include;
