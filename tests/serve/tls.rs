//! Encrypted connections: certificates, their renewal, those of clients.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value as Json, json};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::running::{Running, huedb};

const HEARTBEAT: &str = "/api/v2/heartbeat";
const IDENTITY: &str = "/api/v2/auth/identity";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn believed(authority: &Authority) -> Certificate<'static> {
    Certificate::from_pem(authority.pem().as_bytes()).unwrap()
}

/// Writes a certificate for this machine and its key.
fn issue(authority: &Authority, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority).unwrap();
    let (at, key_at) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    fs::write(&at, certificate.pem()).unwrap();
    fs::write(&key_at, key.serialize_pem()).unwrap();
    (at, key_at)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn requests_are_encrypted_and_certificates_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (authority("first"), authority("second"));
    let (certificate, key) = issue(&first, folder.path(), "server");
    let args = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let mut server = Running::encrypted(folder, &args, &believed(&first));
    assert_eq!(server.get(HEARTBEAT).status, 200);
    let notes = server.collection("notes");
    assert_eq!(server.post(&format!("{notes}/add"), &json!({"ids": ["a"], "embeddings": [[1, 0]]})).status, 201);
    // Who believes another authority does not talk to it, nor does who does not encrypt.
    let url = format!("https://{}{HEARTBEAT}", server.address);
    assert!(Running::believing(&believed(&second)).get(&url).call().is_err());
    assert!(ureq::get(url.replace("https", "http")).call().is_err());
    // A pair of which one half is missing keeps the old one.
    let (other, other_key) = issue(&second, &server.path(""), "other");
    fs::copy(&other, &certificate).unwrap();
    server.signal("-HUP");
    std::thread::sleep(std::time::Duration::from_millis(300));
    server.agent = Running::believing(&believed(&first));
    assert_eq!(server.get(HEARTBEAT).status, 200);
    // With the other half it is used, without a request lost meanwhile.
    fs::copy(&other_key, &key).unwrap();
    server.signal("-HUP");
    let (old, new) = (Running::believing(&believed(&first)), believed(&second));
    assert!(old.get(&url).call().is_ok() || Running::believing(&new).get(&url).call().is_ok());
    server.until("the new certificate", |_| Running::believing(&new).get(&url).call().is_ok());
    server.agent = Running::believing(&new);
    assert_eq!(server.get(&format!("{notes}/count")).text, "1");
    let metrics = server.get("/metrics").text;
    let expiry = metrics.lines().find(|line| line.starts_with("huedb_tls_certificate_expiry")).unwrap();
    assert!(expiry.rsplit(' ').next().unwrap().parse::<f64>().unwrap() > 4e9, "{expiry}");
    server.signal("-TERM");
    let (status, said) = server.wait();
    assert!(
        status.success() && said.contains("stays as it was") && said.contains("does not go with the key"),
        "{said}"
    );
}

/// They are renewed without a signal, too: that is what programs that renew them leave behind.
#[test]
fn certificates_that_change_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (authority("first"), authority("second"));
    let (certificate, key) = issue(&first, folder.path(), "server");
    let server =
        Running::encrypted(folder, &["--tls-cert", text(&certificate), "--tls-key", text(&key)], &believed(&first));
    let (other, other_key) = issue(&second, &server.path(""), "other");
    fs::copy(&other_key, &key).unwrap();
    fs::copy(&other, &certificate).unwrap();
    let (url, new) = (format!("https://{}{HEARTBEAT}", server.address), believed(&second));
    server.until("the new certificate", |_| Running::believing(&new).get(&url).call().is_ok());
}

