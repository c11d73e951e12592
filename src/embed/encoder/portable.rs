//! The kernels that run on any processor.
//!
//! Invariant: nothing is called that the architecture as such does not have.

use super::attention::attend;
use super::kernels::Kernels;
use super::product::{product, then};
use super::rows;

#[cfg(target_arch = "x86_64")]
use super::native::{Sse2 as LANES, tile_sse2 as tile};
#[cfg(not(target_arch = "x86_64"))]
use super::plain::Plain;
#[cfg(not(target_arch = "x86_64"))]
use super::plain::plain_tile as tile;

#[cfg(not(target_arch = "x86_64"))]
const LANES: Plain<{ FUSED }> = Plain;

macro_rules! kernels {
    ($name:literal, $lanes:expr, $tile:expr) => {
        Kernels {
            name: $name,
            look_up: |model, ids, out| rows::look_up($lanes, model, ids, out),
            quantise: |from, columns, out| rows::quantise($lanes, from, columns, out),
            normalise: |of, norm, out| rows::normalise($lanes, of, norm, out),
            store: |tokens, layer, out| product::<_, { then::STORE }>($lanes, tokens, layer, out, $tile),
            add: |tokens, layer, out| product::<_, { then::ADD }>($lanes, tokens, layer, out, $tile),
            gelu: |tokens, layer, out| product::<_, { then::GELU }>($lanes, tokens, layer, out, $tile),
            attend: |text, asked, out, room| attend::<_, 2>($lanes, text, asked, out, room),
            pool: |of, vector| rows::pool($lanes, of, vector),
            wide: None,
        }
    };
}

pub(super) static KERNELS: Kernels = kernels!("portable", LANES, tile);

/// What everything written by hand is compared with.
#[cfg(test)]
pub(super) static PLAIN: Kernels = kernels!("plain", super::plain::Plain::<{ FUSED }>, super::plain::plain_tile);

/// Whether every processor of the architecture multiplies and adds without rounding in between.
#[cfg(any(test, not(target_arch = "x86_64")))]
const FUSED: bool = cfg!(target_arch = "aarch64");

/// As [`PLAIN`], but that products are not rounded before they are added: what all but the oldest processors give, bit for bit.
#[cfg(test)]
pub(super) static PLAIN_FUSED: Kernels =
    kernels!("plain, fused", super::plain::Plain::<true>, super::plain::plain_tile);
