//! redb's pages, parsed from their bytes: header, branches, leaves, and the table of tables (file format 3).
//!
//! redb verifies no page's checksum when it reads it, and does not expose the checksums; so what is needed
//! to verify them is read here. Nothing is ever written. Invariant: any bytes give a value or `None`, never a panic.

use std::ops::Range;

use twox_hash::XxHash3_128;

/// The bytes of the header, at the front of the file.
pub(crate) const HEADER_BYTES: usize = 320;

const SLOT_BYTES: usize = 128;
const SLOTS_AT: usize = 64;
const SLOT_CHECKSUM_AT: usize = 112;
const FORMAT: u8 = 3;
/// Which slot is the current one.
const PRIMARY: u8 = 1;
/// The current slot may not be on the disk: the other one counts.
const UNFLUSHED: u8 = 8;

/// A page has at most 2 to the power of this many smallest pages.
const LARGEST_ORDER: u64 = 20;
const LOW_20: u64 = 0x000f_ffff;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
const NORMAL_TABLE: u8 = 3;

/// redb's own hash of its pages.
pub(crate) fn checksum(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

fn u128_at(bytes: &[u8], at: usize) -> Option<u128> {
    bytes.get(at..)?.first_chunk().map(|b| u128::from_le_bytes(*b))
}

/// A page that another one, or the header, leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Region, index and size, as redb packs them.
    page: u64,
    pub(crate) checksum: u128,
}

impl Link {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self { page: u64_at(bytes, at)?, checksum: u128_at(bytes, at + 8)? })
    }
}

/// How pages are laid out; fixed when a file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    page_bytes: u32,
    region_header_pages: u32,
    region_data_pages: u32,
}

impl Geometry {
    /// That of every file made by this version of redb on its own.
    pub(crate) const USUAL: Self = Self { page_bytes: 4096, region_header_pages: 0, region_data_pages: 1 << 20 };

    /// Returns where a page lies.
    pub(crate) fn place(self, link: &Link) -> Option<Range<u64>> {
        let order = link.page >> 59;
        if order > LARGEST_ORDER {
            return None;
        }
        let index = link.page & (LOW_20 >> order);
        let region = link.page >> 20 & LOW_20;
        let header_pages = u64::from(self.region_header_pages);
        let region_pages = header_pages + u64::from(self.region_data_pages);
        let pages_before = (region * region_pages).checked_add(1 + header_pages + (index << order))?;
        let start = pages_before.checked_mul(u64::from(self.page_bytes))?;
        Some(start..start.checked_add(u64::from(self.page_bytes) << order)?)
    }
}

/// One committed state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Leads to the tables of the program.
    pub(crate) tables: Option<Link>,
    /// Leads to redb's own.
    pub(crate) system: Option<Link>,
}

impl Slot {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if *bytes.first()? != FORMAT || u128_at(bytes, SLOT_CHECKSUM_AT)? != checksum(bytes.get(..SLOT_CHECKSUM_AT)?) {
            return None;
        }
        let link = |present: usize, at| {
            if *bytes.get(present)? == 0 { Some(None) } else { Link::read(bytes, at).map(Some) }
        };
        Some(Self { tables: link(1, 8)?, system: link(2, 40)? })
    }
}

/// The front of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileHeader {
    pub(crate) geometry: Geometry,
    /// Both states it knows; `None` for one whose checksum is wrong.
    pub(crate) slots: [Option<Slot>; 2],
    current: usize,
}

impl FileHeader {
    /// Reads the header, without checking that it is redb's at all.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.get(9)?;
        let geometry = Geometry {
            page_bytes: u32_at(bytes, 12)?,
            region_header_pages: u32_at(bytes, 16)?,
            region_data_pages: u32_at(bytes, 20)?,
        };
        let slot = |n: usize| Slot::parse(bytes.get(SLOTS_AT + n * SLOT_BYTES..)?.get(..SLOT_BYTES)?);
        let current = usize::from((flags & PRIMARY != 0) != (flags & UNFLUSHED != 0));
        Some(Self { geometry, slots: [slot(0), slot(1)], current })
    }

    /// Returns the state that readers see.
    pub(crate) fn current(&self) -> Option<Slot> {
        self.slots.get(self.current).copied().flatten()
    }

    /// Returns the state before it, whose pages may be in use for something else.
    pub(crate) fn previous(&self) -> Option<Slot> {
        self.slots.get(1 - self.current).copied().flatten()
    }
}

/// What the pages of one tree hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeShape {
    /// The name of the table.
    pub(crate) table: String,
    /// Whether its rows are tables themselves.
    pub(crate) holds_tables: bool,
    /// Whether it is one of redb's own.
    pub(crate) is_system: bool,
    key_bytes: Option<usize>,
    value_bytes: Option<usize>,
}

impl TreeShape {
    /// The tree that leads to all others.
    pub(crate) fn of_tables(is_system: bool) -> Self {
        let table = if is_system { "list of redb's own tables" } else { "list of tables" };
        Self { table: table.into(), holds_tables: true, is_system, key_bytes: None, value_bytes: None }
    }

