//! A guide in Markdown as a manual page.
//!
//! It reads what the guides in `man/` use: headings, paragraphs, lists, tables, blocks of lines, `code`, **bold** and links.
//! Invariant: no sign of Markdown is left on the page.

use super::roff::{Roff, bold, inline};

/// Returns the source of the page of a guide, whose first line is its title.
pub(super) fn page(name: &str, markdown: &str) -> Vec<u8> {
    let (title, body) = markdown.split_once('\n').unwrap_or((markdown, ""));
    let title = title.trim_start_matches("# ");
    let mut page = Roff::page(name, 7);
    page.section("Name");
    page.text(&format!("{name} - {}", lower(title)));
    page.section("Description");
    for block in blocks(body) {
        block.write(&mut page);
    }
    page.section("See also");
    page.source(&format!("{}(1)", bold("huedb")));
    page.finish()
}

/// A part of a guide between two empty lines.
enum Block<'m> {
    Heading(usize, &'m str),
    Lines(Vec<&'m str>),
    List(Vec<String>),
    Table(Vec<Vec<String>>),
    Paragraph(String),
}

impl Block<'_> {
    fn write(self, page: &mut Roff) {
        match self {
            Self::Heading(2, title) => page.section(title),
            Self::Heading(_, title) => page.group(title),
            Self::Lines(lines) => page.indented_block(&lines),
            Self::List(items) => items.iter().for_each(|item| page.item("\\(bu", &text(item))),
            Self::Table(rows) => table(page, &rows),
            Self::Paragraph(words) => page.paragraph(&text(&words)),
        }
    }
}

/// Each row is an item: what stands in its first column, and of the others what they are called and say.
fn table(page: &mut Roff, rows: &[Vec<String>]) {
    let Some((heads, rows)) = rows.split_first() else { return };
    for row in rows {
        let Some((first, others)) = row.split_first() else { continue };
        let named = others.iter().zip(heads.iter().skip(1)).filter(|(cell, _)| !cell.is_empty());
        let said = named
            .map(|(cell, head)| if head.is_empty() { text(cell) } else { format!("{}: {}", text(head), text(cell)) });
        page.item(&inline(&text(first)), &said.collect::<Vec<_>>().join("; "));
    }
}

fn blocks(body: &str) -> Vec<Block<'_>> {
    let (mut found, mut lines) = (Vec::new(), body.lines().peekable());
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            found.push(Block::Lines(lines.by_ref().take_while(|line| !line.starts_with("```")).collect()));
        } else if let Some(title) = line.strip_prefix("## ") {
            found.push(Block::Heading(2, title));
        } else if let Some(title) = line.strip_prefix("### ") {
            found.push(Block::Heading(3, title));
        } else if line.starts_with("- ") {
            let mut items = vec![line.trim_start_matches("- ").to_owned()];
            while let Some(more) = lines.next_if(|line| line.starts_with("- ") || line.starts_with("  ")) {
                match (more.strip_prefix("- "), items.last_mut()) {
                    (None, Some(last)) => *last = format!("{last}\n{}", more.trim_start()),
                    (item, _) => items.push(item.unwrap_or(more).to_owned()),
                }
            }
            found.push(Block::List(items));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            rows.retain(|row| !row.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| ":-|".contains(c))));
            found.push(Block::Table(rows));
        } else if !line.trim().is_empty() {
            let mut words = line.to_owned();
            while let Some(more) = lines.next_if(|line| !line.trim().is_empty() && !line.starts_with("```")) {
                words = format!("{words}\n{more}");
            }
            found.push(Block::Paragraph(words));
        }
    }
    found
}

fn cells(row: &str) -> Vec<String> {
    row.trim().trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim().to_owned()).collect()
}

/// Writes bold words as code, and a link as its words, with the address where that is not in this repository.
fn text(markdown: &str) -> String {
    let mut written = String::new();
    for (at, part) in markdown.split('`').enumerate() {
        if at % 2 == 1 {
            written.extend(["`", part, "`"]);
            continue;
        }
        let mut rest = part;
        while let Some((before, words, address, after)) = link(rest) {
            written += &bold_words(before);
            written += words;
            if address.contains("://") {
                written.extend([" <", address, ">"]);
            }
            rest = after;
        }
        written += &bold_words(rest);
    }
    written
}

fn bold_words(plain: &str) -> String {
    plain.replace("**", "`")
}

/// Finds the first link: what is before it, its words, its address, and what comes after it.
fn link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (words, rest) = text.split_once("](")?;
    let (before, words) = words.rsplit_once('[')?;
    let (address, after) = rest.split_once(')')?;
    Some((before, words, address, after))
}

fn lower(title: &str) -> String {
    let mut characters = title.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "# Data in and out\n\nSome `code --flag` and **bold** words, see [the page](https://a.example/x) and\n[that](other.md).\n
## A part\n\n- one\n  goes on\n- two `b`\n\n| format | in | out |\n|---|---:|---|\n| csv (with `;`) | yes |  |\n
### Smaller\n\n```console\n$ huedb list\n.dot\n```\nAfter.\n";

    #[test]
    fn a_guide_becomes_a_page() {
        let page = String::from_utf8(page("huedb-data", GUIDE)).unwrap();
        for part in [
            ".SH NAME\nhuedb\\-data \\- data in and out\n",
            "Some \\fBcode \\-\\-flag\\fR and \\fBbold\\fR words, see the page <https://a.example/x> and\nthat.\n",
            ".SH A PART\n.TP\n\\(bu\none\ngoes on\n.TP\n\\(bu\ntwo \\fBb\\fR\n",
            ".TP\ncsv (with \\fB;\\fR)\nin: yes\n",
            ".SS Smaller\n.PP\n.RS 4\n.nf\n$ huedb list\n\\&.dot\n.fi\n.RE\n.PP\nAfter.\n",
        ] {
            assert!(page.contains(part), "{part}\n---\n{page}");
        }
    }
}
