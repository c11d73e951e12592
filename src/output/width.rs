//! Widths on a terminal: measuring, cutting, and dividing a line among columns.
//!
//! A width counts terminal cells (2 for most CJK and emoji, 0 for combining marks), never bytes or
//! characters. Invariant: what [`cut`] returns is at most as wide as it was told, and never breaks a character
//! that is made of several code points.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for what was cut off.
pub(super) const ELLIPSIS: char = '…';

/// Returns how many terminal cells a sanitised text takes.
#[must_use]
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a sanitised text to `limit` cells, at least 1, ending with an ellipsis when something was cut off.
#[must_use]
pub(crate) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if text.width() <= limit {
        return Cow::Borrowed(text);
    }
    let room = limit.saturating_sub(1);
    let mut used = 0;
    let mut end = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > room {
            break;
        }
        end = at + cluster.len();
    }
    let kept = text.get(..end).unwrap_or_default().trim_end();
    Cow::Owned(format!("{kept}{ELLIPSIS}"))
}

/// Cuts a sanitised text to `limit` cells, at least 1, away from its head: the end of a path says which file it is.
#[must_use]
pub(super) fn cut_head(text: &str, limit: usize) -> Cow<'_, str> {
    if text.width() <= limit {
        return Cow::Borrowed(text);
    }
    let kept = tail(text, limit.saturating_sub(1));
    // Not in the middle of a name, where a whole one takes more than half of the room.
    let whole = kept.find('/').filter(|at| *at <= kept.len() / 2).and_then(|at| kept.get(at..));
    Cow::Owned(format!("{ELLIPSIS}{}", whole.unwrap_or(kept)))
}

/// Cuts a sanitised text to `limit` cells, at least 1, in its middle: ids are alike at one end or the other.
#[must_use]
pub(super) fn cut_middle(text: &str, limit: usize) -> Cow<'_, str> {
    if text.width() <= limit {
        return Cow::Borrowed(text);
    }
    let room = limit.saturating_sub(1);
    let head = cut(text, room / 2 + 1);
    let end = tail(text, room - room / 2);
    Cow::Owned(format!("{}{ELLIPSIS}{end}", head.trim_end_matches(ELLIPSIS)))
}

/// Returns the end of a text, of at most so many cells.
fn tail(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += cluster.width();
        if used > room {
            break;
        }
        start = at;
    }
    text.get(start..).unwrap_or_default()
}

/// What a column asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// The width of its widest cell.
    pub(super) natural: usize,
    /// Its part of the line when not everything fits; 0 for a column that is never narrowed.
    pub(super) share: usize,
}

/// Divides `room` cells among columns: a column that fits its share gets its natural width, and what it
/// leaves is divided among the others; every column gets at least 1.
pub(super) fn allot(wishes: &[Wish], room: usize) -> Vec<usize> {
    let mut widths: Vec<Option<usize>> =
        wishes.iter().map(|wish| (wish.share == 0).then_some(wish.natural.max(1))).collect();
    loop {
        let left = room.saturating_sub(widths.iter().flatten().sum());
        let open = |(wish, width): &(&Wish, &mut Option<usize>)| width.is_none() && wish.share > 0;
        let shares: usize = wishes.iter().zip(&mut widths).filter(open).map(|(wish, _)| wish.share).sum();
        let mut settled = false;
        for (wish, width) in wishes.iter().zip(&mut widths).filter(open) {
            if wish.natural.saturating_mul(shares) <= left.saturating_mul(wish.share) {
                *width = Some(wish.natural.max(1));
                settled = true;
            }
        }
        if !settled {
            let narrow = |wish: &Wish| (left * wish.share / shares.max(1)).max(1);
            let mut widths: Vec<usize> = wishes.iter().zip(&widths).map(|(w, &set)| set.unwrap_or(narrow(w))).collect();
            give_rest(wishes, &mut widths, room);
            return widths;
        }
    }
}

