//! What `fuzz/` calls here: tokens, published keys and rules as bytes.
//!
//! Invariant: a token that is believed is one of the examples, to the letter.

#![allow(clippy::panic, reason = "a panic is what a fuzzer looks for")]

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Map, json};

use super::keys::KeySet;
use super::token::TokenRules;
use super::{OidcOptions, ParsedRule};

const NOW: Duration = Duration::from_hours(500_000);
const RULES: [&str; 3] = [
    r#"groups contains "search" => reader tenant=acme database=main collection=notes-*"#,
    "* => monitor",
    r#"`a => b` != 'c' and level >= 3 => writer tenant="a => ""b""""#,
];

struct Examples {
    rules: TokenRules,
    keys: KeySet,
    published: String,
    tokens: Vec<String>,
}

impl Examples {
    fn get() -> &'static Self {
        static EXAMPLES: OnceLock<Examples> = OnceLock::new();
        EXAMPLES.get_or_init(|| Self::make().unwrap_or_else(|| panic!("the examples cannot be made")))
    }

    fn make() -> Option<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).ok()?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let published = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().as_ref()), "kid": "a", "use": "sig"},
        ]});
        let (iss, exp) = ("https://id.example.com", NOW.as_secs() + 60);
        let claims = [
            json!({"iss": iss, "aud": "huedb", "sub": "ann", "exp": exp}),
            json!({
                "iss": iss, "aud": ["x", "huedb"], "sub": "bob", "exp": exp, "nbf": exp - 90, "iat": exp - 90,
                "groups": ["search"], "realm_access": {"roles": ["admin"]},
            }),
        ];
        let head = json!({"alg": "EdDSA", "kid": "a", "typ": "at+jwt"});
        let sign = |claims: &serde_json::Value| {
            let message = format!("{}.{}", encode(head.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
            format!("{message}.{}", encode(key.sign(message.as_bytes()).as_ref()))
        };
        Some(Self {
            rules: TokenRules::new(&OidcOptions { issuer: iss.into(), audience: "huedb".into() }),
            keys: KeySet::parse(published.to_string().as_bytes()).ok()?,
            published: published.to_string(),
            tokens: claims.iter().map(sign).collect(),
        })
    }
}

/// A token, a set of keys or a rule: the first byte chooses.
pub(crate) fn jwt(bytes: &[u8]) -> bool {
    let Some((&kind, text)) = bytes.split_first() else { return false };
    let examples = Examples::get();
    match kind % 3 {
        0 => {
            let token = String::from_utf8_lossy(text);
            let verified = examples.rules.verify(&token, &examples.keys, UNIX_EPOCH + NOW);
            match verified {
                Ok(_) => assert!(examples.tokens.iter().any(|known| *known == token), "{token}"),
                Err(ref refused) => assert!(!refused.to_string().is_empty() && !refused.name().is_empty()),
            }
            verified.is_ok()
        }
        1 => {
            let Ok(keys) = KeySet::parse(text) else { return false };
            assert!(keys.find(None, Algorithm::HS256).is_err() && keys.find(Some("a"), Algorithm::HS256).is_err());
            keys.find(Some("a"), Algorithm::EdDSA).is_ok()
        }
        _ => match ParsedRule::parse(&String::from_utf8_lossy(text)) {
            Ok(rule) => {
                assert!(!rule.role.is_empty());
                let claims = Map::from_iter([("level".to_owned(), json!(3)), ("groups".to_owned(), json!(["search"]))]);
                rule.matches(&claims)
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let _ = error.hint();
                false
            }
        },
    }
}

/// What is read, as seeds.
#[cfg(test)]
pub(crate) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let examples = Examples::get();
    let tokens = examples.tokens.iter().map(|token| format!("0{token}"));
    let rules = RULES.iter().map(|rule| format!("2{rule}"));
    let all = tokens.chain([format!("1{}", examples.published)]).chain(rules);
    all.map(|text| ("jwt", text.into_bytes())).collect()
}
