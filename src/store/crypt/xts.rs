//! AES-256-XTS (IEEE 1619) over sectors of 4 KiB.
//!
//! Written over the block cipher, since a whole sector at a time is what keeps its pipeline full: the xts-mode crate
//! hands over one block at a time and is 30 times as slow. Invariant: equal text in an equal place has equal
//! cipher text, block of 16 bytes by block, so a page written again unchanged changes no byte of the file.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes256, Block};

/// Bytes that share a sequence of tweaks.
pub(super) const SECTOR: usize = 4096;
const BLOCKS: usize = SECTOR / size_of::<Block>();
/// x^128 = x^7 + x^2 + x + 1, the field that tweaks are multiplied in.
const FIELD: u128 = 0x87;

/// Two keys: one for the text, one for the places.
pub(super) const KEY_BYTES: usize = 64;

pub(in crate::store) struct Xts {
    text: Aes256,
    place: Aes256,
}

impl Xts {
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let (text, place) = key.split_at(KEY_BYTES / 2);
        let cipher = |half: &[u8]| Aes256::new_from_slice(half).unwrap_or_else(|_| unreachable!("half of 64 bytes"));
        Self { text: cipher(text), place: cipher(place) }
    }

    /// Encrypts in place the sectors from number `first` on; the last may be shorter, in blocks of 16 bytes.
    pub(super) fn encrypt(&self, first: u64, bytes: &mut [u8]) {
        for (number, sector) in (first..).zip(bytes.chunks_mut(SECTOR)) {
            self.sector(number, sector, |blocks| self.text.encrypt_blocks(blocks));
        }
    }

    /// Decrypts them; a sector of zeros was never written and stays as it is.
    pub(super) fn decrypt(&self, first: u64, bytes: &mut [u8]) {
        for (number, sector) in (first..).zip(bytes.chunks_mut(SECTOR)) {
            if sector.iter().any(|byte| *byte != 0) {
                self.sector(number, sector, |blocks| self.text.decrypt_blocks(blocks));
            }
        }
    }

    fn sector(&self, number: u64, sector: &mut [u8], cipher: impl Fn(&mut [Block])) {
        let mut place = Block::from(u128::from(number).to_le_bytes());
        self.place.encrypt_block(&mut place);
        let mut tweak = u128::from_le_bytes(place.0);
        let mut tweaks = [0; BLOCKS];
        let (blocks, _) = Block::slice_as_chunks_mut(sector);
        for (block, kept) in blocks.iter_mut().zip(&mut tweaks) {
            *kept = tweak;
            xor(block, tweak);
            tweak = (tweak << 1) ^ (FIELD & (tweak >> 127).wrapping_neg());
        }
        cipher(blocks);
        for (block, tweak) in blocks.iter_mut().zip(tweaks) {
            xor(block, tweak);
        }
    }
}

fn xor(block: &mut Block, tweak: u128) {
    block.0 = (u128::from_le_bytes(block.0) ^ tweak).to_le_bytes();
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const KEY: &str = "2718281828459045235360287471352662497757247093699959574966967627\
                       3141592653589793238462643383279502884197169399375105820974944592";

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn cipher() -> Xts {
        Xts::new(&bytes(KEY).try_into().unwrap())
    }

    #[test]
    fn the_vectors_of_ieee_1619_for_256_bits() {
        let text: Vec<u8> = (0..=255).chain(0..=255).collect();
        // Vectors 10 to 14: the number of the data unit, first and last block, and the sha256 of the whole.
        for (number, first, last, digest) in [
            (
                0xff,
                "1c3b3a102f770386e4836c99e370cf9b",
                "c4f36ffda9fcea70b9c6e693e148c151",
                "e97e974fa393af794f7a4684395814cf820de60a01eaec677d87b452e316b364",
            ),
            (
                0xffff,
                "77a31251618a15e6b92d1d66dffe7b50",
                "a4f9e27b42af8100cb9d59cef9645803",
                "def4fad29e95dfe1a24b1ad4620f86d7be094cced5b19e0b121aa82d9e6baf98",
            ),
            (
                0xff_ffff,
                "e387aaa58ba483afa7e8eb469778317e",
                "2263a1eef52dd6888c309f5a7d712826",
                "8bf44861a081dd660d91ce615b5cdfb4d5df9d72c3025c12e67cc0ae097fa5d5",
            ),
            (
                0xffff_ffff,
                "bf53d2dade78e822a4d949a9bc6766b0",
                "4c82f335abb152c4a93411373aaa8220",
                "c706140a11affda7402234f5e6331eacbfeb687d8e80d83962691823bb3636f0",
            ),
            (
                0xff_ffff_ffff,
                "64497e5a831e4a932c09be3e5393376d",
                "d609d273ad5b0d59631c531f6a0a57b9",
                "afba71abc4e95b186d89a63a5437c1bafcfd1a18ca273970c534aba4f8d05282",
            ),
        ] {
            let mut unit = text.clone();
            cipher().encrypt(number, &mut unit);
            assert_eq!((&unit[..16], &unit[496..]), (&bytes(first)[..], &bytes(last)[..]), "unit {number:#x}");
            assert_eq!(Sha256::digest(&unit)[..], bytes(digest), "unit {number:#x}");
            cipher().decrypt(number, &mut unit);
            assert_eq!(unit, text, "unit {number:#x}");
        }
    }

    #[test]
    fn whole_sectors_are_those_of_openssl() {
        let text: Vec<u8> = (0..2 * SECTOR).map(|i| i as u8).collect();
        let mut sectors = text.clone();
        cipher().encrypt(7, &mut sectors);
        // OpenSSL 3, aes-256-xts, data units 7 and 8.
        let digest = "3165ca6eb1cc42f9973180f1bff00156de6aff02dad7403dfe9563bbbde4d637";
        assert_eq!(Sha256::digest(&sectors)[..], bytes(digest));
        cipher().decrypt(7, &mut sectors);
        assert_eq!(sectors, text);
    }

    #[test]
    fn a_sector_of_zeros_was_never_written() {
        let mut sectors = vec![0; 3 * SECTOR];
        cipher().encrypt(5, &mut sectors[..SECTOR]);
        assert!(sectors[..SECTOR].iter().any(|byte| *byte != 0), "zeros are encrypted as any text");
        cipher().decrypt(5, &mut sectors);
        assert_eq!(sectors, vec![0; 3 * SECTOR]);
    }
}
