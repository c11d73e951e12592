//! A walk over the pages of a file, without redb, so that no damage stops it.
//!
//! Where a page is damaged, what it leads to may still be sound: a page that matches the checksum in a damaged one
//! proves both right. Invariant: every page is visited once, whatever its bytes.

use std::collections::HashSet;

use redb::StorageBackend;

use super::format::{FileHeader, Geometry, Leaf, Link, Node, Slot, TreeShape};
use crate::error::Result;

/// No tree of redb is deeper.
const DEEPEST: usize = 128;
/// Pages up to this size are searched for one flipped bit, which takes a fifth of a second ...
const HEALED_BYTES: usize = 32 * 1024;
/// ... and no more of them than this.
const HEALED_PAGES: usize = 100;

/// How a page was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageState {
    /// It matches its checksum.
    Sound,
    /// One bit of it was flipped; its bytes have been restored.
    Healed,
    /// It does not match its checksum.
    Damaged,
    /// The file ends before it, or cannot be read there.
    Unreadable,
}

/// A page on the walk.
pub(crate) struct WalkedPage<'a> {
    /// What it holds.
    pub(crate) shape: &'a TreeShape,
    /// Leads to it.
    pub(crate) link: Link,
    /// Where it lies in the file.
    pub(crate) offset: u64,
    pub(crate) state: PageState,
    leaf: Option<Leaf<'a>>,
}

impl<'a> WalkedPage<'a> {
    /// Returns the rows on it; of a damaged page, those that can be made out.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + '_ {
        self.leaf.iter().flat_map(|leaf| leaf.rows().flatten())
    }
}

/// A file to walk through, in one state of it.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'f> {
    file: &'f dyn StorageBackend,
    geometry: Geometry,
    slot: Slot,
}

impl<'f> Tree<'f> {
    /// Begins where a header leads; `None` when both its states are damaged.
    ///
    /// It is trusted where it leads to a sound page, else the previous state and the usual geometry are tried.
    pub(crate) fn new(file: &'f dyn StorageBackend, header: &FileHeader) -> Option<Self> {
        let slots = [header.current(), header.previous()].into_iter().flatten();
        let trees = slots.flat_map(|slot| [header.geometry, Geometry::USUAL].map(|geometry| (geometry, slot)));
        let mut trees = trees.map(|(geometry, slot)| Self { file, geometry, slot });
        let first = trees.next()?;
        Some(std::iter::once(first).chain(trees).find(Self::begins_well).unwrap_or(first))
    }

    fn begins_well(&self) -> bool {
        self.slot.tables.is_none_or(|root| {
            let bytes = read(self.file, self.geometry, &root);
            let node = bytes.as_deref().and_then(|bytes| Node::parse(bytes, &TreeShape::of_tables(false)));
            node.is_some_and(|node| node.matches(root.checksum))
        })
    }

    /// Visits every page of the wanted tables, and those that lead to tables.
    ///
    /// `heal` says whether a damaged page is searched for the one bit that was flipped.
    ///
    /// # Errors
    /// What `visit` answers.
    pub(crate) fn walk(
        &self,
        heal: bool,
        wanted: &dyn Fn(&TreeShape) -> bool,
        visit: &mut dyn FnMut(&WalkedPage) -> Result<()>,
    ) -> Result<()> {
        let heals_left = if heal { HEALED_PAGES } else { 0 };
        let mut walk =
            PageWalk { file: self.file, geometry: self.geometry, heals_left, seen: HashSet::new(), wanted, visit };
        for (root, is_system) in [(self.slot.tables, false), (self.slot.system, true)] {
            if let Some(root) = root {
                walk.page(&root, &TreeShape::of_tables(is_system), true, DEEPEST)?;
            }
        }
        Ok(())
    }

