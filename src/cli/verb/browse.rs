//! `huedb browse`.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use clap::Args;
use huedb::backend::{Only, Place, only_in};
use huedb::error::{Error, Result};
use huedb::serve::{Notice, ServeOptions, Server, Visitor};
use huedb::store::{Access, Options};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::cli::verb::serve::attend;

/// Bytes of what stays decoded between questions, as `serve` has them.
const WARM_BYTES: usize = 256 << 20;
/// Seconds the requests at hand may take once it is told to end: one person waits for them.
const DRAIN: Duration = Duration::from_secs(2);

/// Look at the database in a browser
///
/// Opens a page with the collections, their records, search with filters, a map and statistics. It is served by this
/// process, to this machine, on a free port, and only reads. The address has a key that lets one browser in, once; in
/// the page that browser is known until its tab is closed. Ctrl-C ends it.
///
/// The browser is that of $BROWSER, else the one that the system opens addresses with.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb browse
  huedb browse notes
  huedb browse --no-open --port 8001

Exit codes:
  0 ended by a signal, and those of every command")]
pub(crate) struct BrowseArgs {
    /// Collection to begin with
    collection: Option<String>,

    /// Print the address instead of opening it
    #[arg(long)]
    no_open: bool,

    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

impl BrowseArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let place = context.place();
        if matches!(place, Place::Server(_)) {
            return Err(only_in(&place, Only::Keeper("browse")));
        }
        let backend = context.open_to_stay(Access::Read, Options::SERVE_CACHE_BYTES, WARM_BYTES)?;
        if let Some(name) = &self.collection {
            // A slip is told here, where it was made.
            backend.collection(name.as_str().into()).count()?;
        }
        let scope = backend.scope().clone();
        let visitor = Visitor::draw()?;
        let (told, lines) = channel();
        let mut options = ServeOptions::with_models(context.models.clone());
        let telling = told.clone();
        options.notice = Notice::new(move |line| drop(telling.send(line.to_owned())));
        options.read_only = true;
        options.visitor = Some(visitor.clone());
        let asked = Interrupt::listen_saying("");
        let server = Server::start(backend, SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), options)?;
        let name = self.collection.as_deref().unwrap_or_default();
        let view = format!("/{}/{}", escaped(&scope.database), escaped(name));
        let (address, key) = (server.address(), visitor.key());
        let url = format!("http://{address}/#key={key}&tenant={}&view={}", escaped(&scope.tenant), escaped(&view));
        if self.no_open {
            let out = context.out();
            let printed = writeln!(out, "{url}").and_then(|()| out.flush());
            printed.map_err(|error| Error::io("print the address", error))?;
        } else {
            open(url, told);
        }
        context.printer.notice(format!("showing {place} at http://{address}; Ctrl-C ends it"));
        attend(context, &asked, server, &lines, DRAIN)?;
        Ok(Status::Done)
    }
}

/// Writes all but what is plain in every part of an address as `%41`.
fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let write = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(write).collect()
}

/// Opens an address in a browser; says so where there is none, and what the address is.
fn open(url: String, told: Sender<String>) {
    let own = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let browser = std::env::var("BROWSER").ok().filter(|browser| !browser.trim().is_empty());
    let browsers: Vec<String> = match &browser {
        // Several are parted by colons, as in every program that reads it.
        Some(browsers) => browsers.split(':').map(str::to_owned).collect(),
        None => vec![own.to_owned()],
    };
    std::thread::spawn(move || {
        let starts = |browser: &String| {
            let mut words = browser.split_whitespace();
            let Some(program) = words.next() else { return false };
            let takes_place = browser.contains("%s");
            let mut command = Command::new(program);
            command.args(words.map(|word| word.replace("%s", &url)));
            if !takes_place {
                command.arg(&url);
            }
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if !browsers.iter().any(starts) {
            let tried = browsers.join(", ");
            let _ = told.send(format!("no browser was opened ({tried}); open {url}"));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_part_of_an_address_has_nothing_that_ends_it() {
        assert_eq!(escaped("notes-1_a.b"), "notes-1_a.b");
        assert_eq!(escaped("a&b=c#d é"), "a%26b%3Dc%23d%20%C3%A9");
    }
}
