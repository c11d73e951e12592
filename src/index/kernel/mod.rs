//! The arithmetic of a search: products of i8 vectors and of signs, and the bounds made of them, for a whole block.
//!
//! [`kernels`] picks once, at run time, the variant this machine runs fastest. It is not a search: nothing here
//! knows of ordinals or of the best k. Invariant: every variant returns the same bits as the portable one,
//! integers and floats alike, so a file gives the same answers on every machine.
//!
//! Products of codes from -127 to 127 are exact up to 65,536 dimensions.

mod bit_planes;
mod choose;
mod kernels;
mod native;
mod portable;
mod prefetch;
mod query_tile;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(test)]
mod tests;
mod threshold;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bit_planes::Planes;
pub use choose::{instructions, kernels};
pub use kernels::{EIGHT, Kernels, RowNumbers, SignNumbers, SignTerms};
pub(super) use prefetch::prefetch;
pub use query_tile::Tile;
pub use threshold::{Limit, Near, Thresholds};
