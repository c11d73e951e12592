//! Tokens of an identity provider on this machine, from the flag to the answer. What a token may not be is tested where it is
//! read (`src/serve/oidc`).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value as Json, json};

use crate::running::{DATABASE, Running, huedb};

struct Provider {
    address: SocketAddr,
    keys: Arc<Mutex<Vec<Json>>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys: Arc<Mutex<Vec<Json>>> = Arc::default();
        let published = Arc::clone(&keys);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut asked = [0; 4096];
                let length = stream.read(&mut asked).unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
                let body = if asked.starts_with("GET /.well-known/openid-configuration") {
                    json!({"issuer": format!("http://{address}"), "jwks_uri": format!("http://{address}/keys")})
                } else {
                    json!({ "keys": *published.lock().unwrap() })
                };
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { address, keys }
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn publish(&self, id: &str) -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id, "x": x, "y": y});
        self.keys.lock().unwrap().push(key);
        pair
    }

    fn token(&self, key: &EcdsaKeyPair, id: &str, claims: &Json) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut all = json!({"iss": self.issuer(), "aud": "huedb", "sub": "ann", "exp": now + 300, "iat": now});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT", "kid": id})), part(&all));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[test]
fn claims_are_worth_what_the_rules_say() {
    let provider = Provider::start();
    let key = provider.publish("one");
    let issuer = provider.issuer();
    let server = Running::start(&[
        "--oidc-issuer",
        &issuer,
        "--oidc-audience",
        "huedb",
        "--oidc-rule",
        "groups contains \"search\" => reader tenant=default_tenant",
        "--oidc-rule",
        "groups contains \"ops\" => admin",
        "--oidc-rule",
        "scope contains \"notes.write\" => writer collection=notes*",
    ]);
    assert_eq!(server.get("/api/v2/auth/identity").status, 401, "it has no tokens, and asks for them all the same");
    let collections = format!("{DATABASE}/collections");
    let with = |claims: Json, method: &str, path: &str, body: Json| {
        let token = format!("Bearer {}", provider.token(&key, "one", &claims));
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        server.send(method, path, &headers, body.as_bytes())
    };
    for (claims, method, path, body, status) in [
        (json!({"groups": ["search"]}), "GET", &collections, Json::Null, 200),
        (json!({"groups": ["search"]}), "POST", &collections, json!({"name": "notes"}), 403),
        (json!({"groups": ["other"]}), "GET", &collections, Json::Null, 403),
        (json!({}), "GET", &collections, Json::Null, 403),
        (json!({"groups": ["search"]}), "GET", &"/api/v2/tenants/acme".to_owned(), Json::Null, 404),
        (json!({"groups": ["ops"]}), "POST", &collections, json!({"name": "letters"}), 200),
        (json!({"scope": "openid notes.write"}), "POST", &collections, json!({"name": "notes-1"}), 200),
        (json!({"scope": "openid notes.write"}), "POST", &collections, json!({"name": "letters-1"}), 403),
        (json!({"groups": ["ops"], "aud": "other"}), "GET", &collections, Json::Null, 401),
        (json!({"groups": ["ops"], "exp": 1}), "GET", &collections, Json::Null, 401),
        (json!({"groups": ["ops"], "nbf": 4_000_000_000_u64}), "GET", &collections, Json::Null, 401),
        (json!({"groups": ["ops"], "iss": "http://127.0.0.1:1"}), "GET", &collections, Json::Null, 401),
    ] {
        let answer = with(claims.clone(), method, path, body);
        assert_eq!(answer.status, status, "{claims} {method} {path}: {}", answer.text);
    }
    let identity = with(json!({"groups": ["search"]}), "GET", "/api/v2/auth/identity", Json::Null).json();
    assert_eq!(identity, json!({"user_id": "ann", "tenant": "default_tenant", "databases": ["*"]}));
    // Keys come and go.
    let next = provider.publish("two");
    let fresh = provider.token(&next, "two", &json!({"groups": ["ops"]}));
    let asks =
        |token: &str| server.send("GET", &collections, &[("authorization", &format!("Bearer {token}"))], b"").status;
    server.until("the next key", |_| asks(&fresh) == 200);
    // Without a signature, and with another's.
    let (head, rest) = fresh.split_once('.').unwrap();
    let unsigned = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": "two"}).to_string());
    assert_eq!(asks(&format!("{unsigned}.{rest}")), 401);
    assert_eq!(asks(&format!("{head}.{}.", rest.split('.').next().unwrap())), 401);
    assert_eq!(asks(&provider.token(&key, "two", &json!({"groups": ["ops"]}))), 401);
    // The file's own tokens are taken beside them.
    let own = server.token(&["own", "--role", "reader"]);
    assert_eq!(server.with(&own, "GET", &collections, &Json::Null).status, 200);
}

#[test]
fn a_rule_or_a_provider_that_is_wrong_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start();
    provider.publish("one");
    let issuer = provider.issuer();
    for (args, why) in [
        (&["--oidc-issuer", &issuer][..], "--oidc-audience"),
        (&["--oidc-issuer", "http://127.0.0.1:1", "--oidc-audience", "a"], "127.0.0.1:1"),
        (&["--oidc-issuer", &issuer, "--oidc-audience", "a", "--oidc-rule", "groups"], "in the rule"),
        (&["--oidc-issuer", &issuer, "--oidc-audience", "a", "--oidc-rule", "* => root"], "no role is named"),
    ] {
        let mut command = huedb(&folder.path().join("t.redb"));
        let output = command.args(["serve", "--port", "0"]).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{args:?}: {said}");
    }
}
