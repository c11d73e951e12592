//! The `huedb` command; everything it does is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// An import parses rows on one thread and frees them on another, and a query reads values of up to 1 MiB again and
/// again: this allocator does both without a lock or a system call.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    huedb::cli::main()
}
