//! Signatures of tokens, checked by ring, which is here for TLS anyway: what jsonwebtoken asks of its provider of cryptography.
//!
//! Invariant: four algorithms are checked, each only with a key of its own kind; nothing is signed.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::error::Unspecified;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// Has jsonwebtoken check signatures with ring in this process. A program that has settled on a provider of its own keeps it.
pub(super) fn install() {
    let _kept = PROVIDER.install_default();
}

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "jsonwebtoken calls it so")]
fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(unsupported())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "jsonwebtoken calls it so")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    use Algorithm::{ES256, EdDSA, PS256, RS256};
    if !matches!(algorithm, RS256 | PS256 | ES256 | EdDSA) {
        return Err(unsupported());
    }
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let by_numbers = |rules: &'static RsaParameters| match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(rules, message, signature)
            }
            DecodingKeyKind::SecretOrDer(_) => Err(Unspecified),
        };
        let by_point = |rules: &'static dyn VerificationAlgorithm| match self.key.kind() {
            DecodingKeyKind::SecretOrDer(point) => UnparsedPublicKey::new(rules, point).verify(message, signature),
            DecodingKeyKind::RsaModulusExponent { .. } => Err(Unspecified),
        };
        let checked = match self.algorithm {
            Algorithm::RS256 => by_numbers(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::PS256 => by_numbers(&RSA_PSS_2048_8192_SHA256),
            Algorithm::ES256 => by_point(&ECDSA_P256_SHA256_FIXED),
            Algorithm::EdDSA => by_point(&ED25519),
            _ => Err(Unspecified),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_checks_its_own_kind_of_signatures_only() {
        use Algorithm::{ES256, ES384, EdDSA, HS256, PS256, RS256, RS512};
        let keys = [
            (DecodingKey::from_rsa_raw_components(&[255; 256], &[1, 0, 1]), [RS256, PS256].as_slice()),
            (DecodingKey::from_ec_der(&[4; 65]), &[ES256]),
            (DecodingKey::from_ed_der(&[7; 32]), &[EdDSA]),
            (DecodingKey::from_secret(&[7; 32]).unwrap(), &[]),
        ];
        for (key, own) in &keys {
            for algorithm in [RS256, PS256, ES256, EdDSA, HS256, RS512, ES384] {
                let found = verifier(&algorithm, key).map(|verifier| verifier.algorithm()).ok();
                assert_eq!(found, Some(algorithm).filter(|_| own.contains(&algorithm)), "{:?}", key.family());
            }
        }
        // Keys in another form than a provider publishes them.
        let verifier = verifier(&RS256, &DecodingKey::from_rsa_der(&[1])).unwrap();
        assert!(verifier.verify(b"message", &vec![1; 256]).is_err());
    }
}
