//! Every operation, with every fault a disk has, at every place: no acknowledged write is lost, none is there by half.
//!
//! Each operation is run again and again, with the fault one call later each time, until it ends before the fault comes.
//! After each run the file is opened, compared with what it held after each acknowledged write of a run without a
//! fault, and checked in depth. Invariant: a file holds what the last acknowledged write left, or the write after
//! it, whole; when the disk was full it holds the former, and can be read while it is full.

mod content;
mod disk;
mod operation;
mod trial;
