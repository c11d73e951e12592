//! How many requests a second are taken from each who asks.
//!
//! A token has the rate that it was made with; others, and each address of those who don't say who they are, the server's. A
//! request costs one, and one more for each 256 KiB of its body, which is known before the body is read. Invariant: as many are
//! remembered as ask, and no more than a bound.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::{Caller, Identity};
use crate::record::Rate;

/// Bytes of a body that cost as much as a request.
const BYTES_OF_A_CELL: u64 = 256 << 10;
/// Who is remembered.
const MOST_KEPT: usize = 65_536;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Asker {
    Identity(Identity),
    Address(IpAddr),
}

/// Counts requests.
pub(in crate::serve) struct RateLimits {
    /// Of whoever has none of their own.
    common: Option<Rate>,
    limiters: Mutex<HashMap<(Asker, Rate), DefaultDirectRateLimiter>>,
    clock: DefaultClock,
}

impl RateLimits {
    pub(in crate::serve) fn new(common: Option<Rate>) -> Self {
        Self { common, limiters: Mutex::default(), clock: DefaultClock::default() }
    }

    /// Counts a request; returns how long to wait where it is one too many, and the rate.
    pub(in crate::serve) fn count(&self, access: &Caller, address: IpAddr, body: u64) -> Result<(), (Duration, Rate)> {
        let asker = match &access.subject {
            Identity::Anonymous => Asker::Address(network(address)),
            subject => Asker::Identity(subject.clone()),
        };
        self.take(asker, access.rate, body)
    }

    /// Counts a request whose sender is not known, or not believed.
    pub(in crate::serve) fn count_stranger(&self, address: IpAddr) -> Result<(), (Duration, Rate)> {
        self.take(Asker::Address(network(address)), None, 0)
    }

    fn take(&self, asker: Asker, own: Option<Rate>, body: u64) -> Result<(), (Duration, Rate)> {
        let Some(rate) = own.or(self.common) else { return Ok(()) };
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if limiters.len() >= MOST_KEPT {
            // Whoever has sent nothing for a while has the full rate again, remembered or not.
            limiters.retain(|(_, rate), limiter| limiter.check_n(rate.0).is_err());
            if limiters.len() >= MOST_KEPT {
                limiters.clear();
            }
        }
        let new = || RateLimiter::direct(Quota::per_second(rate.0));
        let limiter = limiters.entry((asker, rate)).or_insert_with(new);
        let cells = u32::try_from(1 + body / BYTES_OF_A_CELL).unwrap_or(u32::MAX).min(rate.0.get());
        let cells = NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN);
        match limiter.check_n(cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err((not_until.wait_time_from(self.clock.now()), rate)),
            Err(_) => Err((Duration::from_secs(1), rate)),
        }
    }
}

/// A household or a machine has a whole network of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        },
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Role;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn known(name: &str, own: Option<Rate>) -> Caller {
        let subject = Identity::Token { id: name.into(), name: name.into() };
        Caller { subject, rate: own, ..Caller::anonymous(Role::Reader) }
    }

    #[test]
    fn each_has_a_rate_of_their_own() {
        let limits = RateLimits::new(Some(rate("3/s")));
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let (ann, bob) = (known("ann", None), known("bob", Some(rate("1/s"))));
        for _ in 0..3 {
            limits.count(&ann, here, 0).unwrap();
        }
        let (wait, said) = limits.count(&ann, there, 0).unwrap_err();
        assert!(wait <= Duration::from_secs(1) && said.to_string() == "3/s");
        limits.count(&bob, here, 0).unwrap();
        assert!(limits.count(&bob, here, 0).is_err());
        let nobody = Caller::anonymous(Role::Reader);
        (0..3).for_each(|_| limits.count(&nobody, here, 0).unwrap());
        assert!(limits.count(&nobody, here, 0).is_err() && limits.count_stranger(here).is_err());
        limits.count(&nobody, there, 0).unwrap();
    }

    #[test]
    fn a_large_body_costs_more_and_never_more_than_there_can_be() {
        let limits = RateLimits::new(Some(rate("10/s")));
        let (ann, here) = (known("ann", None), "192.0.2.1".parse().unwrap());
        limits.count(&ann, here, 9 * BYTES_OF_A_CELL).unwrap();
        assert!(limits.count(&ann, here, 0).is_err());
        limits.count(&known("bob", None), here, u64::MAX - 1).unwrap();
        let none = RateLimits::new(None);
        (0..1000).for_each(|_| none.count(&ann, here, 0).unwrap());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let limits = RateLimits::new(Some(rate("1/s")));
        limits.count_stranger("2001:db8::1".parse().unwrap()).unwrap();
        assert!(limits.count_stranger("2001:db8::ffff:2".parse().unwrap()).is_err());
        limits.count_stranger("2001:db8:1::1".parse().unwrap()).unwrap();
        limits.count_stranger("192.0.2.9".parse().unwrap()).unwrap();
        assert!(limits.count_stranger("::ffff:192.0.2.9".parse().unwrap()).is_err());
    }
}
