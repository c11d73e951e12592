//! Why a token is not believed.
//!
//! Invariant: what is shown of a token is short and printable, and never its signature.

use std::fmt;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) enum JwtRefusal {
    /// It is no signed token of the form that is taken.
    Malformed(&'static str),
    /// It is signed in a way that is not taken, or not the way of its key.
    Algorithm(String),
    /// The provider publishes no key of its name; the provider is asked again.
    UnknownKey(Option<String>),
    /// Another key made its signature, or it was changed.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It is made out to another server.
    Audience,
    /// Another provider made it out.
    Issuer,
    /// A claim is missing or has the wrong form.
    Claims(String),
}

impl JwtRefusal {
    /// Returns the reason in a word, for what is counted and recorded.
    pub(in crate::serve) fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Algorithm(_) => "algorithm",
            Self::UnknownKey(_) => "unknown_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Claims(_) => "claims",
        }
    }
}

/// Shows the start of a text of whoever sent the token.
fn start_of(text: &str) -> String {
    const SHOWN: usize = 64;
    let start: String = text.chars().take(SHOWN).collect();
    format!("{start:?}{}", if start.len() < text.len() { "..." } else { "" })
}

impl fmt::Display for JwtRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "the token cannot be read: {why}"),
            Self::Algorithm(name) => write!(
                f,
                "the token's algorithm {} is not taken, or not with its key; RS256, PS256, ES256 and EdDSA are",
                start_of(name)
            ),
            Self::UnknownKey(Some(id)) => {
                write!(f, "the identity provider publishes no key {} yet; try again in a minute", start_of(id))
            }
            Self::UnknownKey(None) => {
                f.write_str("the token names no key, and not exactly one of the identity provider's keys fits")
            }
            Self::Signature => f.write_str("the signature of the token is wrong"),
            Self::Expired => f.write_str("the token has expired; get a new one"),
            Self::NotYet => {
                f.write_str("the token is not valid yet; compare the clocks of this machine and the provider")
            }
            Self::Audience => f.write_str("the token is made out to another audience"),
            Self::Issuer => f.write_str("the token was made out by another issuer"),
            Self::Claims(why) => write!(f, "the token's claims are not taken: {why}"),
        }
    }
}

impl std::error::Error for JwtRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_says_is_shown_short_and_printable() {
        let shown = JwtRefusal::UnknownKey(Some(format!("\u{1b}[31m{}", "k".repeat(10_000)))).to_string();
        assert!(shown.len() < 200 && !shown.contains('\u{1b}'), "{shown}");
    }
}
