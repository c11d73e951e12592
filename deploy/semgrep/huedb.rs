//! What the rules of huedb.yml find, and what they leave alone: `semgrep --test`. No part of any crate.

fn compared(given: &[u8], kept: Token, other: &[u8]) -> bool {
    // ruleid: secret-compared-in-its-own-time
    let early = kept.sha256 == given;
    // ruleid: secret-compared-in-its-own-time
    let earlier = kept.secret != presented;
    // ok: secret-compared-in-its-own-time
    let right = kept.sha256.ct_eq(given).into();
    // ok: secret-compared-in-its-own-time
    let harmless = kept.name == other;
    early || earlier || right || harmless
}

fn believed(mut validation: Validation) {
    // ruleid: signature-not-checked
    validation.insecure_disable_signature_validation();
    // ruleid: signature-not-checked
    validation.validate_aud = false;
    // ruleid: signature-not-checked
    let shared = DecodingKey::from_secret(b"known to both");
    // ok: signature-not-checked
    let public = DecodingKey::from_jwk(&published);
    // ok: signature-not-checked
    validation.validate_nbf = true;
}

fn trusted(config: ClientConfig) {
    // ruleid: certificate-not-checked
    config.dangerous().set_certificate_verifier(Arc::new(Nobody));
    // ok: certificate-not-checked
    config.with_root_certificates(roots);
}

async fn read(body: Body) {
    // ruleid: body-without-an-end
    let all = axum::body::to_bytes(body, usize::MAX).await;
    // ok: body-without-an-end
    let some = axum::body::to_bytes(body, limit).await;
}

fn origins(named: Vec<HeaderValue>) {
    // ruleid: every-origin
    let all = CorsLayer::permissive();
    // ok: every-origin
    let few = CorsLayer::new().allow_origin(AllowOrigin::list(named));
    // ruleid: every-origin
    let any = AllowOrigin::any();
    // ok: every-origin
    let asked = if named.iter().any(|one| one == "*") { AllowOrigin::any() } else { AllowOrigin::list(named) };
}

fn asked(connection: &Connection, name: &str) {
    // ruleid: sql-of-pieces
    connection.execute(&format!("DELETE FROM x WHERE name = '{name}'"), []);
    // ok: sql-of-pieces
    connection.execute("DELETE FROM x WHERE name = ?1", [name]);
}

fn run(line: &str) {
    // ruleid: shell
    Command::new("sh").args(["-c", line]);
    // ok: shell
    Command::new("pip").arg("install");
}

fn listens() {
    // ruleid: listens-to-all
    let all = TcpListener::bind("0.0.0.0:8000");
    // ruleid: listens-to-all
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8000);
    // ok: listens-to-all
    let own = TcpListener::bind("127.0.0.1:8000");
}

fn drawn(bytes: &mut [u8]) {
    // ruleid: random-of-a-seed
    let known = StdRng::seed_from_u64(7);
    // ok: random-of-a-seed
    let secret = getrandom::fill(bytes);
}

mod tests {
    fn refused() {
        // ok: signature-not-checked
        let shared = DecodingKey::from_secret(b"known to both");
    }
}
