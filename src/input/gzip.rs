//! The members of a gzip stream, one after another.
//!
//! Zero bytes behind a member are padding, as of a tape or a block device, which gzip itself passes over. Invariant: what
//! follows a member and is neither padding nor another member is an error.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks all members.
pub(super) struct Members<R> {
    /// `None` when the last member is read, and after an error.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let Some(mut packed) = self.member.take().map(GzDecoder::into_inner) else { break };
            if has_more(&mut packed)? {
                self.member = Some(GzDecoder::new(packed));
            }
        }
        Ok(0)
    }
}

/// Passes over padding; returns whether something follows it.
fn has_more(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let block = match packed.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            block => block?,
        };
        let zeros = block.iter().take_while(|&&b| b == 0).count();
        let (found, ended) = (zeros < block.len(), block.is_empty());
        packed.consume(zeros);
        if found || ended {
            return Ok(found);
        }
    }
}
