//! What is written in other languages, and what the type system cannot see of it: the symbols of a shared library, a
//! file mapped into memory, the pointers that `USearch` keeps and hands out, and what runs before `main`.
//!
//! The only file with unsafe code but for the kernels (`index/kernel/native.rs`, `registers.rs`). It decides nothing: which library to try
//! is `embed/runtime.rs`'s business, which file to map `embed/cache.rs`'s, what an index holds `index/graph`'s.
//! Invariant: a library that is not a usable ONNX Runtime is an error with a reason, never a crash; a viewed buffer
//! lives, unmoved and unchanged, as long as the index that points into it.

#![allow(unsafe_code, reason = "functions and pointers of other languages")]

use std::error::Error;
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::mem::{ManuallyDrop, offset_of};
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::{ptr, slice};

use libloading::{Library, Symbol};
use memmap2::Mmap;
use ort::sys::{OrtApi, OrtApiBase};
use usearch::{Index, IndexOptions, ScalarKind};

/// The oldest ONNX Runtime that serves, `1.MINIMUM_MINOR`: what ort calls under its feature `api-18`.
pub(crate) const MINIMUM_MINOR: u32 = 18;

/// An ONNX Runtime, opened. It stays in memory until the process ends.
pub(crate) struct NativeRuntime {
    /// Its version, as in `1.32.0`.
    pub(crate) version: String,
    /// Its functions.
    pub(crate) api: OrtApi,
}

/// Which of the descriptors 0 to 2 were closed when the process began, a bit each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Looks before the standard library does, which opens /dev/null in their place.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds pointers to functions that the loader calls once, before any thread is started; this one
// calls fcntl and changes an atomic.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        for descriptor in 0..3_u8 {
            // SAFETY: asks for the flags of a descriptor, which may be closed.
            if unsafe { libc::fcntl(i32::from(descriptor), libc::F_GETFD) } == -1 {
                CLOSED.fetch_or(1 << descriptor, Ordering::Relaxed);
            }
        }
    }
    look
};

/// Returns whether the standard input (0), output (1) or error (2) was closed when the process began; never known but on
/// Linux.
pub fn was_closed(descriptor: u8) -> bool {
    CLOSED.load(Ordering::Relaxed) >> descriptor & 1 == 1
}

/// Opens an ONNX Runtime library; a bare file name is looked for in the system's library path.
pub(crate) fn open_runtime(path: &Path) -> Result<NativeRuntime, String> {
    if path.components().count() > 1 {
        refuse_cut_off(path)?;
    }
    // SAFETY: loading runs the library's initialisers. The path was named by the user or is one of the fixed
    // places that only the user or the system's administrator can write.
    let library = unsafe { Library::new(path) }.map_err(|error| reason(&error))?;
    // The runtime's threads and the functions copied below outlive every scope.
    let library = ManuallyDrop::new(library);
    // SAFETY: a symbol of this name has this type in every ONNX Runtime since 1.0.
    let base: Symbol<unsafe extern "C" fn() -> *const OrtApiBase> =
        unsafe { library.get(b"OrtGetApiBase\0") }.map_err(|_| "it is not an ONNX Runtime library".to_owned())?;
    // SAFETY: the function takes nothing and returns a pointer to a static table, or null.
    let base = unsafe { base().as_ref() }.ok_or("it offers no API")?;
    // SAFETY: the function returns a static string that ends with a zero byte.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) }.to_string_lossy().into_owned();
    if minor(&version).is_none_or(|minor| minor < MINIMUM_MINOR) {
        return Err(format!("it is version {version}; 1.{MINIMUM_MINOR} or later is needed"));
    }
    // SAFETY: any version number may be asked for; one that is not offered gives null.
    let offered = unsafe { (base.GetApi)(MINIMUM_MINOR) };
    if offered.is_null() {
        return Err(format!("version {version} does not offer API {MINIMUM_MINOR}"));
    }
    let mut api = ort::sys::stub::api();
    // SAFETY: `offered` points to the functions of API 18, of which `CreateLoraAdapter` (API 20) is the first
    // that may be missing; both tables are `repr(C)` structs of function pointers, only ever appended to.
    // The later entries keep the stub, which answers "not implemented".
    unsafe {
        ptr::copy_nonoverlapping(
            offered.cast::<u8>(),
            (&raw mut api).cast::<u8>(),
            offset_of!(OrtApi, CreateLoraAdapter),
        );
    }
    Ok(NativeRuntime { version, api })
}

