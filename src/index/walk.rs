//! temporary
use super::Allowed;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::View;
/// x
pub struct Walk {}
/// x
pub fn walk_graph(_view: &View) -> Result<Walk> {
    Err(Error::damaged("no graph yet"))
}
impl Walk {
    /// x
    pub fn candidates(
        &self,
        _view: &View,
        _questions: &[&[f32]],
        _allowed: Allowed,
        _depth: usize,
        _threads: usize,
    ) -> Result<Vec<Vec<Ordinal>>> {
        Ok(Vec::new())
    }
}
