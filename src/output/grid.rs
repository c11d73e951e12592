//! Rows and columns of text laid out for a terminal: a header, a rule, no vertical bars.
//!
//! Knows nothing of records; cells come sanitised. Invariant: no line is wider than the widths allotted, so
//! nothing wraps by itself unless the terminal is too narrow for one character a column.

use super::color;
use super::highlighted_text::Marked;
use super::sink::Style;
use super::width::{self, Wish};

/// Stands between columns.
const GAP: &str = "  ";
/// Stands under the header.
const RULE: char = '─';

/// One column of a grid.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// What stands above it.
    pub(super) name: String,
    /// Its part of the line when not everything fits; 0 for a column that is never narrowed.
    pub(super) share: usize,
    /// Whether its cells are aligned to the right.
    pub(super) right: bool,
    /// Whether its cells are printed dim, where colour is on.
    pub(super) dim: bool,
}

/// A table before it is laid out; each row has one cell a heading.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    pub(super) headings: Vec<Heading>,
    pub(super) rows: Vec<Vec<Marked>>,
}

impl Grid {
    /// Removes the columns that hold nothing in any row.
    pub(super) fn drop_empty_columns(&mut self) {
        let filled = |at: usize| self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
        let kept: Vec<bool> = (0..self.headings.len()).map(filled).collect();
        let mut keep = kept.iter();
        self.headings.retain(|_| keep.next().copied().unwrap_or(true));
        for row in &mut self.rows {
            let mut keep = kept.iter();
            row.retain(|_| keep.next().copied().unwrap_or(true));
        }
    }

    /// Returns the width of each column on a line of `line` cells, given the widths of the rows printed before.
    ///
    /// A column grows when later rows need more, at the cost of its alignment: a cut id is of no use.
    pub(super) fn widths(&self, line: usize, before: &[usize]) -> Vec<usize> {
        let wish = |(at, heading): (usize, &Heading)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(Marked::width);
            let known = before.get(at).copied().unwrap_or_else(|| width::width(&heading.name));
            Wish { natural: cells.max().unwrap_or(0).max(known), share: heading.share }
        };
        let wishes: Vec<Wish> = self.headings.iter().enumerate().map(wish).collect();
        width::allot(&wishes, line.saturating_sub(GAP.len() * wishes.len().saturating_sub(1)))
    }

    /// Returns the rows as lines, under a header if asked for; empty when there are no rows.
    ///
    /// A cell that is too wide is cut, or wrapped where nothing is to be cut.
    pub(super) fn lines(&self, widths: &[usize], header: bool, style: Style) -> String {
        let mut text = String::new();
        if self.rows.is_empty() {
            return text;
        }
        if header {
            let names = self.headings.iter().zip(widths);
            let names = names.map(|(heading, &width)| vec![width::cut(&heading.name, width).into_owned().into()]);
            let bold = |_: &Heading, name: &Marked| color::bold(&name.styled(false), style.color);
            self.push_row(&mut text, widths, &names.collect::<Vec<_>>(), bold);
            let line = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
            text.extend(std::iter::repeat_n(RULE, line).chain(['\n']));
        }
        for row in &self.rows {
            let cells = row.iter().zip(widths);
            let cells =
                cells.map(|(cell, &width)| if style.full { cell.wrapped(width) } else { vec![cell.cut(width)] });
            let shown =
                |heading: &Heading, line: &Marked| color::dim(&line.styled(style.color), style.color && heading.dim);
            self.push_row(&mut text, widths, &cells.collect::<Vec<_>>(), shown);
        }
        text
    }

    /// Adds cells side by side, each of lines as wide as its column at most.
    fn push_row(
        &self,
        text: &mut String,
        widths: &[usize],
        cells: &[Vec<Marked>],
        shown: impl Fn(&Heading, &Marked) -> String,
    ) {
        for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for ((heading, cell), &width) in self.headings.iter().zip(cells).zip(widths) {
                let blank = " ".repeat(width.saturating_sub(cell.get(at).map_or(0, Marked::width)));
                let shown = cell.get(at).map(|part| shown(heading, part)).unwrap_or_default();
                line.extend(if heading.right { [blank, shown] } else { [shown, blank] });
                line.push_str(GAP);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(name: &str, share: usize, right: bool) -> Heading {
        Heading { name: name.into(), share, right, dim: right }
    }

    fn grid() -> Grid {
        Grid {
            headings: vec![heading("id", 2, false), heading("n", 0, true), heading("text", 3, false)],
            rows: vec![
                vec!["a".into(), "5".into(), "日本語 and more".into()],
                vec!["bcd".into(), "120".into(), "x".into()],
            ],
        }
    }

    fn laid_out(grid: &Grid, line: usize) -> String {
        grid.lines(&grid.widths(line, &[]), true, Style::default())
    }

    #[test]
    fn columns_line_up_under_a_rule() {
        let expected = "\
id     n  text
─────────────────────────
a      5  日本語 and more
bcd  120  x
";
        assert_eq!(laid_out(&grid(), 80), expected);
    }

    #[test]
    fn a_narrow_line_cuts_the_text() {
        let expected = "\
id     n  text
────────────────────
a      5  日本語 an…
bcd  120  x
";
        assert_eq!(laid_out(&grid(), 20), expected);
    }

    #[test]
    fn every_width_is_kept_and_none_panics() {
        for line in 0..40 {
            for text in laid_out(&grid(), line).lines() {
                assert!(width::width(text) <= line.max(1 + 2 + 3 + 2 + 1), "{line}: {text}");
            }
        }
    }

    #[test]
    fn color_is_bold_headers_and_dim_cells() {
        let grid = Grid { headings: vec![heading("n", 0, true)], rows: vec![vec!["5".into()]] };
        let style = Style { color: true, ..Style::default() };
        assert_eq!(grid.lines(&[1], true, style), "\u{1b}[1mn\u{1b}[0m\n─\n\u{1b}[2m5\u{1b}[0m\n");
    }

    #[test]
    fn columns_that_hold_nothing_are_dropped() {
        let mut grid = grid();
        for row in &mut grid.rows {
            row[1] = Marked::default();
        }
        grid.drop_empty_columns();
        assert_eq!(laid_out(&grid, 80).lines().next(), Some("id   text"));
    }
}