/// Gives the cells that division left over to the column of the largest share that can use them.
fn give_rest(wishes: &[Wish], widths: &mut [usize], room: usize) {
    let rest = room.saturating_sub(widths.iter().sum());
    let wanting = wishes.iter().zip(widths).filter(|(wish, width)| **width < wish.natural);
    if let Some((wish, width)) = wanting.max_by_key(|(wish, _)| wish.share) {
        *width = wish.natural.min(*width + rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn short_text_is_not_touched() {
        assert_eq!(cut("fox", 3), "fox");
        assert!(matches!(cut("日本", 4), Cow::Borrowed(_)));
        assert_eq!(cut("", 1), "");
    }

    #[test]
    fn the_ellipsis_is_inside_the_limit() {
        assert_eq!(cut("the quick fox", 10), "the quick…");
        assert_eq!(cut("the quick fox", 11), "the quick…");
        assert_eq!(cut("the quick fox", 12), "the quick f…");
        assert_eq!(cut("fox", 1), "…");
    }

    #[test]
    fn wide_characters_are_not_split() {
        assert_eq!(cut("日本語の文", 6), "日本…");
        assert_eq!(cut("日本語の文", 5), "日本…");
        assert_eq!(cut("日本語の文", 2), "…");
        assert_eq!(cut("🦊🦊🦊", 5), "🦊🦊…");
    }

    #[test]
    fn clusters_are_not_split() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("🇩🇪🇫🇷🇯🇵", 5), "🇩🇪🇫🇷…");
        assert_eq!(cut("👍🏽👍🏽", 3), "👍🏽…");
    }

    #[test]
    fn no_text_is_cut_wider_than_told() {
        let pieces =
            ["a", " ", "日", "e\u{301}", "🦊", "❤\u{fe0f}", "🇩🇪", "👍🏽", "ל", "لا", "क्षि", "각", "\u{3164}", "ﷺ", "1️⃣"];
        let mut random = Random::new();
        for round in 0..20_000 {
            let mut text = String::new();
            for _ in 0..round % 17 {
                text.push_str(random.pick::<&str>(&pieces));
            }
            let limit = 1 + round % 13;
            for shown in [cut(&text, limit), cut_head(&text, limit), cut_middle(&text, limit)] {
                assert!(shown.width() <= limit, "{text:?} at {limit}: {shown:?} is {} wide", shown.width());
            }
        }
    }

    #[test]
    fn paths_keep_their_end_and_ids_both_ends() {
        assert_eq!(cut_head("/usr/share/doc/apt/README.md", 20), "…/doc/apt/README.md");
        assert_eq!(cut_head("/usr/share/a-very-long-name.md", 12), "…ong-name.md");
        assert_eq!(cut_head("a/b", 3), "a/b");
        assert_eq!(cut_middle("openssh-client/README.Debian#12", 15), "openssh…bian#12");
        assert_eq!(cut_middle("日本語日本語", 6), "日…語");
        assert_eq!((cut_head("abc", 1), cut_middle("abc", 1)), ("…".into(), "…".into()));
    }

    fn wishes(of: &[(usize, usize)]) -> Vec<Wish> {
        of.iter().map(|&(natural, share)| Wish { natural, share }).collect()
    }

    #[test]
    fn a_line_that_fits_is_not_narrowed() {
        assert_eq!(allot(&wishes(&[(4, 2), (8, 0), (30, 3)]), 42), [4, 8, 30]);
    }

    #[test]
    fn the_rest_goes_to_those_that_want_more() {
        assert_eq!(allot(&wishes(&[(4, 2), (8, 0), (400, 3)]), 80), [4, 8, 68]);
        assert_eq!(allot(&wishes(&[(20, 2), (8, 0), (400, 3), (60, 2)]), 94), [20, 8, 40, 26]);
    }

    #[test]
    fn too_narrow_a_line_leaves_one_cell_each() {
        assert_eq!(allot(&wishes(&[(20, 2), (8, 0), (400, 3)]), 3), [1, 8, 1]);
        assert_eq!(allot(&wishes(&[(usize::MAX, 1), (usize::MAX, 1)]), 9), [4, 5]);
        assert_eq!(allot(&[], 9), [0_usize; 0]);
    }
}
