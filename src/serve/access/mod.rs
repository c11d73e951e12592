//! Who asks, and what they may do: decided before a byte of a request's body is read.

mod action;
mod caller;
mod claim_rule;
mod credential;
mod decision;
mod guard;
mod rate;

pub(super) use action::{Action, Level};
pub(super) use caller::{Caller, Identity};
pub(super) use claim_rule::{ClaimRule, Claims};
pub(super) use credential::Credential;
#[cfg(feature = "mcp")]
pub(super) use decision::Decision;
pub(super) use guard::{AccessRequest, Guard, GuardRules, Place, Refusal};
pub(super) use rate::RateLimits;
