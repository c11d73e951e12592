//! Random numbers that a seed decides; a test that panics prints it.

use std::time::SystemTime;

#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// Starts from `HUEDB_SEED`, else from the clock.
    pub(crate) fn new() -> Self {
        let given = std::env::var("HUEDB_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(clock);
        Self { seed, state: seed }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Whether something happens that does so in this many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A vector whose components lie around zero as a sum of four uniform ones does.
    pub(crate) fn vector(&mut self, dimension: usize) -> Vec<f32> {
        let component = |random: &mut Self| {
            let parts = random.next();
            (0..4).map(|i| (parts >> (16 * i) & 0xffff) as f32 / 65_536.0 - 0.5).sum()
        };
        (0..dimension).map(|_| component(self)).collect()
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("run this test again with HUEDB_SEED={}", self.seed);
        }
    }
}
