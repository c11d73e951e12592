//! The server, as a process of its own, asked by real clients over HTTP.

mod beside;
mod clients;
mod hostile;
mod kill;
mod model;
#[path = "../library/random.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which draw vectors as well")]
mod random;
mod routes;
mod running;
mod stop;
