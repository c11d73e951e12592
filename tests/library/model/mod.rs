//! Random sequences of all operations on real files, and after each the same answer as the contract in plain memory.
//!
//! `HUEDB_SEED` runs a sequence again, `HUEDB_OPERATIONS` sets its length. A failure names the seed, the number of the
//! operation, the operation, and what differed.

mod collections;
mod contract;
mod draw;
mod facts;
mod filter;
pub(crate) mod place;
mod questions;
mod rank;
mod records;
mod value;
mod world;

use std::cell::RefCell;

use crate::random::Random;
use place::ModelPlace;
use world::World;

pub(crate) const OPERATIONS: usize = 10_000;
/// Operations before a new place is begun.
const IN_ONE_PLACE: usize = 1000;

/// Says where a sequence stopped, also when the library panicked.
struct Place<'a> {
    operation: usize,
    what: &'a RefCell<String>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("at operation {}: {}", self.operation, self.what.borrow());
        }
    }
}

/// Runs so many operations on places of one kind, each as it is made, empty.
pub(crate) fn every_operation_does_what_the_contract_says(usual: usize, place: impl Fn() -> Box<dyn ModelPlace>) {
    let mut random = Random::new();
    let operations = std::env::var("HUEDB_OPERATIONS").map_or(usual, |given| given.parse().unwrap());
    eprintln!("HUEDB_SEED={} HUEDB_OPERATIONS={operations}", random.seed());
    let (mut world, mut recall) = (None, questions::Recall::default());
    for operation in 0..operations {
        if operation % IN_ONE_PLACE == 0 {
            recall.add(world.take().map(World::finish).unwrap_or_default());
            world = Some(World::new(place()));
        }
        let world = world.as_mut().unwrap();
        let what = RefCell::default();
        let _place = Place { operation, what: &what };
        if let Err(difference) = world.step(&mut random, &what) {
            panic!("{difference}");
        }
    }
    recall.add(world.map(World::finish).unwrap_or_default());
    recall.check();
}
