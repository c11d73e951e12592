//! Whether a model is the one of a collection: `record/model_check.rs`, under the name it has in this room.

pub(super) use crate::record::check_document_model;
pub use crate::record::check_model;
