//! Keys of the tests, as a provider publishes them and signs tokens with them.
//!
//! Invariant: what is signed here is signed right; tests that want it wrong make it so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use serde_json::{Value as Json, json};

/// Made by `openssl genrsa 2048` for these tests, used nowhere else: ring makes no RSA keys.
const RSA: &[u8] = include_bytes!("../../../fixtures/oidc/test-only-rsa-2048.pk8");

/// A key that signs.
pub(super) enum TestKey {
    Rsa(Box<RsaKeyPair>, &'static str),
    Ec(Box<EcdsaKeyPair>),
    Ed(Ed25519KeyPair),
}

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl TestKey {
    /// A key for an algorithm; but for RSA's a new one each time.
    pub(super) fn new(algorithm: &'static str) -> Self {
        let random = SystemRandom::new();
        match algorithm {
            "RS256" | "PS256" => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA).unwrap()), algorithm),
            "ES256" => {
                let rules = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let made = EcdsaKeyPair::generate_pkcs8(rules, &random).unwrap();
                Self::Ec(Box::new(EcdsaKeyPair::from_pkcs8(rules, made.as_ref(), &random).unwrap()))
            }
            "EdDSA" => {
                let made = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Self::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
            }
            other => panic!("no test key for {other}"),
        }
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_, algorithm) => algorithm,
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// The public key as it is published.
    pub(super) fn jwk(&self, id: &str) -> Json {
        let mut jwk = match self {
            Self::Rsa(key, _) => {
                let PublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
                json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])})
            }
            Self::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_key())}),
        };
        jwk["kid"] = id.into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm().into();
        jwk
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key, algorithm) => {
                let rules: &dyn RsaEncoding = if *algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(rules, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this head and these claims, whatever they say.
    pub(super) fn token_of(&self, head: &Json, claims: &Json) -> String {
        let message = format!("{}.{}", base64url(head.to_string()), base64url(claims.to_string()));
        format!("{message}.{}", base64url(self.sign(message.as_bytes())))
    }

    /// A token whose head is right.
    pub(super) fn token(&self, id: &str, claims: &Json) -> String {
        self.token_of(&json!({"alg": self.algorithm(), "typ": "JWT", "kid": id}), claims)
    }
}
