//! The bytes of a serialised `USearch` index, and the proof that no offset in them leads out of bounds.
//!
//! `USearch` trusts what it loads: one wrong neighbour number makes a search read wherever it points. A checksum finds
//! damage but not malice, so every number that is used as an offset is checked here once, in safe code. Nothing is
//! said about how good the graph is. Invariant: what passes [`check`] has exactly the size its counts add up to.
//!
//! The layout (`USearch` 2.26, all little-endian): `u32` vectors, `u32` bytes of a vector, the vectors; a 64-byte head;
//! `u64` nodes, neighbours, neighbours in the base level, highest level, entry node; an `i16` level for each node;
//! the nodes: `u64` key, `i16` level, then for each level from the base up a `u32` count and room for its neighbours.

use super::native::{FREE_KEY, IndexShape};

/// Bytes of the head, which holds the version, the kinds of scalars and some counts.
const HEAD_BYTES: usize = 64;

/// How many vectors a checked index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) live: usize,
    pub(super) removed: usize,
}

/// Checks a serialised index against the shape it must have.
///
/// # Errors
/// What is wrong, in a few words.
pub(super) fn check(bytes: &[u8], shape: &IndexShape) -> Result<Counted, &'static str> {
    let mut bytes = Bytes(bytes);
    let vectors = bytes.u32()? as usize;
    if bytes.u32()? as usize != shape.row_bytes() {
        return Err("its vectors have another dimension");
    }
    bytes.skip(vectors.checked_mul(shape.row_bytes()).ok_or(SHORT)?)?;
    bytes.skip(HEAD_BYTES)?;
    let [nodes, neighbors, base_neighbors, max_level, entry] = [(); 5].map(|()| bytes.u64());
    let (nodes, neighbors, base_neighbors) = (nodes?, neighbors?, base_neighbors?);
    if nodes != vectors {
        return Err("it has another number of nodes than of vectors");
    }
    if neighbors != shape.hnsw.max_neighbors || base_neighbors != neighbors * 2 {
        return Err("its nodes have another number of neighbours");
    }
    let (levels, _) = bytes.take(nodes.checked_mul(2).ok_or(SHORT)?)?.as_chunks::<2>();
    let level_of = |node: usize| levels.get(node).map(|&level| i16::from_le_bytes(level));
    let (max_level, entry) = (max_level?, entry?);
    if nodes > 0 && level_of(entry).and_then(|level| usize::try_from(level).ok()) != Some(max_level) {
        return Err("its entry node is not on the highest level");
    }
    let mut counted = Counted { live: 0, removed: 0 };
    for &level in levels {
        let head = bytes.take(10)?;
        let (key, own_level) = head.split_at(8);
        if own_level != level {
            return Err("a node is not on the level it is listed under");
        }
        if key == FREE_KEY.to_le_bytes() {
            counted.removed += 1;
        } else {
            counted.live += 1;
        }
        let top = i16::from_le_bytes(level);
        if top < 0 {
            return Err("a node is on a level below the base");
        }
        check_neighbors(&mut bytes, base_neighbors, |node| node < nodes)?;
        for level in 1..=top {
            check_neighbors(&mut bytes, neighbors, |node| level_of(node).is_some_and(|own| own >= level))?;
        }
    }
    if bytes.0.is_empty() { Ok(counted) } else { Err("it has bytes left over") }
}

/// Checks one list of neighbours: a count, then room for `most` of them.
fn check_neighbors(bytes: &mut Bytes, most: usize, exists: impl Fn(usize) -> bool) -> Result<(), &'static str> {
    let count = bytes.u32()? as usize;
    let (slots, _) = bytes.take(most * 4)?.as_chunks::<4>();
    let used = slots.get(..count).ok_or("a node has too many neighbours")?;
    // No early exit, so that the loop is vectorised.
    let sound = used.iter().fold(true, |sound, &slot| sound & exists(u32::from_le_bytes(slot) as usize));
    if sound { Ok(()) } else { Err("a node has a neighbour that does not exist on its level") }
}

const SHORT: &str = "it ends too early";

/// The bytes not yet read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn skip(&mut self, count: usize) -> Result<(), &'static str> {
        self.take(count).map(|_| ())
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        let (&value, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(value))
    }

    fn u64(&mut self) -> Result<usize, &'static str> {
        let (&value, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        usize::try_from(u64::from_le_bytes(value)).map_err(|_| SHORT)
    }
}
