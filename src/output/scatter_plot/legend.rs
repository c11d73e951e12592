//! Which colour a point has, and what the colours mean.
//!
//! Numbers get a ramp, other values a colour each; what is too rare for one is grey. Invariant: every point is in exactly
//! one class.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use huedb::record::{Number, Value};

use super::text::shown;
use crate::output::{count, table_cell, width};

/// Colours that people who see fewer tell apart as well: "muted" by Paul Tol (SRON/EPS/TN/09-002), and, where the paper
/// is dark, lighter ones of the same hue for those that would vanish.
const PALETTE: [(&str, &str); 9] = [
    ("#cc6677", "#cc6677"),
    ("#332288", "#8b82ee"),
    ("#ddcc77", "#ddcc77"),
    ("#117733", "#3fae68"),
    ("#88ccee", "#88ccee"),
    ("#882255", "#d0609c"),
    ("#44aa99", "#44aa99"),
    ("#999933", "#b5b53c"),
    ("#aa4499", "#c565b5"),
];
const OTHER: &str = "#a1a1aa";
const PLAIN: (&str, &str) = ("#4477aa", "#77aadd");
/// Viridis by van der Walt and Smith, at equal distances: even in lightness, so it also reads in grey.
const RAMP: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x28, 0xae, 0x80],
    [0x5e, 0xc9, 0x62],
    [0xad, 0xdc, 0x30],
    [0xfd, 0xe7, 0x25],
];
/// Colours of the ramp that are told apart.
const SHADES: usize = 32;
const LINE: f64 = 22.0;

/// The colours of points.
#[derive(Debug, Clone)]
pub(crate) struct Legend {
    /// The key whose values are coloured; `None` where all points are alike.
    key: Option<String>,
    meaning: Meaning,
    /// The points of each class, in the order they are drawn.
    classes: Vec<(String, Vec<usize>)>,
}

#[derive(Debug, Clone)]
enum Meaning {
    Plain,
    /// The values that have a colour, the most frequent first, and how many share the grey.
    Categories {
        names: Vec<(String, usize)>,
        others: usize,
    },
    Scale {
        min: Number,
        max: Number,
    },
}

impl Legend {
    /// Returns one colour for so many points.
    #[must_use]
    pub(crate) fn plain(points: usize) -> Self {
        Self { key: None, meaning: Meaning::Plain, classes: vec![("plain".into(), (0..points).collect())] }
    }

    /// Returns the colours of the values that points have for a key.
    #[must_use]
    pub(crate) fn of(key: &str, values: &[Option<Value>]) -> Self {
        let numbers: Vec<Option<Number>> = values.iter().map(|value| value.as_ref().and_then(Number::of)).collect();
        let is_numeric = numbers.iter().zip(values).all(|(number, value)| number.is_some() || value.is_none());
        let known = || numbers.iter().flatten().copied();
        let (min, max) = (known().min_by(|a, b| a.compare(*b)), known().max_by(|a, b| a.compare(*b)));
        match (min, max) {
            (Some(min), Some(max)) if is_numeric => Self::scale(key, &numbers, min, max),
            _ => Self::categories(key, values),
        }
    }

    fn scale(key: &str, numbers: &[Option<Number>], min: Number, max: Number) -> Self {
        let (first, last) = (as_float(min), as_float(max));
        let mut classes: Vec<(String, Vec<usize>)> = vec![("none".into(), Vec::new())];
        classes.extend((0..SHADES).map(|shade| (format!("s{shade}"), Vec::new())));
        for (at, number) in numbers.iter().enumerate() {
            let class = number.map_or(0, |number| 1 + shade(as_float(number), first, last));
            if let Some((_, members)) = classes.get_mut(class) {
                members.push(at);
            }
        }
        Self { key: Some(key.into()), meaning: Meaning::Scale { min, max }, classes }
    }

    fn categories(key: &str, values: &[Option<Value>]) -> Self {
        let mut members: HashMap<String, Vec<usize>> = HashMap::new();
        let mut none = Vec::new();
        for (at, value) in values.iter().enumerate() {
            match value {
                Some(value) => members.entry(value.to_string()).or_default().push(at),
                None => none.push(at),
            }
        }
        let mut groups: Vec<(String, Vec<usize>)> = members.into_iter().collect();
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        let rest = groups.split_off(groups.len().min(PALETTE.len()));
        let names = groups.iter().map(|(name, members)| (name.clone(), members.len())).collect();
        let others = rest.len();
        let rest = rest.into_iter().flat_map(|(_, members)| members).collect();
        // The rarest last, on top of the others.
        let mut classes = vec![("none".into(), none), ("other".into(), rest)];
        classes.extend(groups.into_iter().enumerate().map(|(k, (_, members))| (format!("k{k}"), members)));
        Self { key: Some(key.into()), meaning: Meaning::Categories { names, others }, classes }
    }

    /// Returns the name of each class and its points.
    pub(super) fn classes(&self) -> &[(String, Vec<usize>)] {
        &self.classes
    }

    fn members(&self, class: &str) -> usize {
        self.classes.iter().find(|(name, _)| name == class).map_or(0, |(_, members)| members.len())
    }

    /// Returns how wide it is drawn.
    pub(super) fn width(&self, drawing: f64) -> f64 {
        if self.key.is_some() { (drawing / 4.0).min(190.0) } else { 0.0 }
    }

