//! The address of a database, and how it is connected to.
//!
//! What PostgreSQL's own programs read of an address is read here too: several hosts, `sslmode`, `sslrootcert`, `passfile`,
//! the variable PGPASSWORD and the file ~/.pgpass. Invariant: with several hosts, one that takes writes is found, unless
//! `target_session_attrs` says otherwise.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use postgres::config::{SslMode, TargetSessionAttrs};
use postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Done;
use super::password;
use super::tls::{self, Verify};
use crate::error::{Error, Result};

/// How long one host is waited for, unless the address says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long what was sent may be unacknowledged: a host that lost its power says no more.
const SILENCE: Duration = Duration::from_secs(30);

/// How to connect.
pub(super) struct Connector {
    config: Config,
    /// `None` where nothing is encrypted.
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that says nothing, [`Error::Io`] for certificates that cannot be read.
    pub(super) fn parse(address: &str) -> Result<Self> {
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let (mut kept, mut mode, mut roots, mut passfile) = (Vec::new(), None, None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = Some(value),
                "sslrootcert" => roots = Some(value),
                "passfile" => passfile = Some(PathBuf::from(value)),
                _ => kept.push(parameter),
            }
        }
        let mark = if kept.is_empty() { "" } else { "?" };
        let parsed: Result<Config, postgres::Error> = format!("{base}{mark}{}", kept.join("&")).parse();
        let mut config = parsed.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Error::argument(format!("the address of PostgreSQL is not understood{cause}"))
        })?;
        let verify = match mode.as_deref() {
            None | Some("prefer" | "allow") => Some((SslMode::Prefer, Verify::Nothing)),
            Some("disable") => None,
            // As PostgreSQL's own programs: with certificates to judge by, they are judged by.
            Some("require") if roots.is_some() => Some((SslMode::Require, Verify::Authority)),
            Some("require") => Some((SslMode::Require, Verify::Nothing)),
            Some("verify-ca") => Some((SslMode::Require, Verify::Authority)),
            Some("verify-full") => Some((SslMode::Require, Verify::Host)),
            Some(other) => {
                return Err(Error::argument(format!(
                    "sslmode={other} is not one of disable, prefer, require, verify-ca and verify-full"
                )));
            }
        };
        config.ssl_mode(verify.map_or(SslMode::Disable, |(mode, _)| mode));
        let tls = verify.map(|(_, verify)| tls::client(verify, roots.as_deref())).transpose()?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_hosts().len() > 1 && !query.contains("target_session_attrs=") {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("huedb");
        }
        if config.get_user().is_none() {
            config.user(
                &std::env::var("PGUSER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "postgres".into()),
            );
        }
        if config.get_password().is_none()
            && let Some(password) = password::find(&config, passfile)
        {
            config.password(password);
        }
        Ok(Self { config, tls })
    }

    /// Returns what was read of the address.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Connects.
    pub(super) fn connect(&self) -> Done<Client> {
        Ok(match &self.tls {
            Some(tls) => self.config.connect(tls.clone())?,
            None => self.config.connect(NoTls)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_postgresql_reads_it() {
        let of = |address: &str| Connector::parse(address).unwrap();
        let one = of("postgresql://ann:pw@db/notes?sslmode=disable&connect_timeout=3");
        assert!(one.tls.is_none() && one.config.get_password() == Some(b"pw"));
        assert_eq!(one.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(one.config.get_target_session_attrs(), TargetSessionAttrs::Any);
        let two = of("postgres://h1:5433,h2/notes");
        assert_eq!((two.config.get_hosts().len(), two.config.get_ssl_mode()), (2, SslMode::Prefer));
        assert_eq!(two.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let any = of("postgres://h1,h2/notes?target_session_attrs=any&sslmode=require");
        assert_eq!(any.config.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!(any.config.get_ssl_mode(), SslMode::Require);
        for bad in ["postgresql://h/d?sslmode=maybe", "postgresql://h:x/d", "postgresql://h/d?nonsense=1"] {
            assert!(Connector::parse(bad).is_err(), "{bad}");
        }
    }
}
