//! Tests of the filters: the contract's truth table, the places of errors, and random trees and texts.

mod limits;
mod places;
pub(crate) mod random_trees;
mod reader;
mod short_form;
mod split;
