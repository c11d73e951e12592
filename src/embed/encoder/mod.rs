//! Encoders of the kinds of BERT, `RoBERTa` and `MPNet` run by the program itself, with weights of 8 bits used where they lie.
//!
//! Texts stand one after another without padding, and each token has its own scale, so a text has the same bits in any batch
//! and on any number of threads. Between sets of instructions vectors differ: not at all between AVX-512, AVX-VNNI, AVX2 and
//! ARM, without bf16; by the rounding of single products on the oldest processors of x86-64 (cosine .998 and more, median
//! .9994), and by that of attention with bf16 (.996 and more, median .998, of random tokens). Invariant: all are as near to the
//! model with nothing but its weights rounded.

#![cfg_attr(not(feature = "bundled-model"), allow(dead_code, reason = "there is no model to open"))]
#![allow(clippy::inline_always, reason = "what is compiled for other instructions must be inside who calls it")]
#![allow(clippy::many_single_char_names, clippy::excessive_precision, reason = "formulas and their constants")]

mod attention;
mod block;
mod choose;
mod embedder;
mod halves;
mod initializers;
mod kernels;
mod lanes;
mod layout;
mod model;
mod native;
mod pack;
#[cfg(all(test, feature = "bundled-model"))]
mod pack_graph;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain;
mod portable;
mod product;
pub(super) mod protobuf;
#[cfg(test)]
pub(super) mod reference;
mod remainder;
mod rows;
mod spread;
#[cfg(all(test, feature = "bundled-model"))]
mod tests;
mod text;

pub(super) use block::Pooled;
pub(super) use embedder::EncoderEmbedder;
pub(super) use initializers::{Initializer, Initializers, read as read_initializers};
pub(super) use kernels::Kernels;
pub(super) use layout::{DISTANCES, Head};
pub(super) use pack::{Packed, Weights};
pub(super) use remainder::put_together;
pub(super) use spread::{Encoder, PackedBytes};
