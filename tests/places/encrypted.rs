//! TLS to a real PostgreSQL: what of its certificate is verified, and who is let in without.

use std::fs;
use std::process::{Command, Output};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::postgres_server::Postgres;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Returns a certificate for a host and its key.
fn issue(authority: &Authority, host: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn ping(address: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
    command.args(["ping", address, "--timeout", "60", "-o", "json"]).env("HUEDB_CONFIG", "/dev/null").output().unwrap()
}

#[test]
fn as_much_of_the_certificate_is_verified_as_sslmode_says() {
    let test = "as_much_of_the_certificate_is_verified_as_sslmode_says";
    let (right, wrong) = (authority("right"), authority("wrong"));
    let (certificate, key) = issue(&right, "localhost");
    let Some(server) = Postgres::start_encrypting(test, (&certificate, &key)) else { return };
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (file("right.pem", &right.pem()), file("wrong.pem", &wrong.pem()));
    let (nothing, missing) = (file("nothing.pem", ""), folder.path().join("none.pem").display().to_string());
    let (untrusted, other) =
        ("no authority that is trusted made its certificate", "its certificate is for another host");
    let roots = |mode: &str, roots: &str| format!("sslmode={mode}&sslrootcert={roots}");
    for (host, query, says) in [
        ("localhost", roots("verify-full", &right), None),
        ("127.0.0.1", roots("verify-ca", &right), None),
        ("127.0.0.1", roots("require", &right), None),
        ("127.0.0.1", "sslmode=require".to_owned(), None),
        ("127.0.0.1", "sslmode=prefer".to_owned(), None),
        ("127.0.0.1", String::new(), None),
        ("127.0.0.1", roots("verify-full", &right), Some(other)),
        ("localhost", roots("verify-full", &wrong), Some(untrusted)),
        ("127.0.0.1", roots("verify-full", &wrong), Some(untrusted)),
        ("localhost", roots("verify-ca", &wrong), Some(untrusted)),
        // With authorities to judge by, it is judged by them, as PostgreSQL's own programs do.
        ("localhost", roots("require", &wrong), Some(untrusted)),
        ("localhost", roots("verify-full", "system"), Some(untrusted)),
        ("localhost", roots("verify-full", &nothing), Some("holds no certificate")),
        ("localhost", roots("verify-full", &missing), Some("none.pem")),
        ("localhost", "sslmode=disable".to_owned(), Some("no encryption")),
        ("localhost", "sslmode=always".to_owned(), Some("is not one of disable")),
    ] {
        let address = format!("postgresql://ann@{host}:{}/postgres?{query}", server.port());
        let output = ping(&address);
        let said = String::from_utf8_lossy(&output.stderr);
        match says {
            None => {
                let shown = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && shown.contains("PostgreSQL 15"), "{address}: {said}");
            }
            Some(says) => assert!(!output.status.success() && said.contains(says), "{address}: {said}"),
        }
    }
    // Whoever is let in without is not encrypted where nothing is to be, and nothing is verified then.
    let address = format!("postgresql://postgres@127.0.0.1:{}/postgres?sslmode=disable", server.port());
    assert!(ping(&address).status.success());
}

#[test]
fn a_server_without_tls_is_not_talked_to_where_it_is_required() {
    let Some(server) = Postgres::shared("a_server_without_tls_is_not_talked_to_where_it_is_required") else { return };
    let address = server.database();
    for mode in ["require", "verify-ca", "verify-full"] {
        let output = ping(&format!("{address}?sslmode={mode}&sslrootcert=system"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("TLS"), "{mode}: {said}");
    }
    for mode in ["prefer", "disable"] {
        assert!(ping(&format!("{address}?sslmode={mode}")).status.success(), "{mode}");
    }
}
