//! Which tokens are believed, against keys at hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value as Json, json};

use super::keys::KeySet;
use super::test_keys::{TestKey, base64url};
use super::token::TokenRules;
use super::{JwtRefusal, OidcOptions};

pub(super) const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
const ISSUER: &str = "https://id.example.com";
const NOW: u64 = 1_800_000_000;

pub(super) fn published(keys: &[Json]) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

/// Claims that are believed, with some of them set, or removed by null.
pub(super) fn claims(changes: Json) -> Json {
    let mut claims = json!({"iss": ISSUER, "aud": "huedb", "sub": "ann", "exp": NOW + 60, "iat": NOW, "nbf": NOW});
    let Json::Object(changes) = changes else { panic!("{changes}") };
    claims.as_object_mut().unwrap().extend(changes);
    claims.as_object_mut().unwrap().retain(|_, claim| !claim.is_null());
    claims
}

fn verify_at(token: &str, keys: &KeySet, now: SystemTime) -> Result<Map<String, Json>, JwtRefusal> {
    TokenRules::new(&OidcOptions { issuer: ISSUER.into(), audience: "huedb".into() }).verify(token, keys, now)
}

pub(super) fn verify(token: &str, keys: &KeySet) -> Result<Map<String, Json>, JwtRefusal> {
    verify_at(token, keys, UNIX_EPOCH + Duration::from_secs(NOW))
}

#[track_caller]
pub(super) fn assert_refused(token: &str, keys: &KeySet, name: &str) {
    let refused = verify(token, keys).unwrap_err();
    assert_eq!(refused.name(), name, "{refused}");
}

#[test]
fn tokens_of_every_algorithm_are_believed() {
    for algorithm in ALGORITHMS {
        let key = TestKey::new(algorithm);
        let keys = published(&[key.jwk("a")]);
        let wanted = claims(json!({"groups": ["search"], "realm_access": {"roles": ["x"]}}));
        assert_eq!(Json::Object(verify(&key.token("a", &wanted), &keys).unwrap()), wanted, "{algorithm}");
        let changed = key.token("a", &claims(json!({"sub": "bob"})));
        let (message, _) = changed.rsplit_once('.').unwrap();
        let (_, signature) =
            key.token("a", &wanted).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_refused(&format!("{message}.{signature}"), &keys, "signature");
        assert_refused(&format!("{message}."), &keys, "signature");
    }
}

#[test]
fn other_algorithms_are_refused_before_keys_are_looked_at() {
    let key = TestKey::new("RS256");
    let none = KeySet::default();
    for name in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS384", "PS512", "ES384", "ES256K", "rs256"] {
        let token = key.token_of(&json!({"alg": name, "kid": "a"}), &claims(json!({})));
        for token in [token.clone(), format!("{}.", token.rsplit_once('.').unwrap().0)] {
            assert_refused(&token, &none, "algorithm");
        }
    }
    for head in [json!({"kid": "a"}), json!({"alg": ["RS256"]}), json!({"alg": null}), json!([]), json!("RS256")] {
        assert_refused(&key.token_of(&head, &claims(json!({}))), &none, "malformed");
    }
}

