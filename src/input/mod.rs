//! The input room.
