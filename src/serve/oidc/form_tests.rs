//! Tokens that have not the form of one that is believed, changed ones among them.

use serde_json::json;

use super::test_keys::{TestKey, base64url};
use super::token_tests::{ALGORITHMS, assert_refused, claims, published, verify};
use crate::record::random::Random;

#[test]
fn heads_and_forms_that_are_not_taken() {
    let key = TestKey::new("EdDSA");
    let keys = published(&[key.jwk("a")]);
    let good = json!({"alg": "EdDSA", "kid": "a"});
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"] {
        let mut head = good.clone();
        head["typ"] = typ.into();
        verify(&key.token_of(&head, &claims(json!({}))), &keys).unwrap();
    }
    for (name, value) in [
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("typ", json!("logout+jwt")),
        ("typ", json!(1)),
        ("kid", json!(1)),
        ("kid", json!(null)),
    ] {
        let mut head = good.clone();
        head[name] = value;
        assert_refused(&key.token_of(&head, &claims(json!({}))), &keys, "malformed");
    }
    let sign = |head: &str, claims: &str| {
        let message = format!("{}.{}", base64url(head), base64url(claims));
        format!("{message}.{}", base64url(key.sign(message.as_bytes())))
    };
    let (head, body) = (good.to_string(), claims(json!({})).to_string());
    verify(&sign(&head, &body), &keys).unwrap();
    // What stands twice is read by some as the first and by others as the last.
    for token in [
        sign(r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a"}"#, &body),
        sign(&head, &body.replacen('{', r#"{"sub":"root","#, 1)),
        sign(&head, &body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        sign(&head, "[]"),
        sign(&head, &"[".repeat(5000)),
        sign(&head, "{"),
        String::new(),
        "..".into(),
        "a.b".into(),
        "\u{fffd}.\u{0}.é".into(),
        format!("{}.x", sign(&head, &body)),
        format!("{}=", sign(&head, &body)),
        sign(&head, &body).replacen('.', "..", 1),
    ] {
        assert_refused(&token, &keys, "malformed");
    }
}

#[test]
fn long_tokens_are_refused_unread() {
    let key = TestKey::new("EdDSA");
    let keys = published(&[key.jwk("a")]);
    let with = |filler: usize| key.token("a", &claims(json!({"filler": "x".repeat(filler)})));
    verify(&with(11_000), &keys).unwrap();
    let long = with(16 << 10);
    assert!(long.len() > 16 << 10);
    assert_refused(&long, &keys, "malformed");
}

#[test]
fn changed_tokens_are_refused() {
    let mut random = Random::new();
    let signers = ALGORITHMS.map(TestKey::new);
    let keys = published(&signers.each_ref().map(|key| key.jwk(key.algorithm())));
    let tokens = signers.each_ref().map(|key| key.token(key.algorithm(), &claims(json!({}))));
    for token in &tokens {
        verify(token, &keys).unwrap();
    }
    for _ in 0..1000 {
        let mut bytes = random.pick(&tokens).clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(7),
                1 => drop(bytes.splice(at..at, [*random.pick(b"abzAZ09-_.= \0\x7f")])),
                2 => drop(bytes.remove(at)),
                _ => {
                    let other = random.pick(&tokens).as_bytes();
                    let from = random.below(other.len() as u64) as usize;
                    bytes.splice(at.., other[from..].iter().copied());
                }
            }
        }
        let token = String::from_utf8(bytes).unwrap();
        if !tokens.contains(&token) {
            let refused = verify(&token, &keys).expect_err(&token);
            assert!(!refused.to_string().is_empty());
        }
    }
}
