//! What a packed model and whoever reads it agree on.
//!
//! [`MAGIC`], the numbers of a [`Head`], then arrays one after another, each at a multiple of [`ALIGN`]:
//!
//! | array | numbers |
//! |---|---|
//! | each table that has rows, of words, positions and segments: its rows, then their scales and zero points in pairs | `u8` x rows x hidden, `f32` x 2, or x 2 x rows where each row has its own |
//! | normalisation of the embeddings: weights, biases | `f32` x hidden, twice |
//! | where scores of attention are biased by distance: the biases, for powers of 2 | `f32` x heads x distances |
//! | each layer: questions with keys and values, output, normalisation, up, down, normalisation | |
//! | a dense layer: weights as `[columns / 64][rows / 4][64][4]`, scales, sums, biases | `i8` x rows x columns, `f32` x columns, three times |
//!
//! The build script compiles this file too. Invariant: what changes here changes the version in [`MAGIC`].

/// How a packed model begins: a name and a version.
pub(crate) const MAGIC: [u8; 8] = *b"huedbBE2";
/// Every array begins at a multiple of this.
pub(crate) const ALIGN: usize = 64;
/// Columns of a panel of weights.
pub(crate) const COLUMNS: usize = 64;
/// Rows of weights in a step of a panel: what one instruction multiplies and adds.
pub(crate) const STEP: usize = 4;
/// Bytes of a step of a panel of weights.
#[allow(dead_code, reason = "the build script writes them one by one")]
pub(crate) const STEP_BYTES: usize = COLUMNS * STEP;
/// More than any model of the kind has.
pub(crate) const MAX_LAYERS: usize = 256;

/// Distances between tokens that have a bias each, in models that have such.
pub(crate) const DISTANCES: usize = 32;

/// Numbers of a head, each of eight bytes; those that nothing is said of are 0.
const NUMBERS: usize = 31;

/// What the arrays are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Head {
    pub(crate) hidden: usize,
    pub(crate) feed_forward: usize,
    pub(crate) layers: usize,
    /// Heads of attention.
    pub(crate) heads: usize,
    /// Rows of the tables of words, positions and segments.
    pub(crate) rows: [usize; 3],
    /// Whether each row of the tables has its own scale.
    pub(crate) scale_by_row: bool,
    /// The position of a text's first token.
    pub(crate) first_position: usize,
    /// Biases of scores by distance for each head: none, or [`DISTANCES`].
    pub(crate) distances: usize,
    /// Keeps a normalisation from dividing by nothing.
    pub(crate) epsilon: f32,
    /// Whether weights have eight bits, not seven, with the sign.
    pub(crate) wide: bool,
}

#[allow(dead_code, reason = "the build script writes and the library reads")]
impl Head {
    /// Where the first array can begin.
    pub(crate) const BYTES: usize = MAGIC.len() + NUMBERS * 8;

    /// Returns the beginning of a packed model.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Self { hidden, feed_forward, layers, heads, rows: [words, positions, segments], .. } = self;
        let sizes = [hidden, feed_forward, layers, heads, words, positions, segments];
        let others = [usize::from(self.scale_by_row), self.first_position, self.distances];
        let numbers = sizes.into_iter().chain(others).map(|number| number as u64);
        let mut bytes = MAGIC.to_vec();
        let numbers = numbers.chain([u64::from(self.epsilon.to_bits()), u64::from(self.wide)]);
        bytes.extend(numbers.flat_map(u64::to_le_bytes));
        bytes.resize(Self::BYTES, 0);
        bytes
    }

    /// Refuses an encoder that cannot be run.
    ///
    /// # Errors
    /// What about it cannot be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { hidden, feed_forward, layers, heads, rows: [words, positions, _], .. } = *self;
        let fits = |size: usize| size > 0 && size.is_multiple_of(COLUMNS) && size <= 1 << 16;
        let of_head = if heads > 0 && hidden.is_multiple_of(heads) { hidden / heads } else { 0 };
        if !fits(hidden) || !fits(feed_forward) || !matches!(of_head, 32 | 64) || !(1..=MAX_LAYERS).contains(&layers) {
            return Err(format!(
                "{layers} layers of {hidden} components, {heads} heads and {feed_forward} between are no sizes it can have"
            ));
        }
        if words == 0 || positions <= self.first_position {
            return Err(format!("it has {words} tokens at {positions} positions from {} on", self.first_position));
        }
        let is_small = self.epsilon > 0.0 && self.epsilon < 1.0;
        if !matches!(self.distances, 0 | DISTANCES) || !is_small {
            return Err("its attention or its normalisation is of another kind".to_owned());
        }
        Ok(())
    }

    /// Reads the beginning of a packed model.
    ///
    /// # Errors
    /// Why it is none of this version.
    pub(crate) fn read(packed: &[u8]) -> Result<Self, String> {
        let rest = packed.strip_prefix(&MAGIC).ok_or("its packed form is of another version")?;
        let numbers = rest.as_chunks::<8>().0.get(..NUMBERS).ok_or("its packed form is cut off")?;
        let mut numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || numbers.next().and_then(|number| usize::try_from(number).ok()).ok_or("its head is damaged");
        let flag = |number| match number {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("its head is damaged"),
        };
        Ok(Self {
            hidden: next()?,
            feed_forward: next()?,
            layers: next()?,
            heads: next()?,
            rows: [next()?, next()?, next()?],
            scale_by_row: flag(next()?)?,
            first_position: next()?,
            distances: next()?,
            epsilon: f32::from_bits(u32::try_from(next()?).map_err(|_| "its head is damaged")?),
            wide: flag(next()?)?,
        })
    }
}