    /// Reads a row of that tree: the table's shape, and its root where it has rows.
    pub(crate) fn of_table(&self, name: &[u8], definition: &[u8]) -> Option<(Self, Option<Link>)> {
        if *definition.first()? != NORMAL_TABLE {
            return None;
        }
        let root = if *definition.get(9)? == 0 { None } else { Some(Link::read(definition, 10)?) };
        let width = |at: usize| {
            let bytes = usize::try_from(u32_at(definition, at + 1)?).ok()?;
            Some(Some(bytes).filter(|_| definition.get(at).is_some_and(|present| *present != 0)))
        };
        let table = String::from_utf8_lossy(name).into_owned();
        let is_system = self.is_system;
        Some((Self { table, holds_tables: false, is_system, key_bytes: width(42)?, value_bytes: width(47)? }, root))
    }
}

/// A page of a tree.
pub(crate) enum Node<'a> {
    Leaf(Leaf<'a>),
    Branch(Branch<'a>),
}

impl<'a> Node<'a> {
    pub(crate) fn parse(bytes: &'a [u8], shape: &TreeShape) -> Option<Self> {
        let count = usize::from(u16::from_le_bytes(*bytes.get(2..)?.first_chunk()?));
        let (key_bytes, value_bytes) = (shape.key_bytes, shape.value_bytes);
        match *bytes.first()? {
            LEAF => Some(Self::Leaf(Leaf { bytes, pairs: count, key_bytes, value_bytes })),
            BRANCH => Some(Self::Branch(Branch { bytes, keys: count, key_bytes })),
            _ => None,
        }
    }

    /// Returns the bytes that its checksum is of.
    pub(crate) fn used(&self) -> Option<&'a [u8]> {
        match self {
            Self::Leaf(leaf) => leaf.bytes.get(..leaf.end()?),
            Self::Branch(branch) => branch.bytes.get(..branch.end()?),
        }
    }

    /// Returns the checksum of what is there; `None` where its parts do not add up.
    pub(crate) fn checksum(&self) -> Option<u128> {
        self.used().map(checksum)
    }

    /// Returns whether the page matches its checksum.
    pub(crate) fn matches(&self, expected: u128) -> bool {
        self.checksum() == Some(expected)
    }
}

/// A page of rows.
pub(crate) struct Leaf<'a> {
    bytes: &'a [u8],
    pairs: usize,
    key_bytes: Option<usize>,
    value_bytes: Option<usize>,
}

impl<'a> Leaf<'a> {
    /// Keys begin after the ends of keys and of values, of those that differ in length.
    fn keys_at(&self) -> usize {
        let lists = usize::from(self.key_bytes.is_none()) + usize::from(self.value_bytes.is_none());
        4 + 4 * self.pairs * lists
    }

    fn key_end(&self, n: usize) -> Option<usize> {
        match self.key_bytes {
            Some(width) => self.keys_at().checked_add(width.checked_mul(n + 1)?),
            None => usize::try_from(u32_at(self.bytes, 4 + 4 * n)?).ok(),
        }
    }

    fn values_at(&self) -> Option<usize> {
        self.key_end(self.pairs.checked_sub(1)?)
    }

    fn value_end(&self, n: usize) -> Option<usize> {
        if let Some(width) = self.value_bytes {
            return self.values_at()?.checked_add(width.checked_mul(n + 1)?);
        }
        let list = 4 + if self.key_bytes.is_none() { 4 * self.pairs } else { 0 };
        usize::try_from(u32_at(self.bytes, list + 4 * n)?).ok()
    }

    fn end(&self) -> Option<usize> {
        self.value_end(self.pairs.checked_sub(1)?)
    }

    /// Returns the rows; `None` stands for one whose place is out of the page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Option<(&'a [u8], &'a [u8])>> + '_ {
        (0..self.pairs).map(|n| {
            let (keys, values) = match n.checked_sub(1) {
                None => (self.keys_at(), self.values_at()?),
                Some(before) => (self.key_end(before)?, self.value_end(before)?),
            };
            Some((self.bytes.get(keys..self.key_end(n)?)?, self.bytes.get(values..self.value_end(n)?)?))
        })
    }
}

/// A page that leads to others.
pub(crate) struct Branch<'a> {
    bytes: &'a [u8],
    keys: usize,
    key_bytes: Option<usize>,
}

impl Branch<'_> {
    fn end(&self) -> Option<usize> {
        let last = self.keys.checked_sub(1)?;
        let links_end = 8 + 24 * (self.keys + 1);
        match self.key_bytes {
            Some(width) => links_end.checked_add(width.checked_mul(self.keys)?),
            None => usize::try_from(u32_at(self.bytes, links_end + 4 * last)?).ok(),
        }
    }

    /// Returns what it leads to, in order: all checksums stand before all page numbers.
    pub(crate) fn links(&self) -> impl Iterator<Item = Link> + '_ {
        let children = self.keys + 1;
        (0..children).map_while(move |n| {
            let checksum = u128_at(self.bytes, 8 + 16 * n)?;
            Some(Link { page: u64_at(self.bytes, 8 + 16 * children + 8 * n)?, checksum })
        })
    }
}
