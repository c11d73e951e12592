//! Asks for memory before it is needed. What is answered does not depend on it.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "an instruction that takes an address"))]

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Has these values brought near the processor while it does other things.
#[cfg(target_arch = "x86_64")]
pub(in crate::index) fn prefetch<T>(values: &[T]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let start = values.as_ptr().cast::<i8>();
    for line in (0..size_of_val(values)).step_by(LINE) {
        // SAFETY: a hint: it reads nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
    }
}

/// Leaves it to the processor.
#[cfg(not(target_arch = "x86_64"))]
pub(in crate::index) fn prefetch<T>(_values: &[T]) {}
