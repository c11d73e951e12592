//! Encrypted connections, and what of the server's certificate is verified.
//!
//! Invariant: `verify-full` accepts no certificate but one for the host's name, of an authority that is trusted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result};

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// What is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// Nothing: it is encrypted, whoever answers.
    Nothing,
    /// That an authority which is trusted made the certificate.
    Authority,
    /// And that it is the host's.
    Host,
}

/// Returns what makes encrypted connections; `roots` is a file of certificates, or `system`.
pub(super) fn client(verify: Verify, roots: Option<&str>) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let refused = |error: &dyn std::fmt::Display| Error::argument(format!("TLS cannot be used: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?;
    let inner = match verify {
        Verify::Nothing => None,
        Verify::Authority | Verify::Host => {
            let made = WebPkiServerVerifier::builder_with_provider(Arc::new(read_roots(roots)?), Arc::clone(&provider));
            Some(made.build().map_err(|error| refused(&error))?)
        }
    };
    let verifier = Arc::new(Verifier { inner, by_name: verify == Verify::Host, provider });
    // nosemgrep: certificate-not-checked -- sslmode=require promises no more; verify-ca and verify-full check it
    Ok(MakeRustlsConnect::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

fn read_roots(named: Option<&str>) -> Result<RootCertStore> {
    let own = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".postgresql/root.crt"));
    let system = || SYSTEM.iter().map(PathBuf::from).find(|path| path.exists());
    let path = match named {
        Some("system") => system(),
        Some(path) => Some(PathBuf::from(path)),
        None => own().filter(|path| path.exists()).or_else(system),
    };
    let path =
        path.ok_or_else(|| Error::argument("there are no certificates to verify by; name them with sslrootcert"))?;
    read_certificates(&path)
}

fn read_certificates(path: &Path) -> Result<RootCertStore> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let unreadable = |why: String| Error::argument(format!("{}: {why}", path.display()));
        roots.add_parsable_certificates([certificate.map_err(|error| unreadable(error.to_string()))?]);
    }
    if roots.is_empty() {
        return Err(Error::argument(format!("{} holds no certificate", path.display())));
    }
    Ok(roots)
}

/// Says why a certificate was not accepted, where that is what an error is about.
pub(super) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let error = match inner {
        Some(inner) => inner.downcast_ref::<rustls::Error>()?,
        None => error.downcast_ref::<rustls::Error>()?,
    };
    let rustls::Error::InvalidCertificate(why) = error else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => "no authority that is trusted made its certificate".into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".into(),
        other => format!("its certificate is not accepted: {other}"),
    })
}

/// Verifies as much as was asked for.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    by_name: bool,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.by_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
