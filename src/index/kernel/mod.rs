//! The arithmetic of a search: products of i8 vectors and of signs, and the bounds made of them, for a whole block.
//!
//! [`kernels`] picks once, at run time, the variant this machine runs fastest. It is not a search: nothing here
//! knows of ordinals or of the best k. Invariant: every variant returns the same bits as the portable one,
//! integers and floats alike, so a file gives the same answers on every machine.
//!
//! Products of codes from -127 to 127 are exact up to 65,536 dimensions.

mod choose;
mod kernels;
mod native;
mod near;
mod planes;
mod portable;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use choose::{instructions, kernels};
pub use kernels::{EIGHT, Kernels, RowNumbers, SignNumbers, SignTerms};
pub use near::{Limit, Near, Thresholds};
pub use planes::Planes;
pub use tile::Tile;
