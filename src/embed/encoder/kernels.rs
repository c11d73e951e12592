//! The arithmetic of an encoder, as a table of functions for each set of instructions.
//!
//! Invariant: all tables but those for bf16 and the portable one give the same bits, on every architecture; the portable one
//! of x86-64 rounds products before it adds them, bf16 rounds what attention multiplies.

use std::ops::Range;

use super::lanes::Sixteen;
use super::model::{Dense, Model, Norm};
use super::rows::{Bytes, BytesMut};
use super::text::{Room, Text};

/// What an encoder is run with.
pub(in super::super) struct Kernels {
    pub(super) name: &'static str,
    pub(super) look_up: fn(&Model<'_>, &[u32], &mut [Sixteen]),
    pub(super) quantise: fn(&[Sixteen], usize, &mut BytesMut<'_>),
    pub(super) normalise: fn(&mut [Sixteen], &Norm<'_>, &mut BytesMut<'_>),
    pub(super) store: fn(Bytes<'_>, &Dense<'_>, &mut [Sixteen]),
    pub(super) add: fn(Bytes<'_>, &Dense<'_>, &mut [Sixteen]),
    pub(super) gelu: fn(Bytes<'_>, &Dense<'_>, &mut [Sixteen]),
    pub(super) attend: fn(Text<'_>, Range<usize>, &mut [Sixteen], &mut Room),
    pub(super) pool: fn(&[Sixteen], &mut [Sixteen]),
    /// What is used instead where weights have more than seven bits, if these cannot multiply by such.
    pub(super) wide: Option<&'static Self>,
}

impl Kernels {
    /// Returns the name of the instructions.
    pub(in super::super) fn name(&self) -> &'static str {
        self.name
    }
}
