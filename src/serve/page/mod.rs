//! A page to look at collections with: hand-written files that ask the routes of this server, as any client would.
//!
//! Invariants: it loads nothing from anywhere else, and could not (`POLICY`); it holds nothing that is in the file, so it is
//! given to everybody, and every request it makes is admitted by its own token; no text of a record is ever read as markup.

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Scripts, styles and requests of this server alone, no markup made of text, and no other page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    // A newer server has a newer page.
    ("cache-control", "no-cache"),
];

const INDEX: &str = include_str!("index.html");
/// The files by their names.
const FILES: [(&str, &str, &str); 10] = [
    ("style.css", CSS, include_str!("style.css")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("api.js", JS, include_str!("api.js")),
    ("app.js", JS, include_str!("app.js")),
    ("dom.js", JS, include_str!("dom.js")),
    ("keys.js", JS, include_str!("keys.js")),
    ("list.js", JS, include_str!("list.js")),
    ("map.js", JS, include_str!("map.js")),
    ("record.js", JS, include_str!("record.js")),
    ("stats.js", JS, include_str!("stats.js")),
];

pub(super) fn index(_site: &Site, _call: &Call) -> Handled {
    Ok(Reply { headers: HEADERS, ..Reply::text(HTML, INDEX.into()) }.into())
}

pub(super) fn file(_site: &Site, call: &Call) -> Handled {
    let name = call.param("file");
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, kind, text) =
        found.ok_or_else(|| Fault::not_found(format!("there is no file of the page named {name:?}")))?;
    Ok(Reply { headers: HEADERS, ..Reply::text(kind, (*text).into()) }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_makes_no_markup_of_text_and_loads_nothing_from_elsewhere() {
        let all = FILES.iter().map(|(name, _, text)| (*name, *text)).chain([("index.html", INDEX)]);
        for (name, text) in all {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "http:",
                "https:",
                " style=",
                "localStorage",
            ] {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
        }
        // What the index and the modules name is there.
        for (_, _, text) in FILES.iter().filter(|(_, kind, _)| *kind == JS) {
            for rest in text.split(" from \"./").skip(1) {
                let imported = rest.split('"').next().unwrap();
                assert!(FILES.iter().any(|(name, ..)| *name == imported), "{imported}");
            }
        }
        for rest in INDEX.split("\"/page/").skip(1) {
            let named = rest.split('"').next().unwrap();
            assert!(FILES.iter().any(|(name, ..)| *name == named), "{named}");
        }
    }
}
