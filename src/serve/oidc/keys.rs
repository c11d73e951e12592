//! The keys a provider publishes (a JWK Set, RFC 7517), and which of them a token's signature is checked with.
//!
//! Invariant: every key kept is a public one of 2,048 to 8,192 bits (RSA), on P-256 or Ed25519, meant for signatures, and is
//! found only for an algorithm of its own kind and, where it names one, of that name. Secrets (`oct`) are never kept, so no
//! published text can serve as the key of an HMAC.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value as Json;

/// The algorithms that are taken.
const TAKEN: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate on P-256, and of a key of Ed25519.
const POINT_BYTES: usize = 32;

/// What a provider published.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<PublishedKey>);

#[derive(Debug)]
struct PublishedKey {
    id: Option<String>,
    /// The only algorithm it is for, where it names one.
    algorithm: Option<KeyAlgorithm>,
    key: DecodingKey,
}

/// Why there is no key for a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// None has the name, or without a name not exactly one fits.
    Unknown,
    /// Those of the name are for other algorithms.
    OtherAlgorithm,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Json>,
}

impl KeySet {
    /// Reads a published set; keys that no token can be checked with are passed over, as RFC 7517 has it.
    ///
    /// # Errors
    /// A sentence, for what is no set.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text).map_err(|e| format!("is no set of keys: {e}"))?;
        Ok(Self(document.keys.into_iter().filter_map(PublishedKey::read).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key for a token that names this one, or none.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, NoKey> {
        let mut fitting = self.0.iter().filter(|key| key.is_for(algorithm));
        let Some(id) = id else {
            return match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(&only.key),
                _ => Err(NoKey::Unknown),
            };
        };
        match fitting.find(|key| key.id.as_deref() == Some(id)) {
            Some(found) => Ok(&found.key),
            None if self.0.iter().any(|key| key.id.as_deref() == Some(id)) => Err(NoKey::OtherAlgorithm),
            None => Err(NoKey::Unknown),
        }
    }
}

impl PublishedKey {
    fn read(json: Json) -> Option<Self> {
        let Jwk { common, algorithm: parameters } = serde_json::from_value(json).ok()?;
        if common.public_key_use.is_some_and(|purpose| purpose != PublicKeyUse::Signature)
            || common.key_operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify))
        {
            return None;
        }
        let key = match parameters {
            AlgorithmParameters::RSA(numbers) => rsa(&numbers.n, &numbers.e)?,
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                let (x, y) = (coordinate(&point.x)?, coordinate(&point.y)?);
                // The mark of a point that is written whole.
                DecodingKey::from_ec_der(&[[4].as_slice(), &x, &y].concat())
            }
            AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
                DecodingKey::from_ed_der(&coordinate(&point.x)?)
            }
            _ => return None,
        };
        Some(Self { id: common.key_id, algorithm: common.key_algorithm, key })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        TAKEN.contains(&algorithm)
            && self.key.family() == algorithm.family()
            && self.algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm))
    }
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// Reads a number, without the zero that some providers put before it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes.get(zeros..)?.to_vec()).filter(|bytes| !bytes.is_empty())
}

