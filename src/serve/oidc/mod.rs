//! Bearer tokens of an identity provider (OAuth 2.0, OIDC): whether one may be believed, and what its claims allow.
//!
//! `issuer` is what the server holds. Invariant: nothing of a token is believed before its signature and its claims were
//! checked by the rules of `token`, with a key that the provider itself published.

mod claims;
mod client;
#[cfg(test)]
mod form_tests;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod issuer;
mod keys;
mod options;
mod refused;
mod ring_provider;
mod rule;
mod schedule;
#[cfg(test)]
mod test_issuer;
#[cfg(test)]
mod test_keys;
#[cfg(test)]
mod tests;
mod token;
#[cfg(test)]
mod token_tests;

pub(super) use issuer::Issuer;
pub use options::OidcOptions;
pub(super) use refused::JwtRefusal;
pub(super) use rule::ParsedRule;
