//! Which steps of a panel of weights AVX2 adds up in 16 bits, kept with the layer that they are of.
//!
//! Found and used by [`super::native`], which reads weights by these numbers. Invariant: every one is below the number of steps.

/// How the steps of a panel are multiplied, for each 16 columns.
pub(super) struct Pairs(pub(super) [Quarter; 4]);

/// How the steps of 16 columns are multiplied.
#[derive(Default)]
pub(super) struct Quarter {
    steps: usize,
    together: Vec<[usize; 2]>,
    alone: Vec<usize>,
}

impl Quarter {
    /// Takes steps whose products are added up in 16 bits, and others; nothing where one is not below `steps`.
    pub(super) fn new(steps: usize, together: Vec<[usize; 2]>, alone: Vec<usize>) -> Self {
        let are_steps = together.as_flattened().iter().chain(&alone).all(|step| *step < steps);
        if are_steps { Self { steps, together, alone } } else { Self::default() }
    }

    /// Returns how many steps the panel has.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Returns the steps whose products are added up in 16 bits, each below [`Self::steps`].
    pub(super) fn together(&self) -> &[[usize; 2]] {
        &self.together
    }

    /// Returns the others, each below [`Self::steps`].
    pub(super) fn alone(&self) -> &[usize] {
        &self.alone
    }
}
