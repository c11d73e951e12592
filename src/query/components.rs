//! The two directions in which embeddings vary most: principal component analysis.
//!
//! The components are the first eigenvectors of the covariance matrix (Pearson 1901, Hotelling 1933), found by subspace
//! iteration with the Rayleigh-Ritz step (Parlett, The Symmetric Eigenvalue Problem, chapter 14): each pass over the
//! rows multiplies a few directions by the matrix, which itself is never made. Sums are f64. Invariant: the same rows in
//! the same order give the same components, on every run; nothing here is NaN for finite rows.

#![expect(
    clippy::indexing_slicing,
    reason = "indices run over arrays of a constant length, and over as many rows as the dimension"
)]

use super::sample::Draw;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::View;

/// Directions that are carried along: the more there are beyond the two, the faster these come out.
const DIRECTIONS: usize = 8;
/// The most passes over the rows; by then what is not told apart is all but equal.
const MOST_PASSES: usize = 60;
/// A component is found when the matrix turns it by no more than this.
const TOLERANCE: f64 = 1e-6;

type Directions = [f64; DIRECTIONS];

/// Two orthogonal directions, and where their origin is.
#[derive(Debug, Clone)]
struct Components {
    mean: Vec<f64>,
    axes: [Vec<f64>; 2],
    explained: [f64; 2],
}

/// Records as points of a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// A point for each record, in the order asked for, around the mean of all.
    pub points: Vec<[f64; 2]>,
    /// Which share of the variance each of the two directions holds, from 0 to 1.
    pub explained: [f64; 2],
}

impl View {
    /// Projects the embeddings of records onto their first two principal components.
    ///
    /// In a cosine collection embeddings count with their directions only. The component of an axis that is largest
    /// in magnitude is positive, since the sign of a direction means nothing. Reads the embeddings once for each pass.
    ///
    /// # Errors
    /// A damaged file.
    pub fn project(&self, ordinals: &[Ordinal]) -> Result<Projection> {
        let dimension = self.info().dimension.unwrap_or(0);
        let is_cosine = self.info().space == Space::Cosine;
        let each = |visit: &mut dyn FnMut(&[f64])| {
            let mut embeddings = self.embeddings();
            let mut row = Vec::with_capacity(dimension);
            for ordinal in ordinals {
                row.clear();
                let (components, _) = embeddings.row(*ordinal)?.as_chunks::<4>();
                row.extend(components.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))));
                if is_cosine {
                    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                    let factor = if norm > 0.0 { 1.0 / norm } else { 0.0 };
                    for x in &mut row {
                        *x *= factor;
                    }
                }
                visit(&row);
            }
            Ok(())
        };
        let found = components(dimension, each)?;
        let mut points = Vec::with_capacity(ordinals.len());
        each(&mut |row| {
            let along = |axis: &[f64]| row.iter().zip(&found.mean).zip(axis).map(|((x, mean), a)| (x - mean) * a).sum();
            points.push([along(&found.axes[0]), along(&found.axes[1])]);
        })?;
        Ok(Projection { points, explained: found.explained })
    }
}

/// Finds the components of the rows that `each` visits.
fn components(dimension: usize, each: impl Fn(&mut dyn FnMut(&[f64])) -> Result<()>) -> Result<Components> {
    let mut mean = vec![0.0; dimension];
    let mut rows = 0.0_f64;
    each(&mut |row| {
        rows += 1.0;
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += (x - *mean) / rows);
    })?;
    let mut draw = Draw::new(0);
    #[expect(clippy::cast_precision_loss, reason = "any number will do")]
    let mut basis: Vec<Directions> =
        (0..dimension).map(|_| [(); DIRECTIONS].map(|()| draw.next() as f64 - 2_f64.powi(63))).collect();
    orthonormalise(&mut basis);
    let mut values = [0.0; DIRECTIONS];
    let mut variance = 0.0;
    for _ in 0..MOST_PASSES {
        let image = multiplied(&basis, &mean, &mut variance, &each)?;
        let turned;
        (values, turned) = eigen(products(&basis, &image));
        let image = rotated(&image, &turned);
        let fixed = rotated(&basis, &turned);
        let moved = |k: usize| {
            let squares = image.iter().zip(&fixed).map(|(image, fixed)| (image[k] - values[k] * fixed[k]).powi(2));
            squares.sum::<f64>().sqrt()
        };
        if moved(0).max(moved(1)) <= TOLERANCE * values[0] {
            basis = fixed;
            break;
        }
        basis = image;
        orthonormalise(&mut basis);
    }
    let axis = |k: usize| signed(basis.iter().map(|row| row[k]).collect());
    let share = |value: f64| if variance > 0.0 { (value / variance).clamp(0.0, 1.0) } else { 0.0 };
    Ok(Components { mean, axes: [axis(0), axis(1)], explained: [share(values[0]), share(values[1])] })
}

