//! Which identity provider is believed.

/// The identity provider whose tokens are believed, and what they must be made out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcOptions {
    /// Its issuer identifier, exactly as its tokens and its discovery document write it: an `https` address, or an `http` one
    /// of this machine.
    pub issuer: String,
    /// The audience (`aud`) that stands for this server in its tokens.
    pub audience: String,
}
