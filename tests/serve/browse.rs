//! `huedb browse`: an address that lets one browser in, once, and who is asked to open it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::page::{browse, filled};
use crate::running::{DATABASE, Running, huedb};

/// A process that ends with the test, whatever comes of that.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Guarded {
    /// Ends it as Ctrl-C does; returns its status and what it has said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        assert!(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap().success());
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (self.0.wait().unwrap().code(), said)
    }
}

/// `huedb browse` under test, and the address it has printed.
struct Browsing {
    _folder: TempDir,
    child: Guarded,
    url: String,
}

impl Browsing {
    /// Starts it over a file without tokens.
    fn start() -> Self {
        let folder = file();
        let mut command = huedb(&folder.path().join("test.redb"));
        command.args(["browse", "notes", "--no-open"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded(command.spawn().unwrap());
        let mut url = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { _folder: folder, child, url: url.trim().to_owned() }
    }

    fn base(&self) -> &str {
        self.url.split_once("/#").unwrap().0
    }

    fn key(&self) -> &str {
        self.url.split_once("#key=").unwrap().1.split('&').next().unwrap()
    }

    fn ask(&self, method: &str, path: &str, token: &str, body: &Json) -> (u16, Json) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base()));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut response = agent.run(request.header("content-type", "application/json").body(body).unwrap()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap())
    }
}

/// Makes a file with a collection.
fn file() -> TempDir {
    let server = Running::start(&[]);
    filled(&server, "notes");
    server.kill()
}

#[test]
fn the_address_lets_one_in_once_to_read() {
    let browsing = Browsing::start();
    let enter = |key: &str| browsing.ask("POST", "/huedb/v1/enter", "", &json!({ "key": key }));
    let collections = format!("{DATABASE}/collections");
    // Though the file has no tokens, nobody else on this machine is let in.
    assert_eq!(browsing.ask("GET", &collections, "", &Json::Null).0, 401);
    assert_eq!(browsing.ask("GET", &collections, browsing.key(), &Json::Null).0, 401);
    assert_eq!(enter("no key").0, 401);
    let (status, said) = enter(browsing.key());
    let token = said["token"].as_str().unwrap().to_owned();
    assert_eq!((status, token == browsing.key()), (200, false));
    assert_eq!(browsing.ask("GET", &collections, &token, &Json::Null).1[0]["name"], "notes");
    assert_eq!(browsing.ask("POST", &collections, &token, &json!({"name": "more"})).0, 403);
    let (status, said) = enter(browsing.key());
    assert!(status == 401 && said["message"].as_str().unwrap().contains("a second time"), "{said}");
    let key = browsing.key().to_owned();
    let (status, said) = browsing.child.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("Ctrl-C ends it") && said.contains("opened a second time"), "{said}");
    assert!(!said.contains(&key) && !said.contains(&token), "{said}");
}

#[test]
fn a_server_gives_no_tokens_for_keys() {
    let server = Running::start(&[]);
    assert_eq!(server.post("/huedb/v1/enter", &json!({"key": "a"})).status, 404);
}

#[test]
fn the_browser_that_is_named_opens_it() {
    let folder = file();
    let (script, opened) = (folder.path().join("browser.sh"), folder.path().join("opened"));
    fs::write(&script, "printf %s \"$2\" > \"$1.part\" && mv \"$1.part\" \"$1\"\n").unwrap();
    let named = format!("no-such-browser:sh {} {} %s", script.display(), opened.display());
    let start = |browser: &str| {
        let mut command = huedb(&folder.path().join("test.redb"));
        command.arg("browse").env("BROWSER", browser).stdout(Stdio::piped()).stderr(Stdio::piped());
        Guarded(command.spawn().unwrap())
    };
    let child = start(&named);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !opened.exists() {
        assert!(Instant::now() < deadline, "no browser was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = fs::read_to_string(&opened).unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.contains("/#key=hdb_"), "{url}");
    let (status, said) = child.end();
    assert!(status == Some(0) && !said.contains("key="), "the address was printed as well: {said}");
    // Where there is none the address is told.
    let mut child = start("no-such-browser");
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().contains("no browser was opened")).unwrap().unwrap();
    assert!(told.contains("/#key=hdb_"), "{told}");
    assert_eq!(child.end().0, Some(0));
    let none = huedb(&folder.path().join("test.redb")).args(["browse", "nots", "--no-open"]).output().unwrap();
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(none.status.code() == Some(2) && said.contains("nots") && said.contains("notes"), "{said}");
}

#[test]
fn it_is_opened_in_a_browser() {
    let browsing = Browsing::start();
    if browse("browse.mjs", &[&browsing.url]).is_none() {
        eprintln!("not run, for there is no Chromium or `make clients` was not: it_is_opened_in_a_browser");
    }
    assert_eq!(browsing.child.end().0, Some(0));
}