fn coordinate(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == POINT_BYTES)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::AlgorithmFamily;
    use serde_json::json;

    use super::super::test_keys::{TestKey, base64url};
    use super::*;

    fn set(keys: &[Json]) -> KeySet {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    /// A key with some fields set, or removed by null.
    fn changed(jwk: &Json, changes: &Json) -> Json {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        jwk.as_object_mut().unwrap().retain(|_, field| !field.is_null());
        jwk
    }

    #[test]
    fn keys_that_no_token_is_checked_with_are_passed_over() {
        let [rsa, ec, ed] = ["RS256", "ES256", "EdDSA"].map(|algorithm| TestKey::new(algorithm).jwk("a"));
        let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
        let with_zero = base64url([[0].as_slice(), &modulus].concat());
        for (jwk, changes) in [
            (&rsa, json!({})),
            (&rsa, json!({"use": null, "alg": null, "key_ops": ["sign", "verify"], "x5c": ["MIIB"], "more": {}})),
            (&rsa, json!({"n": with_zero})),
            (&ec, json!({"use": null, "kid": null})),
            (&ed, json!({})),
        ] {
            assert!(!set(&[changed(jwk, &changes)]).is_empty(), "{changes}");
        }
        let mut below = modulus.clone();
        below[0] >>= 1;
        for (jwk, changes) in [
            (&rsa, json!({"n": base64url(below)})),
            (&rsa, json!({"n": base64url(&modulus[..128])})),
            (&rsa, json!({"n": base64url(modulus.repeat(5))})),
            (&rsa, json!({"n": ""})),
            (&rsa, json!({"n": "AAAA"})),
            (&rsa, json!({"e": ""})),
            (&rsa, json!({"n": null})),
            (&rsa, json!({"n": "not base64"})),
            (&rsa, json!({"use": "enc"})),
            (&rsa, json!({"use": "both"})),
            (&rsa, json!({"key_ops": ["encrypt"]})),
            (&rsa, json!({"kid": 7})),
            (&rsa, json!({"kty": "XYZ"})),
            (&ec, json!({"crv": "P-384"})),
            (&ec, json!({"crv": "secp256k1"})),
            (&ec, json!({"x": base64url([1; 31])})),
            (&ec, json!({"y": base64url([1; 33])})),
            (&ec, json!({"kty": "OKP"})),
            (&ed, json!({"crv": "Ed448"})),
            (&ed, json!({"crv": "X25519"})),
            (&ed, json!({"x": base64url([1; 57])})),
            (&ed, json!({"kty": "oct", "k": base64url([1; 32])})),
        ] {
            assert!(set(&[changed(jwk, &changes)]).is_empty(), "{changes}");
        }
        // One that cannot be read does not take the others with it.
        let keys = set(&[json!(null), json!([]), json!({"kty": 1}), ed]);
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_ok());
    }

    #[test]
    fn keys_are_found_by_name_and_algorithm() {
        let jwk = |algorithm, id| TestKey::new(algorithm).jwk(id);
        let other = changed(&jwk("RS256", "b"), &json!({"alg": "RSA-OAEP"}));
        let unheard = changed(&jwk("RS256", "c"), &json!({"alg": "RS1"}));
        // Keys of different kinds may share a name.
        let open = changed(&jwk("ES256", "open"), &json!({"alg": null}));
        let keys = set(&[jwk("RS256", "a"), jwk("ES256", "a"), jwk("PS256", "p"), other, unheard, open]);
        let found = |id, algorithm| keys.find(id, algorithm).map(DecodingKey::family);
        assert!(matches!(found(Some("a"), Algorithm::RS256), Ok(AlgorithmFamily::Rsa)));
        assert!(matches!(found(Some("a"), Algorithm::ES256), Ok(AlgorithmFamily::Ec)));
        assert!(matches!(found(None, Algorithm::PS256), Ok(AlgorithmFamily::Rsa)));
        for (id, algorithm) in [
            ("a", Algorithm::PS256),
            ("a", Algorithm::EdDSA),
            ("a", Algorithm::RS512),
            ("a", Algorithm::HS256),
            ("p", Algorithm::RS256),
            ("b", Algorithm::RS256),
            ("c", Algorithm::RS256),
            ("open", Algorithm::RS256),
            ("open", Algorithm::EdDSA),
            ("open", Algorithm::ES384),
            ("open", Algorithm::HS256),
        ] {
            assert_eq!(found(Some(id), algorithm), Err(NoKey::OtherAlgorithm), "{id} {algorithm:?}");
        }
        assert_eq!(found(Some("A"), Algorithm::RS256), Err(NoKey::Unknown));
        assert_eq!(found(Some(""), Algorithm::RS256), Err(NoKey::Unknown));
        assert_eq!(found(None, Algorithm::EdDSA), Err(NoKey::Unknown));
    }

    #[test]
    fn what_is_no_set_is_an_error() {
        for text in ["", "{}", "[]", "null", r#"{"keys": {}}"#, r#"{"keys": null}"#, "<html>"] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(KeySet::parse(br#"{"keys": []}"#).unwrap().is_empty());
    }
}
