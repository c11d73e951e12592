//! Who asks, and what they may do: decided before a byte of a request's body is read.

mod action;
mod asker;
mod claim_rule;
mod credential;
mod decision;
mod guard;
mod rate;

pub(super) use action::{Action, Level};
pub(super) use asker::{Access, Subject};
pub(super) use claim_rule::ClaimRule;
pub(super) use credential::Credential;
pub(super) use guard::{Asked, Claims, Guard, Place, Refusal, Rules};
pub(super) use rate::RateLimits;
