//! What a request says of who sends it.
//!
//! The clients in use send a token in three ways, and all are taken: `X-Chroma-Token`, `Authorization: Bearer`, and Basic, where
//! it stands for the password or the name. Invariant: a request that says two different things is refused.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::record::TokenText;

static CHROMA_TOKEN: HeaderName = HeaderName::from_static("x-chroma-token");

/// Who a request says it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) enum Credential {
    /// It does not say.
    Nobody,
    /// The holder of one of the file's tokens.
    Token(TokenText),
    /// Somebody an identity provider vouches for.
    Signed(String),
    /// Nothing that could be one of them.
    Malformed,
}

impl Credential {
    /// Reads it from the head of a request.
    pub(in crate::serve) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::Nobody;
        let texts = headers.get_all(&CHROMA_TOKEN).iter().map(|value| text(value).map(without_scheme));
        let texts = texts.chain(headers.get_all(AUTHORIZATION).iter().map(authorization));
        for read in texts {
            let read = read.map_or(Self::Malformed, |text| Self::read(&text));
            if found == Self::Nobody {
                found = read;
            } else if found != read {
                return Self::Malformed;
            }
        }
        found
    }

    fn read(text: &str) -> Self {
        match TokenText::parse(text) {
            Some(token) => Self::Token(token),
            // Three parts in the alphabet of base64url.
            None if text.split('.').count() == 3 && !text.contains(char::is_whitespace) => Self::Signed(text.into()),
            None => Self::Malformed,
        }
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

/// Some clients write the scheme into Chroma's header, too.
fn without_scheme(text: &str) -> String {
    strip_scheme(text, "bearer").unwrap_or(text).to_owned()
}

fn strip_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (written, rest) = text.split_once(' ')?;
    written.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn authorization(value: &HeaderValue) -> Option<String> {
    let text = text(value)?;
    if let Some(token) = strip_scheme(text, "bearer") {
        return Some(token.to_owned());
    }
    let pair = String::from_utf8(STANDARD.decode(strip_scheme(text, "basic")?).ok()?).ok()?;
    let (name, password) = pair.split_once(':').unwrap_or((&pair, ""));
    Some(if password.is_empty() { name } else { password }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, String)]) -> Credential {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Credential::of(&map)
    }

    #[test]
    fn a_token_is_taken_from_wherever_clients_put_it() {
        let text = TokenText::draw().unwrap();
        let token = text.as_str();
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        for headers in [
            [("x-chroma-token", token.to_owned())],
            [("x-chroma-token", format!("Bearer {token}"))],
            [("authorization", format!("Bearer {token}"))],
            [("authorization", format!("bearer  {token} "))],
            [("authorization", basic(format!("ann:{token}")))],
            [("authorization", basic(format!("{token}:")))],
        ] {
            assert_eq!(of(&headers), Credential::Token(text.clone()), "{headers:?}");
        }
        let twice = [("x-chroma-token", token.to_owned()), ("authorization", format!("Bearer {token}"))];
        assert_eq!(of(&twice), Credential::Token(text));
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_nobody() {
        assert_eq!(of(&[]), Credential::Nobody);
        assert_eq!(of(&[("authorization", "Bearer a.b.c".into())]), Credential::Signed("a.b.c".into()));
        let other = TokenText::draw().unwrap().as_str().to_owned();
        for headers in [
            vec![("authorization", String::new())],
            vec![("authorization", "Bearer".into())],
            vec![("authorization", "Basic !!!".into())],
            vec![("authorization", "Digest abc".into())],
            vec![("x-chroma-token", "secret".into())],
            vec![("x-chroma-token", other), ("authorization", "Bearer a.b.c".into())],
        ] {
            assert_eq!(of(&headers), Credential::Malformed, "{headers:?}");
        }
    }
}