#[test]
fn a_published_key_is_no_secret_of_an_hmac() {
    let key = TestKey::new("RS256");
    let jwk = key.jwk("a");
    // Nor is a secret that is published by mistake.
    let secret = json!({"kty": "oct", "k": base64url("secret of 32 bytes, or some more."), "kid": "b"});
    let keys = published(&[jwk.clone(), secret]);
    for (id, bytes) in [
        ("a", jwk["n"].as_str().unwrap().as_bytes().to_vec()),
        ("a", jwk.to_string().into_bytes()),
        ("b", b"secret of 32 bytes, or some more.".to_vec()),
    ] {
        let head = json!({"alg": "HS256", "kid": id});
        let message = format!("{}.{}", base64url(head.to_string()), base64url(claims(json!({})).to_string()));
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes);
        let signature = base64url(ring::hmac::sign(&secret, message.as_bytes()));
        assert_refused(&format!("{message}.{signature}"), &keys, "algorithm");
        let relabelled = message.replacen(&base64url(head.to_string()), &base64url(r#"{"alg":"RS256","kid":"b"}"#), 1);
        assert_refused(&format!("{relabelled}.{signature}"), &keys, "unknown_key");
    }
}

#[test]
fn a_key_is_for_its_own_algorithm_only() {
    let (rsa, ed) = (TestKey::new("RS256"), TestKey::new("EdDSA"));
    let keys = published(&[rsa.jwk("rsa"), ed.jwk("ed")]);
    for (signer, algorithm, id) in [(&rsa, "PS256", "rsa"), (&rsa, "EdDSA", "rsa"), (&ed, "RS256", "ed")] {
        let token = signer.token_of(&json!({"alg": algorithm, "kid": id}), &claims(json!({})));
        assert_refused(&token, &keys, "algorithm");
    }
    // A key that names no algorithm is for both of its kind.
    let mut open = rsa.jwk("rsa");
    open.as_object_mut().unwrap().remove("alg");
    let keys = published(&[open]);
    for signer in [rsa, TestKey::new("PS256")] {
        verify(&signer.token("rsa", &claims(json!({}))), &keys).unwrap();
    }
}

#[test]
fn another_key_of_the_same_name_does_not_sign() {
    for algorithm in ["ES256", "EdDSA"] {
        let keys = published(&[TestKey::new(algorithm).jwk("a")]);
        assert_refused(&TestKey::new(algorithm).token("a", &claims(json!({}))), &keys, "signature");
    }
}

#[test]
fn a_token_without_a_key_name_needs_exactly_one_that_fits() {
    let (ed, other, ec) = (TestKey::new("EdDSA"), TestKey::new("EdDSA"), TestKey::new("ES256"));
    let token = ed.token_of(&json!({"alg": "EdDSA"}), &claims(json!({})));
    verify(&token, &published(&[ed.jwk("a"), ec.jwk("b")])).unwrap();
    assert_refused(&token, &published(&[ed.jwk("a"), other.jwk("b")]), "unknown_key");
    assert_refused(&token, &published(&[ec.jwk("b")]), "unknown_key");
    assert_refused(&ed.token("c", &claims(json!({}))), &published(&[ed.jwk("a")]), "unknown_key");
}

#[test]
fn claims_are_checked() {
    let key = TestKey::new("EdDSA");
    let keys = published(&[key.jwk("a")]);
    for changes in [
        json!({"aud": ["other", "huedb"]}),
        json!({"nbf": null, "iat": null}),
        json!({"exp": NOW - 29}),
        json!({"nbf": NOW + 30}),
        json!({"exp": 1.8e9 + 0.5, "nbf": 1.79e9}),
        // When it was made is nobody's business but must be a number.
        json!({"iat": NOW + 1000}),
    ] {
        verify(&key.token("a", &claims(changes.clone())), &keys)
            .unwrap_or_else(|refused| panic!("{changes}: {refused}"));
    }
    for (changes, name) in [
        (json!({"aud": "huedb2"}), "audience"),
        (json!({"aud": ["a", "b"]}), "audience"),
        (json!({"aud": []}), "audience"),
        (json!({"aud": null}), "claims"),
        (json!({"aud": 1}), "claims"),
        (json!({"aud": {"huedb": "huedb"}}), "claims"),
        (json!({"iss": "https://id.example.com/"}), "issuer"),
        (json!({"iss": "https://evil.example.com"}), "issuer"),
        (json!({"iss": ["https://evil.example.com", ISSUER]}), "issuer"),
        (json!({"iss": null}), "claims"),
        (json!({"iss": 1}), "claims"),
        (json!({"exp": NOW - 30}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": null}), "claims"),
        (json!({"exp": (NOW + 60).to_string()}), "claims"),
        (json!({"exp": -1}), "claims"),
        (json!({"exp": 1e300}), "claims"),
        (json!({"nbf": NOW + 31}), "not_yet"),
        (json!({"nbf": "soon"}), "claims"),
        (json!({"nbf": NOW.to_string()}), "claims"),
        (json!({"iat": "now"}), "claims"),
        (json!({"iat": [NOW]}), "claims"),
        (json!({"sub": null}), "claims"),
        (json!({"sub": ""}), "claims"),
        (json!({"sub": 7}), "claims"),
    ] {
        let refused = verify(&key.token("a", &claims(changes.clone())), &keys).unwrap_err();
        assert_eq!(refused.name(), name, "{changes}: {refused}");
    }
    let token = key.token("a", &claims(json!({})));
    let at = |seconds: u64| verify_at(&token, &keys, UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(NOW + 90), Err(JwtRefusal::Expired));
    assert_eq!(at(NOW - 31), Err(JwtRefusal::NotYet));
    assert_eq!(verify_at(&token, &keys, UNIX_EPOCH - Duration::from_secs(1)), Err(JwtRefusal::Expired));
}

#[test]
fn keys_a_token_brings_along_are_not_looked_at() {
    let (own, evil) = (TestKey::new("EdDSA"), TestKey::new("EdDSA"));
    let keys = published(&[own.jwk("a")]);
    let head = json!({"alg": "EdDSA", "kid": "a", "jwk": evil.jwk("a"), "jku": "http://127.0.0.1:1/keys"});
    assert_refused(&evil.token_of(&head, &claims(json!({}))), &keys, "signature");
}
