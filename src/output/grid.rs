//! Rows and columns of text laid out for a terminal: a header, a rule, no vertical bars.
//!
//! Knows nothing of records; cells come sanitised. Invariant: no line is wider than the widths allotted, so
//! nothing wraps by itself unless the terminal is too narrow for one cell a column.

use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, LineStyle, Row, Table, TableStyle, Width};

use super::highlighted_text::{Marked, escapes};
use super::sink::Style;
use super::width::{self, Wish};

/// Two spaces between columns and a thin rule under the header.
const QUIET: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));
const GAP: usize = 2;

/// One column of a grid.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// What stands above it.
    pub(super) name: String,
    /// Its part of the line when not everything fits; 0 for a column that is never narrowed.
    pub(super) share: usize,
    /// Whether its cells are aligned to the right.
    pub(super) right: bool,
    /// Where its cells are cut.
    pub(super) cut: Cut,
    /// Whether its cells are printed dim, where colour is on.
    pub(super) dim: bool,
}

/// Where a cell that is too wide is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Cut {
    /// At its end, or around what is marked.
    #[default]
    End,
    /// In its middle, as ids are.
    Middle,
    /// At its head, as paths are.
    Head,
}

impl Cut {
    fn cell(self, text: &Marked, width: usize) -> Marked {
        match self {
            Self::End => text.cut(width),
            Self::Middle => width::cut_middle(text.text(), width).as_ref().into(),
            Self::Head => width::cut_head(text.text(), width).as_ref().into(),
        }
    }
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
        width::allot(&wishes, line.saturating_sub(GAP * wishes.len().saturating_sub(1)))
    }

    /// Returns the rows as lines, under a header if asked for; empty when there are no rows.
    ///
    /// A cell that is too wide is cut, or wrapped where nothing is to be cut.
    pub(super) fn lines(&self, widths: &[usize], header: bool, style: Style) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table.load_style(QUIET).force_no_tty();
        table.style_text_only();
        if style.color {
            table.enforce_styling();
        }
        if header {
            let names = self.headings.iter().zip(widths).map(|(heading, &width)| {
                aligned(heading, width::cut(&heading.name, width).into_owned()).add_attribute(Attribute::Bold)
            });
            table.set_header(Row::from(names.collect::<Vec<_>>()));
        }
        for row in &self.rows {
            let cells = self.headings.iter().zip(row).zip(widths).map(|((heading, text), &width)| {
                let lines = if style.full { text.wrapped(width) } else { vec![heading.cut.cell(text, width)] };
                let shown = |line: &Marked| if style.color { line.with_signs() } else { line.styled(false) };
                let cell = aligned(heading, lines.iter().map(shown).collect::<Vec<_>>().join("\n"));
                if heading.dim { cell.add_attribute(Attribute::Dim) } else { cell }
            });
            table.add_row(Row::from(cells.collect::<Vec<_>>()));
        }
        let last = widths.len().saturating_sub(1);
        for (at, (column, &width)) in table.column_iter_mut().zip(widths).enumerate() {
            let gap = if at == last { 0 } else { GAP };
            column.set_padding((0, u16::try_from(gap).unwrap_or(u16::MAX)));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
                u16::try_from(width + gap).unwrap_or(u16::MAX),
            )));
        }
        table.lines().fold(String::new(), |mut text, line| {
            text.push_str(&escapes(line.trim_end()));
            text.push('\n');
            text
        })
    }
}

fn aligned(heading: &Heading, text: String) -> Cell {
    let alignment = if heading.right { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new_owned(text).set_alignment(alignment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(name: &str, share: usize, right: bool) -> Heading {
        Heading { name: name.into(), share, right, cut: Cut::End, dim: right }
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