    /// Returns the rules that colour the classes.
    pub(super) fn style(&self) -> String {
        let mut rules = String::new();
        let mut rule = |class: &str, light: &str, dark: &str| {
            let _ = writeln!(rules, ".{class}{{fill:{light}}}");
            if light != dark {
                let _ = writeln!(rules, "@media (prefers-color-scheme:dark){{.{class}{{fill:{dark}}}}}");
            }
        };
        rule("none", "#d4d4d8", "#3f3f46");
        match &self.meaning {
            Meaning::Plain => rule("plain", PLAIN.0, PLAIN.1),
            Meaning::Categories { names, .. } => {
                rule("other", OTHER, OTHER);
                let coloured: Vec<_> = names.iter().zip(PALETTE).enumerate().collect();
                for (k, (_, (light, dark))) in &coloured {
                    rule(&format!("k{k}"), light, dark);
                }
                // Over an entry of the legend only its points stay.
                let classes = coloured.iter().map(|(k, _)| format!("k{k}")).chain(["other".into(), "none".into()]);
                for class in classes {
                    let _ = writeln!(rules, "svg:has(.l.{class}:hover) .p:not(.{class}){{opacity:.07}}");
                }
            }
            Meaning::Scale { .. } => (0..SHADES).for_each(|k| {
                let color = ramp(k);
                rule(&format!("s{k}"), &color, &color);
            }),
        }
        rules
    }

    /// Draws what the colours mean.
    pub(super) fn draw(&self, x: f64, top: f64, width: f64, out: &mut dyn Write) -> io::Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        // About seven pixels a character.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width of a few hundred")]
        let cells = ((width - 20.0) / 7.5).max(4.0) as usize;
        let name = |text: &str| shown(&width::cut(&table_cell::prose(text, cells), cells));
        writeln!(out, r#"<text class="soft" x="{x:.1}" y="{:.1}">{}</text>"#, top + 4.0, name(key))?;
        let entry = |out: &mut dyn Write, line: usize, class: &str, text: &str, points: usize| {
            let y = top + LINE * (1.2 + line_number(line));
            let points = count(points as u64);
            writeln!(
                out,
                r#"<g class="l {class}"><circle cx="{:.1}" cy="{:.1}" r="6"/><text x="{:.1}" y="{y:.1}">{} <tspan class="soft">{points}</tspan></text></g>"#,
                x + 6.0,
                y - 4.5,
                x + 20.0,
                name(text)
            )
        };
        let none = self.members("none");
        match &self.meaning {
            Meaning::Plain => Ok(()),
            Meaning::Categories { names, others } => {
                for (line, (name, points)) in names.iter().enumerate() {
                    entry(out, line, &format!("k{line}"), name, *points)?;
                }
                let mut line = names.len();
                if *others > 0 {
                    entry(out, line, "other", &format!("{others} others"), self.members("other"))?;
                    line += 1;
                }
                if none > 0 { entry(out, line, "none", "none", none) } else { Ok(()) }
            }
            Meaning::Scale { min, max } => {
                let height = 160.0;
                let step = height / line_number(SHADES);
                for k in 0..SHADES {
                    let y = top + 16.0 + height - step * line_number(k + 1);
                    writeln!(
                        out,
                        r#"<rect class="s{k}" x="{x:.1}" y="{y:.1}" width="16" height="{:.1}"/>"#,
                        step + 0.5
                    )?;
                }
                let (first, last) = (as_float(*min), as_float(*max));
                let middle = f64::midpoint(first, last);
                let ticks = if first < last {
                    vec![(last_text(*max), 0.0), (short(middle, last - first), 0.5), (last_text(*min), 1.0)]
                } else {
                    vec![(last_text(*min), 0.5)]
                };
                for (text, at) in ticks {
                    let y = top + 16.0 + height * at + 4.5;
                    writeln!(out, r#"<text x="{:.1}" y="{y:.1}">{}</text>"#, x + 24.0, name(&text))?;
                }
                if none > 0 { entry(out, 8, "none", "none", none) } else { Ok(()) }
            }
        }
    }
}

fn shade(number: f64, first: f64, last: f64) -> usize {
    // Halves, since the range of two floats may be no float.
    let along = (number / 2.0 - first / 2.0) / (last / 2.0 - first / 2.0);
    if !along.is_finite() {
        return SHADES / 2;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the number of shades")]
    let found = (along.clamp(0.0, 1.0) * line_number(SHADES)) as usize;
    found.min(SHADES - 1)
}

#[expect(clippy::cast_precision_loss, reason = "a few lines")]
fn line_number(line: usize) -> f64 {
    line as f64
}

fn ramp(shade: usize) -> String {
    let at = line_number(shade) / line_number(SHADES - 1) * line_number(RAMP.len() - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the ramp")]
    let before = (at.floor() as usize).min(RAMP.len() - 2);
    let beyond = at - line_number(before);
    let stop = |k: usize| RAMP.get(k).copied().unwrap_or_default();
    let mixed = stop(before).into_iter().zip(stop(before + 1)).map(|(a, b)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let mixed = (f64::from(a) + (f64::from(b) - f64::from(a)) * beyond).round() as u8;
        mixed
    });
    mixed.fold(String::from("#"), |mut color, byte| {
        let _ = write!(color, "{byte:02x}");
        color
    })
}

fn as_float(number: Number) -> f64 {
    match number {
        #[expect(clippy::cast_precision_loss, reason = "a colour is needed only nearly")]
        Number::Int(int) => int as f64,
        Number::Float(float) => float,
    }
}

fn last_text(number: Number) -> String {
    match number {
        Number::Int(int) => int.to_string(),
        Number::Float(float) => float.to_string(),
    }
}

/// Returns a number with as many digits as tell it from others in a range.
fn short(number: f64, range: f64) -> String {
    let digits = (2.0 - range.log10()).clamp(0.0, 6.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 6")]
    let digits = digits as usize;
    format!("{number:.digits$}")
}
