//! Every target over its seeds, and over mutations of them: what CI runs of the fuzzing.
//!
//! `make fuzz` runs libFuzzer over the same functions, for as long as is wanted. `UPDATE=1` writes the seeds of codecs,
//! which nobody writes by hand.

use std::fs;
use std::path::{Path, PathBuf};

use super::TARGETS;
use crate::record::random::Random;
use crate::{index, store};

/// Tried of each target, unless `HUEDB_MUTATIONS` says how many.
const MUTATIONS: u64 = 1500;

/// Bytes and numbers at which codecs go wrong.
const EDGES: [u8; 8] = [0, 1, 0x0a, 0x22, 0x7f, 0x80, 0xfe, 0xff];
const NUMBERS: [u64; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, u64::MAX - 1, u64::MAX];

fn folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", "seeds", target].iter().collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Writes what it holds to a file when a target panics, so that it can become a seed.
struct SeedOnPanic<'a> {
    target: &'a str,
    bytes: &'a [u8],
}

impl Drop for SeedOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(format!("found-{}", self.target));
            let _ = fs::write(&path, self.bytes);
            #[expect(clippy::print_stderr, reason = "the input belongs to the report of the failed test")]
            {
                eprintln!("the input is in {}; put it into {}", path.display(), folder(self.target).display());
            }
        }
    }
}

fn try_input(target: &str, run: fn(&[u8]) -> bool, bytes: &[u8]) -> bool {
    let input = SeedOnPanic { target, bytes };
    run(input.bytes)
}

#[test]
fn seeds_are_read() {
    let examples = [
        store::fuzzing::examples(),
        index::graph_fuzzing::examples(),
        #[cfg(feature = "serve")]
        crate::serve::oidc::fuzzing::examples(),
        store::fuzzing::cluster_examples(),
    ]
    .concat();
    if std::env::var_os("UPDATE").is_some() {
        for (target, _) in TARGETS {
            let of_target = examples.iter().filter(|(of, _)| of == &target).zip(0..);
            for ((_, bytes), at) in of_target {
                fs::create_dir_all(folder(target)).unwrap();
                fs::write(folder(target).join(format!("example-{at:02}")), bytes).unwrap();
            }
        }
    }
    for (target, run) in TARGETS {
        let read = seeds(target).iter().filter(|seed| try_input(target, run, seed)).count();
        assert!(read > 0, "no seed of {target} is read as a value; UPDATE=1 writes those of codecs");
    }
    for (target, bytes) in &examples {
        let (_, run) = TARGETS.iter().find(|(known, _)| known == target).unwrap();
        assert!(try_input(target, *run, bytes), "an example of {target}");
    }
}

#[test]
fn mutations_of_seeds_are_survived() {
    let mut random = Random::new();
    let given = std::env::var("HUEDB_MUTATIONS").ok().and_then(|given| given.parse().ok());
    for (target, run) in TARGETS {
        let seeds = seeds(target);
        for _ in 0..given.unwrap_or(MUTATIONS) {
            let (mut bytes, other) = (random.pick(&seeds).clone(), random.pick(&seeds).clone());
            for _ in 0..=random.below(4) {
                mutate(&mut bytes, &other, &mut random);
            }
            try_input(target, run, &bytes);
        }
    }
}

/// A place in `bytes`, its end among them.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    usize::try_from(random.below(bytes.len() as u64 + 1)).unwrap()
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = place(bytes, random);
    let end = (at + 1 + place(&[0; 16], random)).min(bytes.len());
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = *random.pick(&EDGES),
        2 => drop(bytes.splice(at..at, random.bytes(3))),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        5 => {
            let from = place(other, random);
            bytes.splice(at.., other[from..].iter().copied());
        }
        _ => {
            let number = random.pick(&NUMBERS).to_le_bytes();
            let width = 1 << random.below(4);
            bytes.iter_mut().skip(at).zip(number).take(width).for_each(|(byte, new)| *byte = new);
        }
    }
}
