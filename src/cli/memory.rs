//! How this process asks the system for memory.
//!
//! The store reads a file in values of up to 1 MiB. glibc would map and unmap each of them, and the kernel would clear its
//! pages every time, which takes longer than reading it. Invariant: nothing but speed depends on this.

/// Makes the allocator keep and reuse what is freed.
pub(super) fn reuse_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Larger buffers than this are still mapped by themselves.
        const MAPPED_FROM_BYTES: libc::c_int = 64 << 20;
        /// Freed memory at the top of the heap that is kept.
        const KEPT_BYTES: libc::c_int = 1 << 30;
        // SAFETY: mallopt only sets parameters of the allocator and is called before other threads are started.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
        }
    }
}
