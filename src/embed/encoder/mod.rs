//! BERT encoders run by the program itself, with weights of 8 bits used where they lie.
//!
//! Texts stand one after another without padding, and each token has its own scale, so a text has the same bits in any batch
//! and on any number of threads. Between sets of instructions vectors differ: not at all between AVX-512, AVX-VNNI and AVX2
//! without bf16; by the rounding of single products on other processors (cosine .998 and more, median .9994), and by that of
//! attention with bf16 (.997 and more, median .998, of random tokens). Invariant: all are as near to the model with nothing but
//! its weights rounded.

#![cfg_attr(not(feature = "bundled-model"), allow(dead_code, reason = "there is no model to open"))]
#![allow(clippy::inline_always, reason = "what is compiled for other instructions must be inside who calls it")]
#![allow(clippy::many_single_char_names, clippy::excessive_precision, reason = "formulas and their constants")]

mod attention;
mod block;
mod embedder;
mod halves;
#[cfg_attr(not(test), allow(dead_code, reason = "the build script reads graphs"))]
mod initializers;
mod kernels;
mod lanes;
mod layout;
mod model;
mod native;
#[cfg(test)]
mod pack;
#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain;
mod portable;
mod product;
#[cfg(all(test, feature = "bundled-model"))]
mod reference;
mod remainder;
mod rows;
mod spread;
#[cfg(all(test, feature = "bundled-model"))]
mod tests;

pub(super) use embedder::EncoderEmbedder;
pub(super) use kernels::Kernels;
pub(super) use model::Model;
pub(super) use remainder::put_together;
pub(super) use spread::Encoder;