#[test]
fn clients_need_a_certificate_where_they_are_asked_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let (certificate, key) = issue(&ours, folder.path(), "server");
    let (ann, ann_key) = issue(&ours, folder.path(), "ann");
    let (eve, eve_key) = issue(&theirs, folder.path(), "eve");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, ours.pem()).unwrap();
    let args = [
        "--tls-cert",
        text(&certificate),
        "--tls-key",
        text(&key),
        "--tls-client-ca",
        text(&ca),
        "--oidc-rule",
        "cn = \"ann\" => reader tenant=default_tenant database=default_database",
    ];
    let server = Running::encrypted(folder, &args, &believed(&ours));
    let url = |path: &str| format!("https://{}{path}", server.address);
    let agent = |certificate: &Path, key: &Path| -> ureq::Agent {
        let read = |path: &Path| fs::read(path).unwrap();
        let chain = [Certificate::from_pem(&read(certificate)).unwrap()];
        let client = ClientCert::new_with_certs(&chain, PrivateKey::from_pem(&read(key)).unwrap());
        let tls =
            TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[believed(&ours)])).client_cert(Some(client));
        ureq::Agent::config_builder().http_status_as_error(false).tls_config(tls.build()).build().into()
    };
    assert!(Running::believing(&believed(&ours)).get(url(HEARTBEAT)).call().is_err(), "nobody");
    assert!(agent(&eve, &eve_key).get(url(HEARTBEAT)).call().is_err(), "of another authority");
    let mut answer = agent(&ann, &ann_key).get(url(IDENTITY)).call().unwrap();
    let said: Json = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!((&said["tenant"], &said["databases"]), (&json!("default_tenant"), &json!(["default_database"])));
    assert!(said["user_id"].as_str().unwrap().contains("CN=ann"), "{said}");
    let reset = agent(&ann, &ann_key).post(url("/api/v2/reset")).send_empty().unwrap();
    assert_eq!(reset.status().as_u16(), 403);
    // Somebody whom the authority vouches for and no rule knows may nothing.
    let (bob, bob_key) = issue(&ours, &server.path(""), "bob");
    assert_eq!(agent(&bob, &bob_key).get(url(IDENTITY)).call().unwrap().status().as_u16(), 403);
}

#[test]
fn ping_believes_the_authority_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let ours = authority("ours");
    let (certificate, key) = issue(&ours, folder.path(), "server");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, ours.pem()).unwrap();
    let server =
        Running::encrypted(folder, &["--tls-cert", text(&certificate), "--tls-key", text(&key)], &believed(&ours));
    let token = server.path("token");
    fs::write(&token, server.token(&["ping", "--role", "reader"])).unwrap();
    let url = format!("https://{}", server.address);
    assert!(!server.command(&["ping", &url]).status.success());
    let said = server.ok(&["ping", &url, "--ca", text(&ca), "--token-file", text(&token), "-o", "json"]);
    assert!(said.contains("\"collections\""), "{said}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let ours = authority("ours");
    let (certificate, key) = issue(&ours, folder.path(), "server");
    let (_, other) = issue(&ours, folder.path(), "other");
    for (certificate, key, why) in [
        (certificate.as_path(), other.as_path(), "does not go with the key"),
        (Path::new("/no/such.pem"), key.as_path(), "/no/such.pem"),
        (key.as_path(), key.as_path(), "no certificate in it"),
    ] {
        let args = ["serve", "--port", "0", "--tls-cert", text(certificate), "--tls-key", text(key)];
        let output = huedb(&folder.path().join("t.redb")).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{said}");
        assert!(!folder.path().join("t.redb").exists());
    }
}

/// HTTP/2 is spoken where both can.
#[test]
fn http_2_is_offered() {
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let ours = authority("ours");
    let (certificate, key) = issue(&ours, folder.path(), "server");
    let server =
        Running::encrypted(folder, &["--tls-cert", text(&certificate), "--tls-key", text(&key)], &believed(&ours));
    let url = format!("https://{}{HEARTBEAT}", server.address);
    let asked = Command::new("curl")
        .args(["-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", &url])
        .output();
    match asked {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout), "2 200"),
        Err(_) => eprintln!("not run, for there is no curl: http_2_is_offered"),
    }
}
