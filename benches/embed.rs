//! How many texts a second the encoder in the program embeds, beside the engine that `HUEDB_RUNTIME` or the machine offers.
//!
//! `cargo bench --bench embed`; one JSON line a figure. Both take turns, and each figure is the best of several rounds.
//! `ROUNDS` (5) and `TOKENS` (16384, of a round) set the size. Invariant: every text has exactly as many tokens as are said.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use huedb::embed::{DEFAULT_MODEL, Embedder, LoadOptions, RuntimeChoice, TextRole, load, runtime};

/// Each is one token.
const WORDS: [&str; 12] = [
    "river", "stone", "cloud", "engine", "copper", "harvest", "night", "paper", "signal", "garden", "winter", "market",
];

fn main() -> Result<(), Box<dyn Error>> {
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rounds, tokens) = (number("ROUNDS", 5), number("TOKENS", 16_384));
    let present = LoadOptions::from_env()?;
    let mut own = present.clone();
    own.runtime = RuntimeChoice::BuiltIn;
    own.loaded = huedb::embed::ModelCache::default();
    let engines = [load(DEFAULT_MODEL, &own)?, load(DEFAULT_MODEL, &present)?];
    let names = [runtime(&own)?, runtime(&present)?].map(|engine| format!("{} {}", engine.kind, engine.version));
    for length in [16, 64, 256] {
        // The first and the last token are the tokenizer's own.
        let text = |at: usize| {
            let words: Vec<&str> = WORDS.iter().copied().cycle().skip(at * 5 % 12).take(length - 2).collect();
            words.join(" ")
        };
        let texts: Vec<String> = (0..tokens / length).map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut best = [f64::INFINITY; 2];
        for _ in 0..rounds {
            for (engine, best) in engines.iter().zip(&mut best) {
                let start = Instant::now();
                black_box(engine.embed(black_box(&texts), TextRole::Document)?);
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let [own, present] = best.map(|seconds| texts.len() as f64 / seconds);
        for (name, rate) in names.iter().zip([own, present]) {
            println!(r#"{{"bench":"embed","engine":"{name}","tokens":{length},"texts_per_second":{rate:.1}}}"#);
        }
        println!(r#"{{"bench":"embed","tokens":{length},"times":{:.2}}}"#, own / present);
    }
    Ok(())
}
