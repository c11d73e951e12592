//! A collection on a plane, as an SVG.

mod legend;
mod places;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use legend::Legend;
pub(crate) use svg::{MapName, MapPoint, PointMap, write_map};
pub(crate) use text::hover;