/// Multiplies directions by the sum of the outer products of all centred rows; also sums up their squares.
fn multiplied(
    basis: &[Directions],
    mean: &[f64],
    variance: &mut f64,
    each: impl Fn(&mut dyn FnMut(&[f64])) -> Result<()>,
) -> Result<Vec<Directions>> {
    let mut image = vec![[0.0; DIRECTIONS]; basis.len()];
    *variance = 0.0;
    each(&mut |row| {
        let mut along = [0.0; DIRECTIONS];
        for ((x, mean), basis) in row.iter().zip(mean).zip(basis) {
            let x = x - mean;
            *variance += x * x;
            along.iter_mut().zip(basis).for_each(|(along, b)| *along += x * b);
        }
        for ((x, mean), image) in row.iter().zip(mean).zip(&mut image) {
            let x = x - mean;
            image.iter_mut().zip(along).for_each(|(image, along)| *image += x * along);
        }
    })?;
    Ok(image)
}

/// Makes the columns orthogonal and of length 1; a column that depends on those before it becomes zero.
fn orthonormalise(columns: &mut [Directions]) {
    for k in 0..DIRECTIONS {
        let scale = columns.iter().map(|row| row[k].abs()).fold(0.0, f64::max);
        let factor = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        for row in columns.iter_mut() {
            row[k] *= factor;
        }
        let length = |columns: &[Directions]| columns.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
        let before = length(columns);
        // Twice is enough (Parlett, 6.9).
        for _ in 0..2 {
            for earlier in 0..k {
                let dot: f64 = columns.iter().map(|row| row[k] * row[earlier]).sum();
                for row in columns.iter_mut() {
                    row[k] -= dot * row[earlier];
                }
            }
        }
        let after = length(columns);
        let factor = if after > before * 1e-10 { 1.0 / after } else { 0.0 };
        for row in columns.iter_mut() {
            row[k] *= factor;
        }
    }
}

fn products(left: &[Directions], right: &[Directions]) -> [Directions; DIRECTIONS] {
    let mut products = [[0.0; DIRECTIONS]; DIRECTIONS];
    for (left, right) in left.iter().zip(right) {
        for (row, l) in products.iter_mut().zip(left) {
            row.iter_mut().zip(right).for_each(|(product, r)| *product += l * r);
        }
    }
    products
}

fn rotated(rows: &[Directions], by: &[Directions; DIRECTIONS]) -> Vec<Directions> {
    let rotate = |row: &Directions| {
        let mut rotated = [0.0; DIRECTIONS];
        for (x, by) in row.iter().zip(by) {
            rotated.iter_mut().zip(by).for_each(|(rotated, b)| *rotated += x * b);
        }
        rotated
    };
    rows.iter().map(rotate).collect()
}

/// Turns the direction so that its largest component is positive.
fn signed(mut axis: Vec<f64>) -> Vec<f64> {
    let largest = axis.iter().fold(0.0_f64, |largest, x| if x.abs() > largest.abs() { *x } else { largest });
    if largest < 0.0 {
        for x in &mut axis {
            *x = -*x;
        }
    }
    axis
}

