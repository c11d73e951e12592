//! Whether a model is the one of a collection: `record/model_check.rs`, re-exported.

pub(super) use crate::record::check_document_model;
pub use crate::record::check_model;
