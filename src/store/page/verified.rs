//! The file under redb, with every page verified when it is read.
//!
//! Reading a page tells the checksums of those it leads to, so whatever redb asks for next is known beforehand: redb
//! goes from the header down. A page whose parent was changed in memory by this process is not known, and passes.
//! Invariant: what is remembered of a page holds for every committed state in which the page can still be read.

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use redb::StorageBackend;

use super::format::{FileHeader, HEADER_BYTES, Link, Node, TreeShape};
use crate::store::backend::{Done, Locked, Offset};
use crate::store::table;

/// Pages begin at multiples of this.
const SMALLEST_PAGE: u64 = 4096;

/// The file, and what is known of its pages.
#[derive(Debug)]
pub(crate) struct Pages {
    file: Box<dyn StorageBackend>,
    known: Mutex<Known>,
    trusting: AtomicUsize,
}

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, which writes: a damaged page ends it, even one that a query can do without.
pub(crate) fn while_writing<T>(work: impl FnOnce() -> T) -> T {
    struct BeforeCheck(bool);
    impl Drop for BeforeCheck {
        fn drop(&mut self) {
            WRITING.set(self.0);
        }
    }
    let _before = BeforeCheck(WRITING.replace(true));
    work()
}

#[derive(Debug, Default)]
struct Known {
    header: Option<FileHeader>,
    shapes: Vec<Arc<TreeShape>>,
    expected: HashMap<Place, ExpectedPage, RandomState>,
}

/// Where a page begins, in pages of 4 KiB: enough for files of 16 TiB. A process that asks one question learns of tens of
/// thousands of pages, so what is kept of each is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place(u32);

impl Place {
    fn of(offset: u64) -> Option<Self> {
        let whole = offset.is_multiple_of(SMALLEST_PAGE).then_some(offset / SMALLEST_PAGE)?;
        u32::try_from(whole).ok().map(Self)
    }
}

#[derive(Debug, Clone, Copy)]
struct ExpectedPage {
    /// The lower half of its checksum: damage passes once in 2^64 times.
    checksum: [u32; 2],
    /// Which of the shapes it has.
    shape: u32,
}

#[expect(clippy::cast_possible_truncation, reason = "halves of a half")]
fn half(checksum: u128) -> [u32; 2] {
    [checksum as u32, (checksum >> 32) as u32]
}

impl Known {
    fn shape(&mut self, shape: TreeShape) -> usize {
        let known = self.shapes.iter().position(|known| **known == shape);
        known.unwrap_or_else(|| {
            self.shapes.push(Arc::new(shape));
            self.shapes.len() - 1
        })
    }

    fn expect(&mut self, link: &Link, shape: usize) {
        let place = self.header.and_then(|header| header.geometry.place(link));
        let place = place.and_then(|place| Place::of(place.start));
        if let (Some(place), Ok(shape)) = (place, u32::try_from(shape)) {
            self.expected.insert(place, ExpectedPage { checksum: half(link.checksum), shape });
        }
    }

    fn learn_header(&mut self, bytes: &[u8]) {
        let Some(header) = FileHeader::parse(bytes) else { return };
        self.header = Some(header);
        // The current state last: it wins where both lead to one page.
        for slot in [header.previous(), header.current()].into_iter().flatten() {
            for (link, is_system) in [(slot.tables, false), (slot.system, true)] {
                if let Some(link) = link {
                    let shape = self.shape(TreeShape::of_tables(is_system));
                    self.expect(&link, shape);
                }
            }
        }
    }

    /// Remembers what a sound page leads to.
    fn learn(&mut self, node: &Node, shape: usize, kind: &TreeShape) {
        match node {
            Node::Branch(branch) => branch.links().for_each(|link| self.expect(&link, shape)),
            Node::Leaf(leaf) if kind.holds_tables => {
                for (name, definition) in leaf.rows().flatten() {
                    if let Some((table, Some(root))) = kind.of_table(name, definition) {
                        let shape = self.shape(table);
                        self.expect(&root, shape);
                    }
                }
            }
            Node::Leaf(_) => {}
        }
    }
}

