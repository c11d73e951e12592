//! The built-in model in the form that its encoder uses it in; and how the command is linked where it runs on the Linux it
//! is built on: what the system's loader has to do at each start is a large part of a short command.
//!
//! Invariant: without what is asked of the linker here the command is the same, and only starts later.

#[path = "src/embed/encoder/initializers.rs"]
mod initializers;
#[path = "src/embed/encoder/layout.rs"]
mod layout;
#[path = "src/embed/encoder/pack.rs"]
mod pack;
#[path = "src/embed/encoder/pack_graph.rs"]
mod pack_graph;
#[path = "src/embed/encoder/protobuf.rs"]
mod protobuf;
#[path = "src/embed/encoder/remainder.rs"]
mod remainder;
#[path = "src/embed/vocabulary.rs"]
mod vocabulary;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The first version of glibc whose loader reads packed relocations.
const PACKS_RELOCATIONS: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name| env::var(name).unwrap_or_default();
    if env::var_os("CARGO_FEATURE_BUNDLED_MODEL").is_some() {
        let made = pack_model(Path::new(&variable("CARGO_MANIFEST_DIR")), Path::new(&variable("OUT_DIR")));
        if let Err(why) = made {
            println!("cargo:error=the built-in model cannot be packed: {why}");
        }
    }
    let is_gnu = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if !is_gnu || variable("HOST") != variable("TARGET") {
        return;
    }
    // Of some 110,000 relocations nearly all are relative: packed, the loader reads 60 KB for them, not 2.7 MB.
    if glibc().is_some_and(|version| version >= PACKS_RELOCATIONS) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // The C++ library, which only USearch wants, is not looked up symbol by symbol when it is inside.
    if let Some(folder) = static_library(Path::new(&variable("OUT_DIR"))) {
        println!("cargo:rustc-link-arg-bins=-L{}", folder.display());
    }
}

/// Packs the built-in model and its vocabulary into the folder of what is built.
fn pack_model(source: &Path, out: &Path) -> Result<(), String> {
    /// Its `config.json` says so; the graph does not.
    const HEADS: usize = 12;
    for name in [
        "encoder/initializers",
        "encoder/layout",
        "encoder/pack",
        "encoder/pack_graph",
        "encoder/remainder",
        "vocabulary",
    ] {
        println!("cargo:rerun-if-changed=src/embed/{name}.rs");
    }
    let read = |name: &str| {
        let path = source.join("fixtures/models/all-MiniLM-L6-v2").join(name);
        println!("cargo:rerun-if-changed={}", path.display());
        fs::read(&path).map_err(|error| format!("read {}: {error}", path.display()))
    };
    let write = |kind: &str, bytes: Vec<u8>| {
        let path = out.join("all-MiniLM-L6-v2").with_extension(kind);
        fs::write(&path, bytes).map_err(|error| format!("write {}: {error}", path.display()))
    };
    let graph = read("model_int8.onnx")?;
    let packed = pack_graph::pack(&graph, HEADS)?;
    write("remainder", remainder::take_apart(&graph, &packed)?)?;
    write("packed", packed)?;
    let lines = String::from_utf8(read("vocab.txt")?).map_err(|error| error.to_string())?;
    let table = vocabulary::Vocabulary::from_lines(lines).table();
    write("vocabulary", table.into_iter().flat_map(u32::to_le_bytes).collect())
}

/// Returns the version of the system's C library.
fn glibc() -> Option<(u32, u32)> {
    let said = output("getconf", &["GNU_LIBC_VERSION"])?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

/// Makes a folder in which the linker finds the C++ library to link statically, before those of the system; `None` where
/// the compiler has none.
fn static_library(out: &Path) -> Option<PathBuf> {
    const NAME: &str = "libstdc++.a";
    let found = output("cc", &["-print-file-name=libstdc++.a"])?;
    let found = Path::new(found.trim());
    // One that it does not have is named as it was asked for.
    if !found.is_absolute() || !found.exists() {
        return None;
    }
    let folder = out.join("static");
    fs::create_dir_all(&folder).ok()?;
    fs::copy(found, folder.join(NAME)).ok()?;
    Some(folder)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}
