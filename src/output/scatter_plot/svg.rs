//! Points of a plane as an SVG drawing that any browser opens: no scripts, labels on hover, light and dark.
//!
//! Knows nothing of how the points were found. Invariant: the drawing is well-formed XML whatever the texts hold, every
//! text in it is sanitised and escaped, and every number finite.

use std::io::{self, Write};

use huedb::error::Result;

use super::places::{free, places};
use super::point_map::{Frame, PointMap};
use super::text::{escape, shown};
use crate::output::sink::written;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#27272a}
.title{font-size:17px;font-weight:600}
.soft{fill:#71717a}
.paper{fill:#fff}
.grid{stroke:#ececef}
.axis{stroke:#c4c4cb}
.p circle{stroke:#18181b;stroke-opacity:.3;stroke-width:.5;fill-opacity:.85}
.p circle:hover{stroke-opacity:1;stroke-width:2}
.name{font-weight:600;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3.5px;stroke-linejoin:round;pointer-events:none}
@media (prefers-color-scheme:dark){
text{fill:#e4e4e7}
.soft{fill:#a1a1aa}
.paper{fill:#18181b}
.grid{stroke:#2a2a2f}
.axis{stroke:#52525b}
.p circle{stroke:#fafafa}
.name{stroke:#18181b}
}
";

/// Writes a drawing as one SVG document.
///
/// # Errors
/// [`huedb::error::Error::Io`] when the output cannot be written.
pub(crate) fn write_map(map: &PointMap, out: &mut dyn Write) -> Result<()> {
    written(draw(map, out).and_then(|()| out.flush()))
}

fn draw(map: &PointMap, out: &mut dyn Write) -> io::Result<()> {
    let [width, height] = map.size;
    let legend_width = map.legend.width(f64::from(width));
    let frame = Frame::around(map, legend_width);
    let title = shown(&map.title);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">"#
    )?;
    writeln!(out, "<title>{title}</title>")?;
    writeln!(out, "<style>\n{STYLE}{}</style>", map.legend.style())?;
    writeln!(out, r#"<rect class="paper" width="{width}" height="{height}"/>"#)?;
    writeln!(out, r#"<text class="title" x="{:.1}" y="30">{title}</text>"#, frame.left)?;
    frame.grid(out)?;
    points(map, &frame, out)?;
    names(map, &frame, out)?;
    map.legend.draw(frame.right + 20.0, frame.top, legend_width, out)?;
    let [x_axis, y_axis] = map.axes.each_ref().map(|axis| shown(axis));
    let (across, up) = (f64::midpoint(frame.left, frame.right), f64::midpoint(frame.top, frame.bottom));
    writeln!(out, r#"<text x="{across:.1}" y="{:.1}" text-anchor="middle">{x_axis}</text>"#, frame.bottom + 22.0)?;
    writeln!(out, r#"<text transform="translate(28 {up:.1}) rotate(-90)" text-anchor="middle">{y_axis}</text>"#)?;
    writeln!(
        out,
        r#"<text class="soft" x="{:.1}" y="{}">{}</text>"#,
        frame.left,
        height.saturating_sub(12),
        shown(&map.caption)
    )?;
    writeln!(out, "</svg>")
}

/// Draws the points of one colour after the other, so that a colour is named once; places of more points are larger.
fn points(map: &PointMap, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
    let radius = match map.points.len() {
        0..=200 => 5.0,
        201..=2000 => 3.5,
        2001..=20_000 => 2.2,
        _ => 1.4,
    };
    for ((class, _), places) in map.legend.classes().iter().zip(places(map, frame)) {
        if places.is_empty() {
            continue;
        }
        writeln!(out, r#"<g class="p {class}">"#)?;
        for place in places {
            let hover: Vec<String> = place.hover(map).iter().map(|line| escape(line)).collect();
            let ([x, y], hover) = (place.at, hover.join("\n"));
            let radius = place.radius(radius);
            writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}"><title>{hover}</title></circle>"#)?;
        }
        writeln!(out, "</g>")?;
    }
    Ok(())
}

/// Draws names where they cover no other; where there is no such place a name is left out.
fn names(map: &PointMap, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
    let mut taken = Vec::new();
    for name in &map.names {
        if let Some([x, y]) = free(&mut taken, frame, frame.place(name.at), &name.text) {
            writeln!(out, r#"<text class="name" x="{x:.1}" y="{y:.1}">{}</text>"#, shown(&name.text))?;
        }
    }
    Ok(())
}
