//! What the benches of the server share: answers as they come in, questions, and how long a figure is measured.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

pub(crate) type Done<T> = Result<T, Box<dyn Error>>;

/// Reads an answer; returns its status and its body.
pub(crate) fn read_answer(stream: &mut impl BufRead) -> Done<(u16, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).ok_or("no status")?.parse()?;
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let head = line.trim_end().to_ascii_lowercase();
        if head.is_empty() {
            break;
        }
        if let Some(value) = head.strip_prefix("content-length: ") {
            length = value.parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, body))
}

pub(crate) fn seconds() -> Duration {
    Duration::from_secs(std::env::var("SECONDS").ok().and_then(|given| given.parse().ok()).unwrap_or(5))
}

/// The vectors of a matrix of `NumPy`, or of bare numbers.
pub(crate) fn read_vectors(path: &Path) -> Done<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path)?;
    let bare = bytes.len() % (4 * 384);
    let (words, _) = bytes[bare..].as_chunks::<4>();
    let numbers: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    Ok(numbers.chunks_exact(384).map(<[f32]>::to_vec).collect())
}
