//! Counts as bars of text, one line a bin.
//!
//! Bars are made of eighths of a block, or of whole signs where only ASCII can be shown. Invariant: a count that is not
//! zero has a bar that can be seen, and no line is wider than told.

use huedb::query::{Bin, Edges};

use super::grid::{Cut, Grid, Heading};
use super::highlighted_text::Marked;
use super::number::count;
use super::sink::Style;
use super::width;

/// Longer bars tell no more.
const WIDEST_BAR: usize = 40;
const NARROWEST_BAR: usize = 4;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Returns a bar for a share from 0 to 1 of `cells`.
pub(super) fn bar(share: f64, cells: usize, ascii: bool) -> String {
    let parts = if ascii { 1 } else { 8 };
    #[expect(clippy::cast_precision_loss, reason = "a few cells")]
    let exact = share.clamp(0.0, 1.0) * (cells * parts) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the cells")]
    let shown = (exact.round() as usize).max(usize::from(share > 0.0));
    if ascii {
        return "#".repeat(shown);
    }
    "█".repeat(shown / 8) + EIGHTHS.get(shown % 8).copied().unwrap_or_default()
}

/// Returns bars of one or more counts over the same bins; each kind of bar is as long as its largest count needs.
pub(super) fn histogram(what: &str, edges: &Edges, kinds: &[(&str, Vec<Bin>)], style: Style, ascii: bool) -> String {
    let labels: Vec<String> = kinds
        .first()
        .map(|(_, bins)| bins.iter().map(|bin| range(bin, edges.step(), ascii)).collect())
        .unwrap_or_default();
    let counts: Vec<Vec<String>> =
        kinds.iter().map(|(_, bins)| bins.iter().map(|bin| count(bin.count)).collect()).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| width::width(text)).max().unwrap_or(0);
    let label_width = widest(&labels).max(width::width(what));
    let count_widths: usize = counts.iter().map(|texts| widest(texts)).sum();
    let gaps = 2 * 2 * kinds.len();
    let bars = style.width.saturating_sub(label_width + count_widths + gaps) / kinds.len().max(1);
    let bars = bars.clamp(NARROWEST_BAR, WIDEST_BAR);

    let heading = |name: &str, right| Heading { name: name.to_owned(), share: 0, right, cut: Cut::End, dim: false };
    let mut headings = vec![heading(what, true)];
    for (kind, _) in kinds {
        headings.extend([heading("", true), heading(&width::cut(kind, bars), false)]);
    }
    let row = |(at, label): (usize, &String)| {
        let mut row: Vec<Marked> = vec![label.as_str().into()];
        for ((_, bins), counts) in kinds.iter().zip(&counts) {
            let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
            #[expect(clippy::cast_precision_loss, reason = "a length is needed only nearly")]
            let share = bins.get(at).map_or(0.0, |bin| bin.count as f64 / most as f64);
            row.extend([counts.get(at).cloned().unwrap_or_default().into(), bar(share, bars, ascii).into()]);
        }
        row
    };
    let grid = Grid { headings, rows: labels.iter().enumerate().map(row).collect() };
    grid.lines(&grid.widths(style.width, &[]), true, style)
}

/// Returns the edges of a bin with as many decimals as their step needs.
fn range(bin: &Bin, step: f64, ascii: bool) -> String {
    let dash = if ascii { "-" } else { "–" };
    if !(1e-6..1e9).contains(&step) {
        return format!("{:.2e} {dash} {:.2e}", bin.from, bin.to);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 6")]
    let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 6.0) as usize;
    let edge = |edge: f64| format!("{edge:.decimals$}").replace("-0.0", "0.0");
    format!("{} {dash} {}", edge(bin.from), edge(bin.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use huedb::query::Distribution;

    #[test]
    fn bars_are_seen() {
        let shown = [0.0, 0.001, 0.25, 0.5, 0.99, 1.0].map(|share| bar(share, 4, false));
        assert_eq!(shown, ["", "▏", "█", "██", "████", "████"]);
        assert_eq!(bar(0.16, 4, false), "▋");
        assert_eq!([0.0, 0.001, 0.5, 1.0].map(|share| bar(share, 4, true)), ["", "#", "##", "####"]);
    }

    fn two(width: usize, ascii: bool) -> String {
        let near: Distribution = [0.05, 0.12, 0.13, 0.14, 0.22].into_iter().collect();
        let far: Distribution = (0..1000).map(|n| 0.2 + f64::from(n) / 5000.0).collect();
        let edges = Edges::around(&[&near, &far], 4).unwrap();
        let kinds = [("nearest", near.bins(&edges)), ("random pairs", far.bins(&edges))];
        histogram("distance", &edges, &kinds, Style { width, ..Style::default() }, ascii)
    }

    #[test]
    fn counts_stand_before_their_bars() {
        let expected = [
            " distance     nearest              random pairs",
            "─────────────────────────────────────────────────",
            "0.0 – 0.1  1  ████▋             0",
            "0.1 – 0.2  3  ██████████████    0",
            "0.2 – 0.3  1  ████▋           500  ██████████████",
            "0.3 – 0.4  0                  500  ██████████████",
        ];
        assert_eq!(two(50, false).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_line_is_too_wide() {
        for columns in [40, 60, 80, 120, 200] {
            for ascii in [false, true] {
                let shown = two(columns, ascii);
                assert!(shown.lines().all(|line| width::width(line) <= columns), "{columns}: {shown}");
                assert!(!ascii || !shown.contains(['█', '–']));
            }
        }
        two(0, false);
    }

    #[test]
    fn one_number_has_one_bar() {
        for number in [0.0, 1.0, -3.5, 1e-30, 1e30] {
            let one: Distribution = [number].into_iter().collect();
            let edges = Edges::around(&[&one], 12).unwrap();
            let shown = histogram("n", &edges, &[("x", one.bins(&edges))], Style::default(), false);
            assert_eq!(shown.matches('█').count(), WIDEST_BAR, "{shown}");
        }
    }
}
