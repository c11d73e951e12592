//! A collection on a plane, as an SVG.

mod legend;
mod places;
mod point_map;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use legend::Legend;
pub(crate) use point_map::{MapName, MapPoint, PointMap};
pub(crate) use svg::write_map;
pub(crate) use text::hover;