impl Pages {
    fn new(file: Box<dyn StorageBackend>) -> Self {
        Self { file, known: Mutex::default(), trusting: AtomicUsize::new(0) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the file, for reads that are not redb's.
    pub(crate) fn file(&self) -> &dyn StorageBackend {
        &*self.file
    }

    /// Returns the header as redb saw it last.
    pub(crate) fn header(&self) -> Option<FileHeader> {
        self.known().header
    }

    /// Runs `work` with pages handed out unverified, to find out what is wrong with them.
    pub(crate) fn trusting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.trusting.fetch_add(1, Ordering::Relaxed);
        let result = work();
        self.trusting.fetch_sub(1, Ordering::Relaxed);
        result
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Done<()> {
        self.file.read(offset, out)?;
        if offset == 0 {
            if out.len() >= HEADER_BYTES {
                self.known().learn_header(out);
            }
            return Ok(());
        }
        let Some((expected, shape)) = self.expected(offset) else { return Ok(()) };
        if let Some(node) = Node::parse(out, &shape).filter(|node| node.checksum().map(half) == Some(expected.checksum))
        {
            if matches!(node, Node::Branch(_)) || shape.holds_tables {
                self.known().learn(&node, expected.shape as usize, &shape);
            }
            return Ok(());
        }
        if self.trusting.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        // A reading thread goes on without derived data; after an I/O error redb would read nothing more.
        if !WRITING.get()
            && has_a_substitute(&shape)
            && let Some(kind) = out.first_mut()
        {
            // redb refuses such a page, and goes on with others.
            *kind = 0;
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidData, DamagedPage { table: shape.table.clone(), offset }))
    }

    fn expected(&self, offset: u64) -> Option<(ExpectedPage, Arc<TreeShape>)> {
        let known = self.known();
        let expected = *known.expected.get(&Place::of(offset)?)?;
        Some((expected, known.shapes.get(expected.shape as usize)?.clone()))
    }

    /// Forgets the pages of a part that was cut off.
    fn forget_beyond(&self, len: u64) {
        self.known().expected.retain(|place, _| u64::from(place.0) * SMALLEST_PAGE < len);
    }

    fn write(&self, offset: u64, data: &[u8]) -> Done<()> {
        if offset == 0 {
            self.known().learn_header(data);
        } else if let Some(place) = Place::of(offset) {
            self.known().expected.remove(&place);
        }
        self.file.write(offset, data)
    }
}

/// Tables that a query can do without.
fn has_a_substitute(shape: &TreeShape) -> bool {
    [table::TAIL, table::SEGMENTS, table::CENTRES, table::SKETCH, table::GRAPH, table::CLUSTERS]
        .iter()
        .any(|table| shape.table == redb::TableHandle::name(table))
        || table::DICTIONARIES.iter().any(|table| shape.table == redb::TableHandle::name(table))
}

/// What is wrong with a page, inside an I/O error.
#[derive(Debug)]
pub(crate) struct DamagedPage {
    table: String,
    offset: u64,
}

impl fmt::Display for DamagedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a page of the table {:?} does not match its checksum (at byte {})", self.table, self.offset)
    }
}

impl StdError for DamagedPage {}

/// [`Pages`] as redb takes them.
#[derive(Debug)]
pub(crate) struct VerifiedBackend(Arc<Pages>);

impl VerifiedBackend {
    pub(crate) fn new(file: Box<dyn StorageBackend>) -> Self {
        Self(Arc::new(Pages::new(file)))
    }

    pub(crate) fn pages(&self) -> Arc<Pages> {
        Arc::clone(&self.0)
    }
}

impl StorageBackend for VerifiedBackend {
    fn len(&self) -> Done<u64> {
        self.0.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Done<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Done<()> {
        self.0.forget_beyond(len);
        self.0.file.set_len(len)
    }

    fn sync_data(&self) -> Done<()> {
        self.0.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Done<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> Done<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.0.file.query_lock_range(start, end)
    }
}
