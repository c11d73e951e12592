//! Which tokens are believed: JWTs (RFC 7519) by the advice of RFC 8725, as an access token's server reads them (RFC 9068).
//!
//! Pure: a text, keys, a time. Invariant: claims come out only of a token whose signature fits a published key, whose `iss`
//! and `aud` are the ones expected and whose time it is; what a token says of itself beside `alg`, `kid`, `typ` and `crit`
//! (keys it brings along, addresses to get them from) is not looked at.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value as Json};

use super::keys::{KeySet, NoKey};
use super::{JwtRefusal, OidcOptions};
use crate::record::EachOnce;

/// The longest token that is looked at; heads of requests are not longer by much.
const LIMIT_BYTES: usize = 16 << 10;
/// How far the clocks of provider and server may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
/// Types of tokens that are meant for a server like this one; those for a log-out, say, have claims like them.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// What tokens are checked against.
#[derive(Debug)]
pub(super) struct TokenRules {
    issuer: String,
    validation: Validation,
}

/// What a token says of how to check it.
struct Head {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl TokenRules {
    pub(super) fn new(options: &OidcOptions) -> Self {
        super::ring_provider::install();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&options.issuer]);
        validation.set_audience(&[&options.audience]);
        // Times are compared with the time that is given, here.
        validation.validate_exp = false;
        Self { issuer: options.issuer.clone(), validation }
    }

    /// Returns the claims of a token that may be believed.
    pub(super) fn verify(&self, token: &str, keys: &KeySet, now: SystemTime) -> Result<Map<String, Json>, JwtRefusal> {
        let Head { algorithm, key_id } = head(token)?;
        let key = keys.find(key_id.as_deref(), algorithm).map_err(|no_key| match no_key {
            NoKey::Unknown => JwtRefusal::UnknownKey(key_id),
            NoKey::OtherAlgorithm => JwtRefusal::Algorithm(format!("{algorithm:?}")),
        })?;
        let validation = Validation { algorithms: vec![algorithm], ..self.validation.clone() };
        let read = jsonwebtoken::decode::<EachOnce<Json>>(token, key, &validation);
        let claims: Map<String, Json> =
            read.map_err(|error| refused(error.into_kind(), algorithm))?.claims.0.into_iter().collect();
        self.check(&claims, now)?;
        Ok(claims)
    }

    /// Checks what jsonwebtoken leaves open: the time, a list of issuers, the subject.
    fn check(&self, claims: &Map<String, Json>, now: SystemTime) -> Result<(), JwtRefusal> {
        let lacking = |why: &str| Err(JwtRefusal::Claims(why.to_owned()));
        if claims.get("iss").and_then(Json::as_str) != Some(&self.issuer) {
            return Err(JwtRefusal::Issuer);
        }
        if claims.get("sub").and_then(Json::as_str).is_none_or(str::is_empty) {
            return lacking("sub, whom it is about, must be a string that is not empty");
        }
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(Json::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(JwtRefusal::Claims(format!("{name} must be a number"))),
        };
        let (expires, begins, _issued) = (time("exp")?, time("nbf")?, time("iat")?);
        // A clock before 1970 is wrong, and a wrong clock believes nothing.
        let now = now.duration_since(UNIX_EPOCH).map_or(f64::INFINITY, |now| now.as_secs_f64());
        let Some(expires) = expires else { return lacking("exp, when it ends, must be a number") };
        if now >= expires + LEEWAY.as_secs_f64() {
            return Err(JwtRefusal::Expired);
        }
        if begins.is_some_and(|begins| now < begins - LEEWAY.as_secs_f64()) {
            return Err(JwtRefusal::NotYet);
        }
        Ok(())
    }
}

/// Reads how a token is to be checked; whatever is not taken is refused here, before any key is looked at.
fn head(token: &str) -> Result<Head, JwtRefusal> {
    if token.len() > LIMIT_BYTES {
        return Err(JwtRefusal::Malformed("it is longer than 16 KiB"));
    }
    let mut parts = token.split('.');
    let (Some(head), Some(_claims), Some(_signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtRefusal::Malformed("it has not three parts"));
    };
    let Ok(head) = URL_SAFE_NO_PAD.decode(head) else { return Err(JwtRefusal::Malformed("its head is no base64url")) };
    let Ok(EachOnce(mut fields)) = serde_json::from_slice::<EachOnce<Json>>(&head) else {
        return Err(JwtRefusal::Malformed("its head is no JSON object of keys that stand once"));
    };
    let algorithm = match fields.get("alg").and_then(Json::as_str) {
        Some("RS256") => Algorithm::RS256,
        Some("PS256") => Algorithm::PS256,
        Some("ES256") => Algorithm::ES256,
        Some("EdDSA") => Algorithm::EdDSA,
        Some(other) => return Err(JwtRefusal::Algorithm(other.to_owned())),
        None => return Err(JwtRefusal::Malformed("its head names no algorithm")),
    };
    if fields.contains_key("crit") {
        return Err(JwtRefusal::Malformed("its head asks for extensions (crit), of which none is known"));
    }
    match fields.get("typ") {
        None => {}
        Some(Json::String(name)) if is_known_type(name) => {}
        Some(_) => return Err(JwtRefusal::Malformed("its type (typ) is another than JWT and at+jwt")),
    }
    let key_id = match fields.remove("kid") {
        None => None,
        Some(Json::String(id)) => Some(id),
        Some(_) => return Err(JwtRefusal::Malformed("its key's name (kid) is no string")),
    };
    Ok(Head { algorithm, key_id })
}

fn is_known_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TYPES.contains(&name.strip_prefix("application/").unwrap_or(&name))
}

fn refused(kind: ErrorKind, algorithm: Algorithm) -> JwtRefusal {
    match kind {
        ErrorKind::InvalidSignature => JwtRefusal::Signature,
        ErrorKind::InvalidAudience => JwtRefusal::Audience,
        ErrorKind::InvalidIssuer => JwtRefusal::Issuer,
        ErrorKind::MissingRequiredClaim(name) | ErrorKind::InvalidClaimFormat(name) => {
            JwtRefusal::Claims(format!("{name} is missing or has the wrong form"))
        }
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat | ErrorKind::UnsupportedAlgorithm => {
            JwtRefusal::Algorithm(format!("{algorithm:?}"))
        }
        _ => JwtRefusal::Malformed("it is no JSON of claims that stand once, signed"),
    }
}
