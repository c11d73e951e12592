//! A provider that is asked: its discovery, its keys and how they are renewed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value as Json, json};

use super::issuer::Clock;
use super::schedule::{PAUSE, REGULAR};
use super::test_issuer::TestIssuer;
use super::test_keys::TestKey;
use super::{Issuer, JwtRefusal};

/// Longer than any renewal on this machine takes.
const LONG: Duration = Duration::from_mins(1);
const NOW: u64 = 1_800_000_000;
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A clock that is set forward.
#[derive(Clone)]
struct TestClock(Instant, Arc<AtomicU64>);

impl TestClock {
    fn new() -> Self {
        Self(Instant::now(), Arc::default())
    }

    fn clock(&self) -> Clock {
        let Self(start, seconds) = self.clone();
        Arc::new(move || start + Duration::from_secs(seconds.load(Ordering::SeqCst)))
    }

    fn advance(&self, by: Duration) {
        self.1.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn token(provider: &TestIssuer, key: &TestKey, id: &str) -> String {
    key.token(id, &json!({"iss": provider.url, "aud": "huedb", "sub": "ann", "exp": NOW + 60}))
}

fn start(provider: &TestIssuer, clock: &TestClock) -> Issuer {
    Issuer::start_with(&provider.options(), clock.clock()).unwrap()
}

fn names(verified: &Result<Map<String, Json>, JwtRefusal>) -> &'static str {
    verified.as_ref().map_or_else(JwtRefusal::name, |_| "believed")
}

#[test]
fn tokens_of_a_discovered_provider_are_believed() {
    let keys = ["RS256", "PS256", "ES256", "EdDSA"].map(TestKey::new);
    let provider = TestIssuer::new(&keys.each_ref().map(|key| key.jwk(key.algorithm())));
    let issuer = Issuer::start(&provider.options()).unwrap();
    for key in &keys {
        let claims = issuer.verify(&token(&provider, key, key.algorithm()), now()).unwrap();
        assert_eq!(claims["sub"], "ann");
    }
    let elsewhere = TestIssuer::new(&[]);
    let foreign = token(&elsewhere, &keys[3], "EdDSA");
    assert_eq!(issuer.verify(&foreign, now()), Err(JwtRefusal::Issuer));
    assert_eq!((provider.asked(), issuer.failure()), (1, None));
}

#[test]
fn a_new_key_is_found_and_an_old_one_forgotten() {
    let (old, new) = (TestKey::new("EdDSA"), TestKey::new("ES256"));
    let provider = TestIssuer::new(&[old.jwk("old")]);
    let issuer = start(&provider, &TestClock::new());
    let (old_token, new_token) = (token(&provider, &old, "old"), token(&provider, &new, "new"));
    issuer.verify(&old_token, now()).unwrap();
    provider.publish(&[new.jwk("new")]);
    issuer.verify(&old_token, now()).unwrap();
    issuer.verify_within(&new_token, now(), LONG).unwrap();
    issuer.verify(&new_token, now()).unwrap();
    assert_eq!(names(&issuer.verify(&old_token, now())), "unknown_key");
    assert_eq!(provider.asked(), 2);
}

#[test]
fn without_a_wait_the_keys_come_behind_the_refusal() {
    let (old, new) = (TestKey::new("EdDSA"), TestKey::new("EdDSA"));
    let provider = TestIssuer::new(&[old.jwk("old")]);
    let issuer = start(&provider, &TestClock::new());
    provider.publish(&[old.jwk("old"), new.jwk("new")]);
    let new_token = token(&provider, &new, "new");
    let before = issuer.renewals();
    assert_eq!(names(&issuer.verify(&new_token, now())), "unknown_key");
    issuer.await_renewal(before);
    issuer.verify(&new_token, now()).unwrap();
}

#[test]
fn unknown_keys_have_the_provider_asked_once_a_minute() {
    let key = TestKey::new("EdDSA");
    let provider = TestIssuer::new(&[key.jwk("a")]);
    let clock = TestClock::new();
    let issuer = start(&provider, &clock);
    for minute in 0..3 {
        for at in 0..60 {
            let forged = token(&provider, &key, &format!("{minute}-{at}"));
            assert_eq!(names(&issuer.verify_within(&forged, now(), LONG)), "unknown_key");
            assert_eq!(provider.asked(), 2 + minute, "at {at}");
            clock.advance(Duration::from_secs(1));
        }
    }
    // Nor does anything that is refused otherwise.
    clock.advance(PAUSE);
    for bad in ["", "a.b.c", &token(&provider, &TestKey::new("EdDSA"), "a"), &key.token("a", &json!({}))] {
        assert_ne!(names(&issuer.verify_within(bad, now(), LONG)), "unknown_key");
    }
    assert_eq!(provider.asked(), 4);
}

#[test]
fn keys_are_renewed_hourly() {
    let key = TestKey::new("EdDSA");
    let provider = TestIssuer::new(&[key.jwk("a")]);
    let clock = TestClock::new();
    let issuer = start(&provider, &clock);
    let old = token(&provider, &key, "a");
    provider.publish(&[]);
    issuer.verify(&old, now()).unwrap();
    let before = issuer.renewals();
    clock.advance(REGULAR);
    issuer.await_renewal(before);
    assert_eq!(names(&issuer.verify(&old, now())), "unknown_key");
}

#[test]
fn keys_are_kept_through_outages() {
    let (old, new) = (TestKey::new("EdDSA"), TestKey::new("EdDSA"));
    let provider = TestIssuer::new(&[old.jwk("old")]);
    let clock = TestClock::new();
    let issuer = start(&provider, &clock);
    let (old_token, new_token) = (token(&provider, &old, "old"), token(&provider, &new, "new"));
    provider.set_down(true);
    for _ in 0..3 {
        assert_eq!(names(&issuer.verify_within(&new_token, now(), LONG)), "unknown_key");
        issuer.verify(&old_token, now()).unwrap();
        let failure = issuer.failure().unwrap();
        assert!(failure.contains(&provider.url), "{failure}");
        clock.advance(PAUSE);
    }
    provider.set_down(false);
    for answer in [
        ("503 Service Unavailable", b"{}".to_vec()),
        ("200 OK", b"<html>maintenance</html>".to_vec()),
        ("200 OK", b"{}".to_vec()),
        ("200 OK", br#"{"keys": "none"}"#.to_vec()),
        ("200 OK", vec![b' '; (1 << 20) + 1]),
    ] {
        provider.answer_keys(answer);
        let before = issuer.renewals();
        clock.advance(PAUSE);
        issuer.await_renewal(before);
        assert!(issuer.failure().is_some());
        issuer.verify(&old_token, now()).unwrap();
    }
    provider.publish(&[new.jwk("new")]);
    let before = issuer.renewals();
    clock.advance(PAUSE);
    issuer.await_renewal(before);
    assert_eq!(issuer.failure(), None);
    issuer.verify(&new_token, now()).unwrap();
    assert_eq!(names(&issuer.verify(&old_token, now())), "unknown_key");
}

#[test]
fn the_thread_ends_with_its_issuer() {
    let provider = TestIssuer::new(&[TestKey::new("EdDSA").jwk("a")]);
    let mut issuer = start(&provider, &TestClock::new());
    let thread = issuer.thread.take().unwrap();
    drop(issuer);
    let (ended, waiting) = mpsc::channel();
    std::thread::spawn(move || ended.send(thread.join().is_ok()));
    assert_eq!(waiting.recv_timeout(LONG), Ok(true));
}

#[test]
fn a_provider_that_is_not_to_be_believed_is_not_started_with() {
    let jwk = TestKey::new("EdDSA").jwk("a");
    let fails = |provider: &TestIssuer, address: &str, why: &str| {
        let Err(error) = Issuer::start(&provider.options()) else { panic!("started, but {why}") };
        let text = error.to_string();
        assert!(text.contains(&format!("{}{address}", provider.url)) && text.contains(why), "{text}");
    };
    let provider = TestIssuer::new(std::slice::from_ref(&jwk));
    Issuer::start(&provider.options()).unwrap();
    let document =
        |issuer: &str, keys: &str| ("200 OK", json!({"issuer": issuer, "jwks_uri": keys}).to_string().into_bytes());
    let keys = format!("{}/keys", provider.url);
    for (answer, why) in [
        (document("https://evil.example.com", &keys), "evil.example.com"),
        (document(&format!("{}/", provider.url), &keys), "not \"http"),
        (document(&provider.url, "http://id.example.com/keys"), "not under TLS"),
        (document(&provider.url, "file:///etc/passwd"), "not under TLS"),
        (("200 OK", b"{}".to_vec()), "no discovery document"),
        (("404 Not Found", Vec::new()), "it answered 404"),
        (("302 Found\r\nlocation: /elsewhere", Vec::new()), "it answered 302"),
        (("200 OK", vec![b'{'; 2 << 20]), "large"),
    ] {
        provider.answer_discovery(answer);
        fails(&provider, DISCOVERY, why);
    }
    provider.answer_discovery(document(&provider.url, &keys));
    for (answer, why) in [
        (("500 Internal Server Error", Vec::new()), "it answered 500"),
        (("301 Moved Permanently\r\nlocation: http://id.example.com/keys", Vec::new()), "it answered 301"),
        (("200 OK", b"[]".to_vec()), "no set of keys"),
    ] {
        provider.answer_keys(answer);
        fails(&provider, "/keys", why);
    }
    provider.publish(&[]);
    fails(&provider, "", "no key");
    provider.set_down(true);
    fails(&provider, DISCOVERY, "");
}
