//! Tests of the encoder as a whole.

mod engines;
mod levels;
