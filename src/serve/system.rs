//! Routes about the server itself.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use serde_json::json;

use super::access::Identity;
use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use crate::record::Scope;

/// What Chroma advertises, which its clients cut their batches by.
const MAX_BATCH_SIZE: u64 = 5461;
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn heartbeat(_site: &Site, _call: &Call) -> Handled {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    Ok(Reply::json(&json!({ "nanosecond heartbeat": nanoseconds })).into())
}

/// Chroma's API version, which clients compare; huedb's own is in `/huedb/v1/info`.
pub(super) fn version(_site: &Site, _call: &Call) -> Handled {
    Ok(Reply::json(&"1.0.0").into())
}

pub(super) fn healthcheck(site: &Site, _call: &Call) -> Handled {
    site.follow()?;
    site.backend.in_scope(Scope::default()).tenants()?;
    Ok(Reply::json(&json!({ "is_executor_ready": true, "is_log_client_ready": true })).into())
}

pub(super) fn pre_flight_checks(_site: &Site, _call: &Call) -> Handled {
    let said = json!({ "max_batch_size": MAX_BATCH_SIZE, "supports_base64_encoding": true });
    Ok(Reply::json(&said).into())
}

/// Who asks, and where they may; clients ask it at their start, and take a tenant and a database that are the only ones.
pub(super) fn identity(_site: &Site, call: &Call) -> Handled {
    let said = match &call.access.subject {
        Identity::Anonymous => {
            let databases = [Scope::DEFAULT_DATABASE];
            json!({ "user_id": "", "tenant": Scope::DEFAULT_TENANT, "databases": databases })
        }
        subject => {
            let (tenant, databases) = call.access.home();
            json!({ "user_id": subject.to_string(), "tenant": tenant, "databases": databases })
        }
    };
    Ok(Reply::json(&said).into())
}

/// What is counted and measured.
pub(super) fn metrics(site: &Site, _call: &Call) -> Handled {
    Ok(Reply::text(OPEN_METRICS, site.metrics().text()).into())
}

pub(super) fn reset(site: &Site, _call: &Call) -> Handled {
    if !site.options.allow_reset {
        return Err(Fault::other(StatusCode::FORBIDDEN, "Reset is disabled by config (--allow-reset allows it)"));
    }
    site.backend.reset()?;
    Ok(Reply::json(&true).into())
}

/// 410 for every route of the first API.
pub(super) fn gone(_site: &Site, _call: &Call) -> Handled {
    let fault = Fault::other(StatusCode::GONE, "The v1 API is deprecated. Please use /v2 apis");
    Err(Fault { name: "Unimplemented", ..fault })
}

/// 501 for what one machine does not do.
pub(super) fn unimplemented(_site: &Site, call: &Call) -> Handled {
    let why = format!("{} is not implemented by huedb", call.route.action.name());
    Err(Fault::other(StatusCode::NOT_IMPLEMENTED, why))
}