/// Has a write beyond the size that files may have fail, where the system would end the process.
pub fn take_limits_as_errors() {
    // SAFETY: no function of ours is called at a signal; it is ignored.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// The loader's own words stand in the source of the error.
fn reason(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("it cannot be loaded: {source}"))
}

fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

/// A shared library that was cut off while it was copied kills the process with SIGBUS when it is loaded. The
/// section table of an ELF file stands at its end, so a file that does not reach it was cut off.
fn refuse_cut_off(path: &Path) -> Result<(), String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut header = [0; 64];
    if length == 0 || file.read_exact(&mut header).is_err() {
        return Err("it is not a shared library".into());
    }
    if header.starts_with(b"\x7fELF\x02\x01") && elf_length(&header) > length {
        return Err("it is cut off".into());
    }
    Ok(())
}

/// The end of the section table of a 64-bit little-endian ELF file (`e_shoff + e_shentsize * e_shnum`).
fn elf_length(header: &[u8; 64]) -> u64 {
    let number = |at: usize, bytes: usize| {
        header.iter().skip(at).take(bytes).rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    number(40, 8).saturating_add(number(58, 2) * number(60, 2))
}

/// Maps a file into memory, to read.
pub(crate) fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the files of the cache and of installed models are written under another name and renamed into place, never changed
    // afterwards; another program that shortens one while it is used is beyond what can be guarded against.
    unsafe { Mmap::map(file) }
}

/// A `USearch` index of i8 vectors, and the bytes it points into when it is viewed.
pub(crate) struct ForeignIndex {
    // Before the bytes, because fields are dropped in this order.
    index: Index,
    viewed: Option<Vec<u8>>,
}

impl ForeignIndex {
    /// Makes an empty index.
    pub(crate) fn new(options: &IndexOptions) -> Result<Self, String> {
        Ok(Self { index: Index::new(options).map_err(|e| e.to_string())?, viewed: None })
    }

    /// Keeps a serialised index, in which every offset was found within bounds, and reads it where it is.
    pub(crate) fn view(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let bytes = self.viewed.insert(bytes);
        // SAFETY: the bytes are owned by the same value as the index and dropped after it; nothing hands out a mutable
        // reference to them, and moving the value does not move what a Vec points to. USearch refuses to change a
        // viewed index.
        unsafe { self.index.view_from_buffer(bytes) }.map_err(|e| e.to_string())
    }

    /// Says whether the index is viewed and so cannot be changed.
    pub(crate) fn is_viewed(&self) -> bool {
        self.viewed.is_some()
    }

    /// Compares vectors by this function; loading and viewing put `USearch`'s own back.
    pub(crate) fn set_distance(
        &mut self,
        distance: impl Fn(&[i8], &[i8]) -> f32 + Send + Sync + 'static,
    ) -> Result<(), String> {
        if self.index.scalar_kind() != ScalarKind::I8 {
            return Err("its vectors are not of i8".into());
        }
        let components = self.index.dimensions();
        // SAFETY: USearch passes pointers to two vectors of its own or one and the query, each of as many components as
        // the index has: that is what it compares the length of a slice with in `add` and `search`.
        let vector = move |vector: *const i8| unsafe { slice::from_raw_parts(vector, components) };
        self.index.change_metric(Box::new(move |a: *const i8, b: *const i8| distance(vector(a), vector(b))));
        Ok(())
    }
}

impl Deref for ForeignIndex {
    type Target = Index;

    fn deref(&self) -> &Index {
        &self.index
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_runtime_is_refused_with_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("libonnxruntime.so");
        assert!(open_runtime(&text).is_err());
        for content in [&b""[..], b"short", &[b'x'; 4096]] {
            fs::write(&text, content).unwrap();
            assert!(open_runtime(&text).is_err());
        }
        let why = open_runtime(Path::new("libhuedb-has-no-such-library.so")).err().unwrap();
        assert!(why.contains("libhuedb-has-no-such-library.so"), "{why}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_library_that_is_cut_off_is_refused_before_it_is_loaded() {
        let whole = fs::read(std::env::current_exe().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libonnxruntime.so");
        for keep in [64, 4096, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..keep]).unwrap();
            assert_eq!(open_runtime(&path).err().unwrap(), "it is cut off", "{keep} bytes");
        }
    }

    #[test]
    fn versions_before_1_18_are_told_apart() {
        assert_eq!(minor("1.32.0"), Some(32));
        assert_eq!(minor("1.9.1-dev"), Some(9));
        assert_eq!(minor("2.0.0"), None);
        assert_eq!(minor("nonsense"), None);
    }
}
