//! The server, as a process of its own, asked by real clients over HTTP.

mod beside;
mod clients;
mod kill;
mod random;
mod routes;
mod running;
mod stop;
