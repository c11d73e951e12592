//! Whether a server may start as it is asked to: safe unless told otherwise.
//!
//! Invariant: what other machines reach asks who they are, and what they send cannot be read on its way, unless somebody has
//! said in so many words that it need not.

use std::net::SocketAddr;

use super::access::ClaimRule;
use super::net::Tls;
use super::options::ServeOptions;
use crate::backend::Backend;
use crate::error::{Advice, Error, Result};

impl ServeOptions {
    /// Refuses what [`super::Server::start`] would refuse before it opens a socket: to listen where strangers could come in,
    /// certificates that cannot be used, rules that cannot be read. For a program that makes the file only then.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with what is missing, [`Error::BadInput`] for a certificate, [`Error::InvalidWhere`] for a
    /// filter in a rule.
    pub fn check(&self, address: SocketAddr, has_tokens: bool) -> Result<()> {
        is_safe(address, self, has_tokens)?;
        self.tls.clone().map(Tls::load).transpose()?;
        self.claim_rules.iter().try_for_each(|rule| ClaimRule::parse(rule).map(drop))
    }
}

/// Refuses to listen where others could come in.
pub(super) fn check(address: SocketAddr, options: &ServeOptions, backend: &dyn Backend) -> Result<()> {
    is_safe(address, options, address.ip().is_loopback() || backend.tokens()?.has_tokens()?)
}

fn is_safe(address: SocketAddr, options: &ServeOptions, has_tokens: bool) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let refused = |why: String, hint: Advice| Err(Error::InvalidArgument { why, hint: Some(hint) });
    let asks = options.anonymous.is_some() || options.oidc.is_some() || !options.claim_rules.is_empty();
    if !asks && !has_tokens {
        let why = format!("{address} can be reached by other machines, and there are no tokens to know anybody by");
        return refused(why, Advice::MakeToken);
    }
    if options.tls.is_none() && options.trusted_proxies.is_empty() && !options.insecure {
        let why = format!("{address} can be reached by other machines, and what they send could be read on its way");
        return refused(why, Advice::EncryptConnections);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::FileBackend;
    use crate::embed::LoadOptions;
    use crate::record::{Grant, Role, Token, TokenText};
    use crate::serve::TlsOptions;
    use crate::store::{Access, Store};

    #[test]
    fn what_others_reach_has_tokens_and_is_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_in_test(folder.path().join("t.redb"), Access::Create).unwrap();
        let place = FileBackend::new(store.clone());
        let (here, there) = (["127.0.0.1:0", "[::1]:0"], ["0.0.0.0:8000", "192.0.2.1:8000", "[::]:8000"]);
        let plain = || ServeOptions::with_models(LoadOptions::default());
        let is_safe = |options: &ServeOptions| {
            assert!(here.iter().all(|address| check(address.parse().unwrap(), options, &place).is_ok()));
            let found = there.map(|address| check(address.parse().unwrap(), options, &place).is_ok());
            assert!(found.iter().all(|safe| *safe == found[0]));
            found[0]
        };
        let tls = TlsOptions { certificate: "c".into(), key: "k".into(), client_ca: None };
        assert!(!is_safe(&plain()));
        assert!(!is_safe(&ServeOptions { insecure: true, ..plain() }), "no tokens");
        assert!(is_safe(&ServeOptions { insecure: true, anonymous: Some(Role::Reader), ..plain() }));
        let text = TokenText::draw().unwrap();
        store.create_token(&Token::new(&text, "a", Grant::everywhere(Role::Admin)).unwrap(), &text).unwrap();
        assert!(!is_safe(&plain()), "plain");
        assert!(is_safe(&ServeOptions { insecure: true, ..plain() }));
        assert!(is_safe(&ServeOptions { tls: Some(tls), ..plain() }));
        assert!(is_safe(&ServeOptions { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..plain() }));
    }
}
