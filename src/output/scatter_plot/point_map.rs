//! What a map shows, and where on the drawing.
//!
//! Knows nothing of colours or of text. Invariant: both axes have one scale, and all points are inside of the frame.

use std::io::{self, Write};

use super::legend::Legend;

/// A point and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapPoint {
    /// Where it is; both axes have the same scale.
    pub(crate) at: [f64; 2],
    /// Shown when the pointer is over it; several lines.
    pub(crate) hover: String,
}

/// What a part of the drawing is named.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapName {
    /// Its middle.
    pub(crate) at: [f64; 2],
    pub(crate) text: String,
}

/// A drawing.
#[derive(Debug, Clone)]
pub(crate) struct PointMap {
    /// What stands above it.
    pub(crate) title: String,
    /// What stands below it.
    pub(crate) caption: String,
    /// What the axes are.
    pub(crate) axes: [String; 2],
    /// Width and height in pixels.
    pub(crate) size: [u32; 2],
    /// The points.
    pub(crate) points: Vec<MapPoint>,
    /// Names of parts of it; those before are drawn where two would overlap.
    pub(crate) names: Vec<MapName>,
    /// The points' colours, in their order.
    pub(crate) legend: Legend,
}

/// Where the points are drawn.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    /// Pixels of one unit, on both axes.
    scale: f64,
    /// The middle of the points.
    middle: [f64; 2],
}

impl Frame {
    pub(super) fn around(map: &PointMap, legend_width: f64) -> Self {
        let [width, height] = map.size.map(f64::from);
        let (left, top, right, bottom) = (44.0, 48.0, width - 20.0 - legend_width, height - 60.0);
        let range = |axis: usize| {
            let numbers = || map.points.iter().filter_map(|point| point.at.get(axis).copied());
            (numbers().reduce(f64::min).unwrap_or(0.0), numbers().reduce(f64::max).unwrap_or(0.0))
        };
        let ranges = [range(0), range(1)];
        let [across, up] = ranges.map(|(min, max)| max - min);
        // Room for the circles themselves.
        let scale = (0.94 * (right - left) / across).min(0.94 * (bottom - top) / up);
        let scale = if scale.is_finite() { scale } else { 1.0 };
        Self { left, top, right, bottom, scale, middle: ranges.map(|(min, max)| min + (max - min) / 2.0) }
    }

    pub(super) fn place(&self, at: [f64; 2]) -> [f64; 2] {
        let ([x, y], [middle_x, middle_y]) = (at, self.middle);
        [
            f64::midpoint(self.left, self.right) + (x - middle_x) * self.scale,
            f64::midpoint(self.top, self.bottom) - (y - middle_y) * self.scale,
        ]
    }

    /// Draws lines at round distances, and the two through the mean.
    pub(super) fn grid(&self, out: &mut dyn Write) -> io::Result<()> {
        let wished = 90.0 / self.scale;
        let magnitude = 10_f64.powf(wished.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * magnitude).find(|step| *step >= wished);
        let pixels = step.unwrap_or(wished) * self.scale;
        let [x, y] = self.place([0.0, 0.0]);
        let (left, top, right, bottom) = (self.left, self.top, self.right, self.bottom);
        let lines = |from: f64, to: f64, through: f64| {
            let first = through - ((through - from) / pixels).floor() * pixels;
            std::iter::successors(Some(first), move |at| Some(at + pixels)).take(200).take_while(move |at| *at <= to)
        };
        let class = |at: f64, through: f64| if (at - through).abs() < 0.5 { "axis" } else { "grid" };
        for at in lines(left, right, x) {
            let class = class(at, x);
            writeln!(out, r#"<line class="{class}" x1="{at:.1}" y1="{top:.1}" x2="{at:.1}" y2="{bottom:.1}"/>"#)?;
        }
        for at in lines(top, bottom, y) {
            let class = class(at, y);
            writeln!(out, r#"<line class="{class}" x1="{left:.1}" y1="{at:.1}" x2="{right:.1}" y2="{at:.1}"/>"#)?;
        }
        Ok(())
    }
}
