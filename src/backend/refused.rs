//! What a place cannot do, refused by name, with what does it there.

use super::place::Place;
use crate::error::Error;

/// What is asked of a place that cannot do it, by its verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// A file alone does this.
    File(&'static str),
    /// A file or PostgreSQL does this.
    Keeper(&'static str),
    /// A file or a huedb server does this.
    Served(&'static str),
    /// PostgreSQL alone does this.
    Postgres(&'static str),
}

/// Returns the error for what a place cannot do.
#[must_use]
pub fn only_in(place: &Place, what: Only) -> Error {
    let (verb, who) = match what {
        Only::File(verb) => (verb, "works on a file"),
        Only::Keeper(verb) => (verb, "works on a file or on PostgreSQL"),
        Only::Served(verb) => (verb, "works on a file or on a huedb server"),
        Only::Postgres(verb) => (verb, "works on PostgreSQL"),
    };
    let here = match place {
        Place::File(_) => "a file",
        Place::Server(_) => "a server",
        Place::Postgres(_) => "PostgreSQL",
    };
    Error::InvalidArgument { why: format!("{verb} {who}; {place} is {here}"), hint: Some(instead(verb, place).into()) }
}

/// Says what does the same there.
fn instead(verb: &str, place: &Place) -> String {
    let there = match (place, verb) {
        (Place::Postgres(_), "compact") => "there `VACUUM` and autovacuum give space back",
        (Place::Postgres(_), "check" | "repair") => "there `amcheck` checks, and `REINDEX` makes indexes again",
        (Place::Postgres(_), "backup" | "restore") => "there `pg_dump`, `pg_restore` and base backups do it",
        (Place::Postgres(_), "--clusters") => "there `huedb index build` makes a graph, which single questions use",
        (Place::Postgres(_), "encrypt" | "decrypt" | "rekey") => {
            "there the system encrypts the disk, and `sslmode=verify-full` the connection"
        }
        (_, "export --all") => "`huedb pull --all` brings all of it into a file, which exports it",
        (_, "import --all" | "import of whole collections") => {
            "import into a file, and `huedb push --all` brings it there"
        }
        (Place::Postgres(_), "reembed") => {
            "`huedb pull` it into a file, reembed it, and `huedb push` it --into another name"
        }
        (_, "--shards") => "leave it out, or take --db postgresql://..",
        (Place::Server(_), "browse") => "open the server's address in a browser: a huedb server has the same page",
        (Place::Server(_), _) => "run it where the server's file is",
        _ => "`huedb pull` brings a collection into a file, and `huedb push` takes it back",
    };
    there.to_owned()
}
