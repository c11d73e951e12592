//! Claims of a token as metadata, which filters are made for.
//!
//! Invariant: a claim that stands by itself comes before one that is put together of nested names, so that nothing inside an
//! object (which a provider may let users fill) can pass for it.

use std::collections::VecDeque;

use serde_json::{Map, Value as Json};

use crate::record::{Metadata, Value};

/// Returns the claims as metadata: what stands in objects under the names joined by dots, without what metadata cannot be
/// (null, empty and mixed lists, lists of objects). Scopes, which OAuth 2.0 writes as words of one string (RFC 6749, 3.3), are
/// a list.
pub(super) fn as_metadata(claims: &Map<String, Json>) -> Metadata {
    let mut metadata = Metadata::default();
    let mut ahead: VecDeque<(String, &Json)> = claims.iter().map(|(name, claim)| (name.clone(), claim)).collect();
    while let Some((name, claim)) = ahead.pop_front() {
        match claim {
            Json::Object(inner) => ahead.extend(inner.iter().map(|(key, claim)| (format!("{name}.{key}"), claim))),
            plain if metadata.get(&name).is_none() => {
                let scopes = plain.as_str().filter(|_| matches!(name.as_str(), "scope" | "scp"));
                let plain = scopes.map_or_else(|| plain.clone(), |words| words.split_whitespace().collect());
                if let Ok(value) = Value::from_json(plain) {
                    // A name that no metadata has is no claim that a filter could name.
                    let _unnamed = metadata.insert(name, value);
                }
            }
            _ => {}
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(claims: Json) -> Json {
        let Json::Object(claims) = claims else { panic!("{claims}") };
        as_metadata(&claims).to_json()
    }

    #[test]
    fn objects_are_flattened_and_the_rest_is_left_out() {
        let claims = json!({
            "sub": "ann", "exp": 1.5, "age": 7, "email_verified": true, "groups": ["a", "b"], "aud": ["x"],
            "realm_access": {"roles": ["admin"], "deep": {"er": 1}},
            "none": null, "empty": [], "mixed": ["a", 1], "objects": [{"a": 1}], "#id": "x", "": 1, "large": u64::MAX,
        });
        let wanted = json!({
            "age": 7, "aud": ["x"], "email_verified": true, "exp": 1.5, "groups": ["a", "b"],
            "realm_access.deep.er": 1, "realm_access.roles": ["admin"], "sub": "ann",
        });
        assert_eq!(metadata(claims), wanted);
    }

    #[test]
    fn scopes_are_a_list() {
        let claims = json!({"scope": "openid notes.read", "scp": ["a"], "scopes": "a b"});
        assert_eq!(metadata(claims), json!({"scope": ["openid", "notes.read"], "scopes": "a b", "scp": ["a"]}));
    }

    #[test]
    fn a_nested_claim_does_not_pass_for_one_that_stands_by_itself() {
        for claims in [json!({"a": {"b": "forged"}, "a.b": "own"}), json!({"a.b": "own", "a": {"b": "forged"}})] {
            assert_eq!(metadata(claims), json!({"a.b": "own"}));
        }
        assert_eq!(metadata(json!({"a": {"b": {"c": "forged"}, "b.c": "own"}})), json!({"a.b.c": "own"}));
    }
}
