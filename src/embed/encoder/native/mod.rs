//! Where the encoder meets what not every processor has: the tables of kernels for it, and which of them this one can use.
//!
//! The kernels themselves are safe: in [`super::rows`], [`super::product`] and [`super::attention`] as plain Rust, compiled
//! in the files of this folder for each set of instructions, and by hand in [`super::halves`]. Invariant: a table is
//! reachable only through `available`, which asks the processor first.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use super::kernels::Kernels;

/// Compiles the plain kernels for a set of features, with a tile and an attention of its own.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! table {
    (
        $table:ident, $name:literal, $module:ident, $features:literal, $lanes:path, $tile:path, $attend:path, $wide:expr
    ) => {
        mod $module {
            use std::ops::Range;

            use crate::embed::encoder::attention;
            use crate::embed::encoder::lanes::Sixteen;
            use crate::embed::encoder::model::{Dense, Model, Norm};
            use crate::embed::encoder::product::{product, then};
            use crate::embed::encoder::rows::{self, Bytes, BytesMut};
            use crate::embed::encoder::text::{Room, Text};

            #[target_feature(enable = $features)]
            pub(super) fn look_up(model: &Model, ids: &[u32], out: &mut [Sixteen]) {
                rows::look_up(<$lanes>::here(), model, ids, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn quantise(rows: &[Sixteen], columns: usize, out: &mut BytesMut<'_>) {
                rows::quantise(<$lanes>::here(), rows, columns, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn normalise(rows: &mut [Sixteen], norm: &Norm, out: &mut BytesMut<'_>) {
                rows::normalise(<$lanes>::here(), rows, norm, out);
            }

            #[target_feature(enable = $features)]
            fn dense<const THEN: u8>(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                product::<_, THEN>(<$lanes>::here(), tokens, layer, out, |panel, tokens, sums| {
                    $tile(panel, tokens, sums)
                });
            }

            #[target_feature(enable = $features)]
            pub(super) fn store(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                dense::<{ then::STORE }>(tokens, layer, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn add(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                dense::<{ then::ADD }>(tokens, layer, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn gelu(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                dense::<{ then::GELU }>(tokens, layer, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn pool(rows: &[Sixteen], vector: &mut [Sixteen]) {
                rows::pool(<$lanes>::here(), rows, vector);
            }

            /// Attention by so many rows at a time.
            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a table may have its own")]
            pub(super) fn attend<const ROWS: usize>(
                text: Text<'_>,
                asked: Range<usize>,
                out: &mut [Sixteen],
                room: &mut Room,
            ) {
                attention::attend::<_, ROWS>(<$lanes>::here(), text, asked, out, room);
            }
        }

        static $table: Kernels = Kernels {
            name: $name,
            // SAFETY: for this table as a whole: `available` gives it out only where the processor has the features.
            look_up: |model, ids, out| unsafe { $module::look_up(model, ids, out) },
            // SAFETY: as above.
            quantise: |rows, columns, out| unsafe { $module::quantise(rows, columns, out) },
            // SAFETY: as above.
            normalise: |rows, norm, out| unsafe { $module::normalise(rows, norm, out) },
            // SAFETY: as above.
            store: |tokens, layer, out| unsafe { $module::store(tokens, layer, out) },
            // SAFETY: as above.
            add: |tokens, layer, out| unsafe { $module::add(tokens, layer, out) },
            // SAFETY: as above.
            gelu: |tokens, layer, out| unsafe { $module::gelu(tokens, layer, out) },
            // SAFETY: as above.
            attend: |text, asked, out, room| unsafe { $attend(text, asked, out, room) },
            // SAFETY: as above.
            pool: |rows, vector| unsafe { $module::pool(rows, vector) },
            wide: $wide,
        };
    };
}

/// Writes functions whose bodies are instructions.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_instructions {
    ($(fn $name:ident($self:ident $(, $argument:ident: $type:ty)*) -> $out:ty $body:block)*) => { $(
        #[inline(always)]
        fn $name($self $(, $argument: $type)*) -> $out {
            // SAFETY: who holds the value is where the processor has the instructions, and what is read or written by
            // address is within an array, for which no alignment is needed.
            unsafe { $body }
        }
    )* };
}

/// Writes functions that do with each register what an instruction does with one.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_register {
    ($($name:ident($first:ident $(, $argument:ident)+) = $instruction:expr;)*) => { $(
        #[inline(always)]
        fn $name(self, $first: Self::Of, $($argument: Self::Of),+) -> Self::Of {
            let mut made = $first;
            for i in 0..made.len() {
                // SAFETY: who holds the value is where the processor has the instruction.
                made[i] = unsafe { $instruction($first[i], $($argument[i]),+) };
            }
            made
        }
    )* };
}

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_avx2;
#[cfg(target_arch = "x86_64")]
mod x86_lanes;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_registers;
#[cfg(target_arch = "x86_64")]
mod x86_tiles;

#[cfg(target_arch = "aarch64")]
pub(super) use neon::available;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::available;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_lanes::Sse2;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_tiles::tile_sse2;

/// Returns no table: the portable one is all there is.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    std::iter::empty()
}