    /// Reads a value from a page that a walk visited, if the page is sound.
    pub(crate) fn value(&self, link: &Link, shape: &TreeShape, key: &[u8]) -> Option<Vec<u8>> {
        let bytes = read(self.file, self.geometry, link)?;
        match Node::parse(&bytes, shape).filter(|node| node.matches(link.checksum))? {
            Node::Leaf(leaf) => leaf.rows().flatten().find(|(k, _)| *k == key).map(|(_, value)| value.to_vec()),
            Node::Branch(_) => None,
        }
    }
}

fn read(file: &dyn StorageBackend, geometry: Geometry, link: &Link) -> Option<Vec<u8>> {
    let place = geometry.place(link)?;
    if place.end > file.len().ok()? {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(place.end - place.start).ok()?];
    file.read(place.start, &mut bytes).ok()?;
    Some(bytes)
}

/// Flips the one bit that makes the page match its checksum, if there is one.
fn heal_one_bit(bytes: &mut [u8], shape: &TreeShape, expected: u128) -> bool {
    for at in 0..bytes.len() {
        for mask in (0..8).map(|bit| 1 << bit) {
            flip(bytes, at, mask);
            if Node::parse(bytes, shape).is_some_and(|node| node.matches(expected)) {
                return true;
            }
            flip(bytes, at, mask);
        }
    }
    false
}

fn flip(bytes: &mut [u8], at: usize, mask: u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= mask;
    }
}

struct PageWalk<'w> {
    file: &'w dyn StorageBackend,
    geometry: Geometry,
    heals_left: usize,
    seen: HashSet<u64>,
    wanted: &'w dyn Fn(&TreeShape) -> bool,
    visit: &'w mut dyn FnMut(&WalkedPage) -> Result<()>,
}

impl PageWalk<'_> {
    /// Visits a page and what it leads to; `is_certain` says whether the page that led here is sound.
    fn page(&mut self, link: &Link, shape: &TreeShape, is_certain: bool, depth: usize) -> Result<()> {
        let Some(place) = self.geometry.place(link).filter(|_| depth > 0) else { return Ok(()) };
        if !self.seen.insert(place.start) {
            return Ok(());
        }
        let (state, bytes) = self.fetch(link, shape, is_certain);
        if !is_certain && matches!(state, PageState::Damaged | PageState::Unreadable) {
            // Perhaps nothing ever led to it.
            self.seen.remove(&place.start);
            return Ok(());
        }
        let node = bytes.as_deref().and_then(|bytes| Node::parse(bytes, shape));
        let mut page = WalkedPage { shape, link: *link, offset: place.start, state, leaf: None };
        match node {
            Some(Node::Branch(branch)) => {
                (self.visit)(&page)?;
                let is_certain = state != PageState::Damaged;
                branch.links().try_for_each(|link| self.page(&link, shape, is_certain, depth - 1))
            }
            Some(Node::Leaf(leaf)) => {
                page.leaf = Some(leaf);
                (self.visit)(&page)?;
                if shape.holds_tables { self.tables(&page, depth) } else { Ok(()) }
            }
            None => (self.visit)(&page),
        }
    }

    fn tables(&mut self, page: &WalkedPage, depth: usize) -> Result<()> {
        let is_certain = page.state != PageState::Damaged;
        for (name, definition) in page.rows() {
            if let Some((table, Some(root))) = page.shape.of_table(name, definition)
                && (self.wanted)(&table)
            {
                self.page(&root, &table, is_certain, depth - 1)?;
            }
        }
        Ok(())
    }

    fn fetch(&mut self, link: &Link, shape: &TreeShape, is_certain: bool) -> (PageState, Option<Vec<u8>>) {
        let Some(mut bytes) = read(self.file, self.geometry, link) else { return (PageState::Unreadable, None) };
        if Node::parse(&bytes, shape).is_some_and(|node| node.matches(link.checksum)) {
            return (PageState::Sound, Some(bytes));
        }
        let worth_it = is_certain && self.heals_left > 0 && bytes.len() <= HEALED_BYTES;
        self.heals_left -= usize::from(worth_it);
        let healed = worth_it && heal_one_bit(&mut bytes, shape, link.checksum);
        (if healed { PageState::Healed } else { PageState::Damaged }, Some(bytes))
    }
}