/// Returns the eigenvalues of a symmetric matrix, the largest first, and its eigenvectors as columns (the cyclic Jacobi
/// method; Golub and Van Loan, Matrix Computations, 8.5).
fn eigen<const N: usize>(mut matrix: [[f64; N]; N]) -> ([f64; N], [[f64; N]; N]) {
    let mut vectors = [[0.0; N]; N];
    for (k, row) in vectors.iter_mut().enumerate() {
        row[k] = 1.0;
    }
    let off = |matrix: &[[f64; N]; N]| {
        (0..N).flat_map(|p| (0..p).map(move |q| (p, q))).map(|(p, q)| matrix[p][q].abs()).fold(0.0, f64::max)
    };
    let size = matrix.as_flattened().iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    for _ in 0..60 {
        if off(&matrix) <= size * 1e-15 {
            break;
        }
        for p in 0..N {
            for q in p + 1..N {
                if matrix[p][q] == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let turn = tangent * cosine;
                for row in &mut matrix {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (cosine * a - turn * b, turn * a + cosine * b);
                }
                #[expect(clippy::needless_range_loop, reason = "two rows at once")]
                for k in 0..N {
                    let (a, b) = (matrix[p][k], matrix[q][k]);
                    (matrix[p][k], matrix[q][k]) = (cosine * a - turn * b, turn * a + cosine * b);
                }
                for row in &mut vectors {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (cosine * a - turn * b, turn * a + cosine * b);
                }
            }
        }
    }
    let mut order: [usize; N] = std::array::from_fn(|k| k);
    order.sort_by(|a, b| matrix[*b][*b].total_cmp(&matrix[*a][*a]));
    (order.map(|k| matrix[k][k]), vectors.map(|row| order.map(|k| row[k])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    const N: usize = 24;

    fn found(rows: &[[f64; N]]) -> Components {
        components(N, |visit| {
            for row in rows {
                visit(row);
            }
            Ok(())
        })
        .unwrap()
    }

    /// The whole scatter matrix, solved directly.
    fn expected(rows: &[[f64; N]]) -> (f64, [f64; N], [[f64; N]; N]) {
        let count = rows.len() as f64;
        let mean: [f64; N] = std::array::from_fn(|i| rows.iter().map(|row| row[i]).sum::<f64>() / count);
        let entry = |i: usize, j: usize| rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>();
        let matrix: [[f64; N]; N] = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
        let (values, vectors) = eigen(matrix);
        // The solver is right: M v = l v, and the vectors are orthonormal.
        for k in 0..N {
            for i in 0..N {
                let image: f64 = (0..N).map(|j| matrix[i][j] * vectors[j][k]).sum();
                assert!((image - values[k] * vectors[i][k]).abs() < 1e-9 * values[0]);
            }
            let dot = |other: usize| (0..N).map(|i| vectors[i][k] * vectors[i][other]).sum::<f64>();
            assert!((0..N).all(|other| (dot(other) - f64::from(u8::from(other == k))).abs() < 1e-12));
        }
        ((0..N).map(|i| matrix[i][i]).sum(), values, vectors)
    }

    #[test]
    fn components_are_those_of_the_whole_matrix() {
        let mut random = Random::new();
        for round in 0..20 {
            let decay = 0.6 + f64::from(round) * 0.018;
            let hidden: Vec<Vec<f32>> = (0..N).map(|_| random.floats(N)).collect();
            let rows: Vec<[f64; N]> = (0..300)
                .map(|_| {
                    let weights = random.floats(N);
                    let along = |i: usize| {
                        let parts = weights.iter().zip(&hidden).enumerate();
                        parts.map(|(k, (w, h))| f64::from(*w) * f64::from(h[i]) * decay.powf(k as f64)).sum::<f64>()
                    };
                    std::array::from_fn(|i| 5.0 + along(i))
                })
                .collect();
            let (total, values, vectors) = expected(&rows);
            let found = found(&rows);
            for k in 0..2 {
                assert!((found.explained[k] - values[k] / total).abs() < 1e-6, "{round}: {:?}", found.explained);
                let gap = (values[k] - values[k + 1]).min(if k == 0 { f64::INFINITY } else { values[0] - values[1] });
                if gap > 0.01 * values[0] {
                    let dot: f64 = (0..N).map(|i| found.axes[k][i] * vectors[i][k]).sum();
                    assert!(dot.abs() > 1.0 - 1e-6, "{round}: component {k} is off by {dot}");
                }
                let largest = found.axes[k].iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
                assert!(largest > 0.0);
            }
            let dot: f64 = found.axes[0].iter().zip(&found.axes[1]).map(|(a, b)| a * b).sum();
            assert!(dot.abs() < 1e-9);
            let again = super::tests::found(&rows);
            assert_eq!((found.axes, found.explained), (again.axes, again.explained));
        }
    }

    #[test]
    fn what_does_not_vary_has_no_components_and_no_nan() {
        let one = [[0.1; N]; 1];
        let equal = [[0.1; N]; 9];
        let far: Vec<[f64; N]> = (0..5).map(|n| [f64::from(n) * 1e38; N]).collect();
        let tiny: Vec<[f64; N]> = (0..5).map(|n| [f64::from(n) * 1e-45; N]).collect();
        for rows in [&one[..], &equal, &far, &tiny, &[]] {
            let found = found(rows);
            let numbers = found.axes.iter().flatten().chain(&found.mean).chain(&found.explained);
            assert!(numbers.clone().all(|x| x.is_finite()), "{found:?}");
            assert!(found.explained.iter().all(|share| (0.0..=1.0).contains(share)));
        }
        assert!((found(&far).explained[0] - 1.0).abs() < 1e-9);
        assert!(found(&equal).explained[0] < 1e-9);
        let line = components(1, |visit| {
            for row in [[1.0], [2.0], [4.0]] {
                visit(&row);
            }
            Ok(())
        });
        let line = line.unwrap();
        assert_eq!((line.axes[0].as_slice(), line.axes[1].as_slice()), (&[1.0][..], &[0.0][..]));
        assert!(components(0, |_| Ok(())).unwrap().axes[0].is_empty());
    }
}
