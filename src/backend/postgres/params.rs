//! The parameters of one statement, numbered as they are met.
//!
//! Invariant: nothing that a user gives stands in the text of a statement; it is a parameter, with its type beside it.

use postgres::types::ToSql;

/// Values and their places.
#[derive(Default)]
pub(super) struct Params {
    values: Vec<Box<dyn ToSql + Send + Sync>>,
}

impl Params {
    /// Takes a value of a type of PostgreSQL; returns what stands for it, as `$1::text`.
    pub(super) fn push(&mut self, value: impl ToSql + Send + Sync + 'static, of_type: &str) -> String {
        self.values.push(Box::new(value));
        format!("${}::{of_type}", self.values.len())
    }

    /// Takes a text.
    pub(super) fn text(&mut self, text: impl Into<String>) -> String {
        self.push(text.into(), "text")
    }

    /// Returns the values as a statement takes them.
    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}
