//! TLS: certificates read, checked, and read again when they change.
//!
//! Invariant: a pair that cannot be used never takes the place of one that can.

use std::fmt::Display;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value as Json;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::error::{Error, Result};
use crate::serve::access::Claims;

/// Where certificates are.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// The server's certificate and those between it and one that clients know, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
    /// Authorities one of which a client must have its own certificate from; `None` to ask for none.
    pub client_ca: Option<PathBuf>,
}

impl TlsOptions {
    fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).map(PathBuf::as_path)
    }

    /// What tells whether the files are still the same.
    fn state(&self) -> Vec<Option<FileState>> {
        self.files().map(file_state).collect()
    }
}

/// Identity, length, and when it was changed.
type FileState = (u64, u64, i64, i64);

fn file_state(path: &Path) -> Option<FileState> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// The certificate in use.
pub(in crate::serve) struct Tls {
    options: TlsOptions,
    config: RustlsConfig,
    read: Mutex<Vec<Option<FileState>>>,
    expires: AtomicI64,
}

impl Tls {
    /// Reads the certificate.
    ///
    /// # Errors
    /// [`Error::BadInput`] that names the file and what is wrong with it.
    pub(in crate::serve) fn load(options: TlsOptions) -> Result<Self> {
        let read = Mutex::new(options.state());
        let (config, expires) = configure(&options)?;
        let expires = AtomicI64::new(expires);
        Ok(Self { config: RustlsConfig::from_config(config), options, read, expires })
    }

    /// What new connections are made with.
    pub(in crate::serve) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Returns until when the certificate is good, in seconds since 1970.
    pub(in crate::serve) fn expires(&self) -> i64 {
        self.expires.load(Ordering::Relaxed)
    }

    /// Returns whether it is not good any longer.
    pub(in crate::serve) fn has_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.expires() <= i64::try_from(now).unwrap_or(i64::MAX)
    }

    /// Reads the files again where they changed since they were read, or in any case; returns whether new connections
    /// have another certificate now.
    ///
    /// # Errors
    /// As [`Tls::load`]; then the old one stays.
    pub(in crate::serve) fn renew(&self, in_any_case: bool) -> Result<bool> {
        let state = self.options.state();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if !in_any_case && *read == state {
            return Ok(false);
        }
        *read = state;
        let (config, expires) = configure(&self.options)?;
        self.config.reload_from_config(config);
        self.expires.store(expires, Ordering::Relaxed);
        Ok(true)
    }
}

fn bad(path: &Path, why: impl Display) -> Error {
    Error::BadInput { source: path.display().to_string(), why: format!("{why}"), hint: None }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let found = read.map_err(|error| bad(path, error))?;
    if found.is_empty() {
        return Err(bad(path, "there is no certificate in it"));
    }
    Ok(found)
}

fn configure(options: &TlsOptions) -> Result<(Arc<ServerConfig>, i64)> {
    let chain = certificates(&options.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|error| bad(&options.key, error))?;
    let expires = chain.first().map(|first| expiry(first, &options.certificate)).transpose()?.unwrap_or(0);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| bad(&options.certificate, error))?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).map_err(|error| bad(path, error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| bad(path, error))?)
        }
    };
    let paired = builder.with_single_cert(chain, key);
    let mut config = paired.map_err(|error| {
        bad(&options.certificate, format!("it does not go with the key {}: {error}", options.key.display()))
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), expires))
}

fn expiry(certificate: &CertificateDer, path: &Path) -> Result<i64> {
    let certificate = Certificate::from_der(certificate).map_err(|error| bad(path, error))?;
    let until = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(i64::try_from(until.as_secs()).unwrap_or(i64::MAX))
}

/// Returns what a certificate says of whose it is: `subject`, as RFC 4514 writes it, and `cn`.
pub(in crate::serve) fn claims_of(certificate: &[u8]) -> Option<Claims> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let subject = certificate.tbs_certificate().subject();
    let mut claims = Claims::new();
    claims.insert("subject".into(), Json::from(subject.to_string()));
    if let Ok(Some(name)) = subject.common_name() {
        claims.insert("cn".into(), Json::from(name.value()));
    }
    Some(claims)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn write(folder: &Path, name: &str) -> (PathBuf, PathBuf, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let certificate = params.self_signed(&key).unwrap();
        let (at, key_at) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        fs::write(&at, certificate.pem()).unwrap();
        fs::write(&key_at, key.serialize_pem()).unwrap();
        (at, key_at, certificate.der().to_vec())
    }

    #[test]
    fn a_pair_that_does_not_fit_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key, _) = write(folder.path(), "one");
        let (other, other_key, _) = write(folder.path(), "two");
        let options = TlsOptions { certificate: certificate.clone(), key: key.clone(), client_ca: Some(other.clone()) };
        let tls = Tls::load(options).unwrap();
        // 3 February 2031, as `date -u -d 2031-02-03 +%s` has it.
        assert_eq!((tls.expires(), tls.has_expired()), (1_927_843_200, false));
        let before = Arc::as_ptr(&tls.config().get_inner());
        assert!(!tls.renew(false).unwrap());
        fs::copy(&other, &certificate).unwrap();
        let refused = tls.renew(false).unwrap_err().to_string();
        assert!(refused.contains("one.pem") && refused.contains("does not go with the key"), "{refused}");
        assert_eq!(Arc::as_ptr(&tls.config().get_inner()), before);
        assert!(!tls.renew(false).unwrap(), "the same fault is told once");
        fs::copy(&other_key, &key).unwrap();
        assert!(tls.renew(false).unwrap());
        assert_ne!(Arc::as_ptr(&tls.config().get_inner()), before);
        assert!(tls.renew(true).unwrap());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key, _) = write(folder.path(), "one");
        let load = |certificate: &Path, key: &Path, ca: Option<&Path>| {
            let (certificate, key, client_ca) = (certificate.into(), key.into(), ca.map(Path::to_owned));
            Tls::load(TlsOptions { certificate, key, client_ca }).err().unwrap().to_string()
        };
        let absent = folder.path().join("absent.pem");
        assert!(load(&absent, &key, None).contains("absent.pem"));
        assert!(load(&key, &key, None).contains("no certificate in it"));
        assert!(load(&certificate, &certificate, None).contains("one.pem"));
        assert!(load(&certificate, &key, Some(&key)).contains("one.key: there is no certificate"));
    }

    #[test]
    fn a_certificate_says_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (_, _, der) = write(folder.path(), "ann");
        let claims = claims_of(&der).unwrap();
        assert_eq!(claims.get("cn").and_then(Json::as_str), Some("ann"));
        assert!(claims.get("subject").and_then(Json::as_str).unwrap().contains("CN=ann"));
        assert!(claims_of(b"no certificate").is_none());
    }
}
