//! Points that others are compared with, coded a few next to one another: the centres of clusters, turned.
//!
//! A point is what its codes stand for, so nothing is lost by coding it. Invariant: the same bytes give the same points on every
//! machine.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::index::kernel::{RowNumbers, kernels};
use crate::record::{Ordinal, Space};
use crate::store::{Bounds, Centre, Codes, Segment, decoded, quantise, rows_per_segment, seal};

/// Coded points, in groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Points {
    groups: Vec<Group>,
}

/// Some of them, in the order of their numbers.
#[derive(Debug, Clone)]
struct Group {
    first: usize,
    bytes: Vec<u8>,
    numbers: Bounds,
}

/// An embedding, turned and coded: what points are compared with.
#[derive(Debug, Clone)]
pub(super) struct CodedRow {
    pub(super) codes: Vec<i8>,
    pub(super) scale: f32,
    /// The square of its length.
    pub(super) squared: f32,
}

impl CodedRow {
    pub(super) fn new(components: &[f32]) -> Self {
        let Codes { codes, factor, bias, .. } = quantise(components, &origin(components.len()), Space::L2);
        // The weight of l2 is 2, so half of a factor is the scale.
        Self { codes, scale: factor / 2.0, squared: bias }
    }

    /// Returns what the codes stand for.
    pub(super) fn components(&self) -> impl Iterator<Item = f32> {
        self.codes.iter().map(|code| self.scale * f32::from(*code))
    }
}

fn origin(dimension: usize) -> Centre {
    Centre::origin(dimension)
}

impl Points {
    /// Codes points, group by group.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they cannot be kept.
    pub(super) fn of<'p>(groups: impl IntoIterator<Item = &'p [Vec<f32>]>) -> Result<Self> {
        let mut points = Self::default();
        groups.into_iter().try_for_each(|group| points.add(group))?;
        Ok(points)
    }

    /// Codes a group of points beside those there are.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they cannot be kept.
    pub(super) fn add(&mut self, group: &[Vec<f32>]) -> Result<()> {
        let at_once = rows_per_segment(group.first().map_or(1, Vec::len));
        for some in group.chunks(at_once) {
            let coded = some.iter().zip(self.len() as u64..);
            let coded: Vec<_> =
                coded.map(|(point, at)| (Ordinal(at), quantise(point, &origin(point.len()), Space::L2))).collect();
            let bytes = seal(&coded, 0).ok_or_else(|| Error::argument("centres cannot be coded"))?;
            self.push(bytes)?;
        }
        Ok(())
    }

    /// Adds a segment of points, whose checksum is compared.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written.
    pub(super) fn push(&mut self, bytes: Vec<u8>) -> Result<()> {
        Segment::verify(&bytes)?;
        let segment = Segment::parse(&bytes)?;
        let mut numbers = Bounds::default();
        segment.read_bounds(Space::L2, &mut numbers);
        self.groups.push(Group { first: self.len(), bytes, numbers });
        Ok(())
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.groups.last().map_or(0, |group| group.first + group.numbers.factors.len())
    }

    /// Returns the numbers of the points of each group.
    pub(super) fn groups(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        self.groups.iter().map(|group| group.first..group.first + group.numbers.factors.len())
    }

    /// Returns the number of the group that a point is in.
    pub(super) fn group_of(&self, point: usize) -> usize {
        self.groups.partition_point(|group| group.first <= point).saturating_sub(1)
    }

    /// Returns the first point of each group, and its bytes in the file.
    pub(super) fn segments(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.groups.iter().map(|group| (group.first, group.bytes.as_slice()))
    }

    /// Returns the bytes they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.groups.iter().map(|group| group.bytes.len() + 16 * group.numbers.factors.len()).sum()
    }

    /// Returns a point.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there are fewer.
    pub(super) fn point(&self, at: usize) -> Result<Vec<f32>> {
        let missing = || Error::damaged(format!("the centre of cluster {at}: missing"));
        let group = self.groups.get(self.group_of(at)).ok_or_else(missing)?;
        decoded(&Segment::parse(&group.bytes)?, at - group.first).ok_or_else(missing)
    }

    /// Returns all points.
    pub(super) fn all(&self) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(self.len());
        for group in &self.groups {
            let segment = Segment::parse(&group.bytes)?;
            all.extend((0..segment.rows()).filter_map(|row| decoded(&segment, row)));
        }
        Ok(all)
    }

    /// Returns the squared distance of every point to an embedding, nearly.
    pub(super) fn distances(&self, row: &CodedRow) -> Result<Vec<f32>> {
        let mut found = Vec::with_capacity(self.len());
        for group in 0..self.groups.len() {
            self.distances_of(group, row, &mut found)?;
        }
        Ok(found)
    }

    /// Adds the squared distance of every point of a group to an embedding, nearly.
    pub(super) fn distances_of(&self, group: usize, row: &CodedRow, found: &mut Vec<f32>) -> Result<()> {
        let Some(Group { bytes, numbers, .. }) = self.groups.get(group) else { return Ok(()) };
        let first = found.len();
        let mut products = vec![0; numbers.factors.len()];
        kernels().dot_i8_rows(&row.codes, Segment::parse(bytes)?.codes(), &mut products);
        let numbers = RowNumbers { factors: &numbers.factors, biases: &numbers.biases, slacks: &[] };
        found.resize(first + products.len(), 0.0);
        let found = found.get_mut(first..).unwrap_or_default();
        kernels().distances(&products, &numbers, row.scale, found);
        for distance in found {
            *distance = (*distance + row.squared).max(0.0);
        }
        Ok(())
    }

    /// Returns the point that is nearest to an embedding.
    pub(super) fn nearest(&self, row: &CodedRow) -> Result<usize> {
        let found = self.distances(row)?;
        Ok(found.iter().zip(0..).min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(0, |(_, at)| at))
    }
}
