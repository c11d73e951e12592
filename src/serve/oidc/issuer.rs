//! An identity provider as the server holds it: its keys, kept fresh on a thread of their own, and the tokens they sign.
//!
//! Invariants: no token waits for the network unless its caller says how long; keys stay until a renewal succeeds, and those
//! that it no longer names are gone with it; the thread ends with what it serves.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
#[cfg(test)]
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value as Json};

use super::client::ProviderClient;
use super::keys::KeySet;
use super::schedule::Schedule;
use super::token::TokenRules;
use super::{JwtRefusal, OidcOptions};
use crate::error::{Error, Result};

/// Tells the time to the renewals; tests have their own.
pub(super) type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// An identity provider whose tokens are believed.
pub(in crate::serve) struct Issuer {
    shared: Arc<IssuerState>,
    #[cfg(test)]
    pub(super) thread: Option<JoinHandle<()>>,
}

struct IssuerState {
    client: ProviderClient,
    rules: TokenRules,
    clock: Clock,
    keys: RwLock<Arc<KeySet>>,
    schedule: Mutex<Schedule>,
    /// Something in the schedule changed.
    changed: Condvar,
}

impl Issuer {
    /// Discovers the provider and its keys, which is the only time that a caller waits for it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an issuer that is not asked; [`Error::Server`] with the address and what failed there.
    pub(in crate::serve) fn start(options: &OidcOptions) -> Result<Self> {
        Self::start_with(options, Arc::new(Instant::now))
    }

    pub(super) fn start_with(options: &OidcOptions, clock: Clock) -> Result<Self> {
        let client = ProviderClient::new(options)?;
        let keys = client.keys()?;
        if keys.is_empty() {
            let why = "publishes no key that tokens could be checked with".to_owned();
            let hint = "RSA keys of 2,048 bits or more, P-256 and Ed25519 are taken, for RS256, PS256, ES256 and EdDSA";
            return Err(Error::Server { url: options.issuer.clone(), why, hint: Some(hint.into()) });
        }
        let shared = Arc::new(IssuerState {
            client,
            rules: TokenRules::new(options),
            schedule: Mutex::new(Schedule::new(clock())),
            clock,
            keys: RwLock::new(Arc::new(keys)),
            changed: Condvar::new(),
        });
        let renewing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("huedb-oidc".into())
            .spawn(move || renewing.renew())
            .map_err(|e| Error::io("start the thread that renews the keys of the identity provider", e))?;
        #[cfg(not(test))]
        drop(thread);
        Ok(Self {
            shared,
            #[cfg(test)]
            thread: Some(thread),
        })
    }

    /// Returns the claims of a token that may be believed. Waits for nothing: a token of an unknown key has the keys asked
    /// for, and is refused meanwhile.
    pub(in crate::serve) fn verify(&self, token: &str, now: SystemTime) -> Result<Map<String, Json>, JwtRefusal> {
        self.verify_within(token, now, Duration::ZERO)
    }

    /// As [`Issuer::verify`], but waits for keys that are being asked for, no longer than that.
    pub(in crate::serve) fn verify_within(
        &self,
        token: &str,
        now: SystemTime,
        wait: Duration,
    ) -> Result<Map<String, Json>, JwtRefusal> {
        let verified = self.shared.rules.verify(token, &self.shared.keys(), now);
        if matches!(verified, Err(JwtRefusal::UnknownKey(_))) && self.shared.is_renewed_within(wait) {
            return self.shared.rules.verify(token, &self.shared.keys(), now);
        }
        verified
    }

    /// Returns why the keys could not be renewed, where the last try failed.
    pub(in crate::serve) fn failure(&self) -> Option<String> {
        self.shared.schedule().failure().map(str::to_owned)
    }

    /// How many renewals have ended.
    #[cfg(test)]
    pub(super) fn renewals(&self) -> u64 {
        self.shared.schedule().renewals()
    }

    /// Has the thread look at its clock, which a test has set, and waits until more renewals have ended than so many.
    #[cfg(test)]
    pub(super) fn await_renewal(&self, before: u64) {
        // It has looked at its clock before it waits, or will.
        drop(self.shared.schedule());
        self.shared.changed.notify_all();
        assert!(self.shared.awaits(before, Duration::from_mins(1)), "no renewal came");
    }
}

impl Drop for Issuer {
    /// Lets the thread end by itself: it may be waiting for the provider.
    fn drop(&mut self) {
        self.shared.schedule().end();
        self.shared.changed.notify_all();
    }
}

impl IssuerState {
    fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the keys, if it may be, and returns whether they came in that time.
    fn is_renewed_within(&self, wait: Duration) -> bool {
        let (under_way, before) = {
            let mut schedule = self.schedule();
            (schedule.ask((self.clock)()), schedule.renewals())
        };
        if under_way {
            self.changed.notify_all();
        }
        under_way && !wait.is_zero() && self.awaits(before, wait)
    }

    /// Waits until more renewals have ended than so many.
    fn awaits(&self, before: u64, wait: Duration) -> bool {
        let pending = |schedule: &mut Schedule| schedule.renewals() == before && !schedule.has_ended();
        let waited = self.changed.wait_timeout_while(self.schedule(), wait, pending);
        let (schedule, _) = waited.unwrap_or_else(PoisonError::into_inner);
        schedule.renewals() != before
    }

    /// Renews the keys whenever it is time, to the end.
    fn renew(&self) {
        let mut schedule = self.schedule();
        while !schedule.has_ended() {
            let rest = schedule.rest((self.clock)());
            if !rest.is_zero() {
                let waited = self.changed.wait_timeout(schedule, rest);
                schedule = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            schedule.begin();
            drop(schedule);
            let failure = match self.client.keys() {
                Ok(keys) => {
                    *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            schedule = self.schedule();
            schedule.finish((self.clock)(), failure);
            self.changed.notify_all();
        }
    }
}
