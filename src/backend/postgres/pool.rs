//! Connections that threads share, and transactions on them.
//!
//! Invariant: what is acknowledged is committed, once. A connection that turns out to be lost is replaced and the work done
//! again as long as it cannot have been committed; one that is lost at the commit itself is asked for from the server by the
//! transaction's own number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::types::ToSql;
use postgres::{Client, Row, Statement};

use super::connect::Connector;
use super::fault::{Done, Fault};
use crate::backend::Place;
use crate::error::{Error, Result};

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;
/// The first wait before something is tried again; each one after it is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// The connections to one database.
pub(super) struct Pool {
    connector: Connector,
    place: Place,
    /// How long others are waited for.
    patience: Duration,
    idle: Mutex<Vec<Session>>,
    /// Whether huedb's tables were seen.
    pub(super) is_made: AtomicBool,
}

/// A connection, used by one thread at a time.
pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Whether the transaction that is open writes to other servers as well.
    spreads: bool,
    /// What was set last, for the transaction that is open.
    set: String,
}

/// How a transaction ended that did not end well.
enum Ended {
    /// Nothing of it was written.
    Undone(Fault),
    /// The connection was lost at the commit.
    Unsure(Box<Commit>, Fault),
}

/// What a transaction is known by afterwards.
struct Commit {
    number: String,
    /// Another server that took over counts on another line.
    timeline: String,
}

impl Session {
    /// Asks, with a statement that is kept prepared.
    pub(super) fn rows(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Done<Vec<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query(&statement, values)?)
    }

    /// Asks for at most one row.
    pub(super) fn row(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Done<Option<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query_opt(&statement, values)?)
    }

    /// Does something; returns how many rows it was done to.
    pub(super) fn execute(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Done<u64> {
        let statement = self.prepared(sql)?;
        Ok(self.client.execute(&statement, values)?)
    }

    /// Sets something until the transaction ends, by calls of `set_config`.
    pub(super) fn set(&mut self, settings: &str) -> Done<()> {
        if self.set != settings {
            self.client.batch_execute(&format!("select {settings}"))?;
            self.has_set(settings);
        }
        Ok(())
    }

    /// Notes that so much was set last.
    pub(super) fn has_set(&mut self, settings: &str) {
        settings.clone_into(&mut self.set);
    }

    /// Begins a transaction.
    fn begin(&mut self, how: &str) -> Done<()> {
        self.spreads = false;
        self.set.clear();
        Ok(self.client.batch_execute(&format!("begin {how}"))?)
    }

    /// Has the end of the transaction that is open be taken for what it is when several servers commit.
    pub(super) fn spreads(&mut self) {
        self.spreads = true;
    }

    /// Returns the client, for what is done seldom or has no answer.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    fn prepared(&mut self, sql: &str) -> Done<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        if self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn transact<T>(&mut self, work: &mut dyn FnMut(&mut Self) -> Done<T>) -> Result<T, Ended> {
        let value = match self.begin("").and_then(|()| work(self)) {
            Ok(value) => value,
            Err(fault) => {
                if !fault.is_lost() {
                    drop(self.client.batch_execute("rollback"));
                }
                return Err(Ended::Undone(fault));
            }
        };
        let commit = self.commit_of().map_err(Ended::Undone)?;
        match (self.client.batch_execute("commit").map_err(Fault::from), commit) {
            (Ok(()), _) => Ok(value),
            (Err(fault), Some(commit)) if fault.is_lost() => Err(Ended::Unsure(Box::new(commit), fault)),
            // A shard that fails now may do so after another one has committed.
            (Err(fault), _) if self.spreads => Err(Ended::Undone(Fault::InPart(fault.said()))),
            (Err(fault), _) => Err(Ended::Undone(fault)),
        }
    }

    /// Returns what the open transaction is known by; `None` where it has written nothing.
    fn commit_of(&mut self) -> Done<Option<Commit>> {
        let sql = "select pg_current_xact_id_if_assigned()::text, left(pg_walfile_name(pg_current_wal_lsn()), 8)";
        let Some(row) = self.row(sql, &[])? else { return Ok(None) };
        let (number, timeline): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(number.map(|number| Commit { number, timeline }))
    }
}

impl Pool {
    /// Takes an address; connects once, so that a wrong one is told at once.
    pub(super) fn open(address: &str, patience: Duration) -> Result<Self> {
        let place = Place::Postgres(address.to_owned());
        let connector = Connector::parse(address)?;
        let (idle, is_made) = (Mutex::default(), AtomicBool::new(false));
        let pool = Self { connector, place, patience, idle, is_made };
        let session = pool.connect().map_err(|fault| pool.told(fault))?;
        pool.put_back(session);
        Ok(pool)
    }

    /// Returns the place.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Names the place in what went wrong.
    pub(super) fn told(&self, fault: Fault) -> Error {
        fault.at(&self.place, self.patience)
    }

    fn connect(&self) -> Done<Session> {
        let mut client = self.connector.connect()?;
        // None at all would be without end to PostgreSQL.
        let patience = self.patience.as_millis().clamp(1, 1 << 30);
        client.batch_execute(&format!("set lock_timeout = {patience}; set client_min_messages = warning"))?;
        Ok(Session { client, statements: HashMap::new(), spreads: false, set: String::new() })
    }

    /// Takes a connection that nobody uses, or makes one.
    fn take(&self) -> Done<Session> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(session) if session.client.is_closed() => {}
                Some(session) => return Ok(session),
                None => return self.connect(),
            }
        }
    }

    fn put_back(&self, session: Session) {
        if !session.client.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }

    /// Forgets the connections that nobody uses: the server they lead to is gone.
    fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Does work, and does it again while that may help and nothing of it can have been committed. A place that never
    /// answered is told at once; one that did is given time to come back.
    fn patiently<T>(&self, mut work: impl FnMut(Session) -> Result<T, Ended>) -> Result<T> {
        let deadline = Instant::now() + self.patience;
        let (mut wait, mut was_lost, mut was_undone) = (FIRST_WAIT, false, false);
        loop {
            let (fault, goes_on) = match self.take() {
                Err(fault) => {
                    let goes_on = was_lost && fault.is_lost();
                    (fault, goes_on)
                }
                Ok(session) => match work(session) {
                    Ok(value) => return Ok(value),
                    Err(Ended::Undone(fault)) => {
                        was_lost |= fault.is_lost();
                        let goes_on = fault.is_lost() || fault.may_pass();
                        (fault, goes_on)
                    }
                    // Lost at the commit and not written: once is accident.
                    Err(Ended::Unsure(_, fault)) => {
                        was_lost = true;
                        (fault, !std::mem::replace(&mut was_undone, true))
                    }
                },
            };
            if fault.is_lost() {
                self.forget();
            }
            if !goes_on || Instant::now() >= deadline {
                return Err(self.told(fault));
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Does work in a transaction of its own: committed and durable when this returns `Ok`, without a trace otherwise. The
    /// work may be done several times.
    pub(super) fn write<T>(&self, mut work: impl FnMut(&mut Session) -> Done<T>) -> Result<T> {
        self.patiently(|mut session| {
            // Kept outside, for a commit whose answer is lost: what it gave is still true if it took place.
            let mut value = None;
            let mut kept = |session: &mut Session| {
                value = Some(work(session)?);
                Ok(())
            };
            match session.transact(&mut kept) {
                Ok(()) => {}
                Err(Ended::Unsure(commit, fault)) => match self.outcome(&commit) {
                    Some(true) => {}
                    Some(false) if session.spreads => return Err(Ended::Undone(Fault::InPart(fault.said()))),
                    Some(false) => return Err(Ended::Unsure(commit, fault)),
                    None => return Err(Ended::Undone(Fault::Ours(self.unknown()))),
                },
                Err(Ended::Undone(fault)) => {
                    // Tables that this transaction made are not there.
                    self.is_made.store(false, Ordering::Relaxed);
                    if !fault.is_lost() {
                        self.put_back(session);
                    }
                    return Err(Ended::Undone(fault));
                }
            }
            self.put_back(session);
            value.ok_or_else(|| Ended::Undone(Fault::Ours(self.unknown())))
        })
    }

    /// Asks without a transaction; what is asked in several statements may be of several states.
    pub(super) fn ask<T>(&self, mut work: impl FnMut(&mut Session) -> Done<T>) -> Result<T> {
        self.patiently(|mut session| {
            let done = work(&mut session);
            if !matches!(&done, Err(fault) if fault.is_lost()) {
                self.put_back(session);
            }
            done.map_err(Ended::Undone)
        })
    }

    /// Does work in a transaction that stays open and sees one state; returns it with what the work gave.
    pub(super) fn snapshot<T>(
        self: &Arc<Self>,
        mut work: impl FnMut(&mut Session) -> Done<T>,
    ) -> Result<(Snapshot, T)> {
        self.patiently(|mut session| {
            match session.begin("isolation level repeatable read read only").and_then(|()| work(&mut session)) {
                Ok(value) => {
                    let pool = Arc::clone(self);
                    Ok((Snapshot { pool, session: Mutex::new(Some(session)) }, value))
                }
                Err(fault) => {
                    if !fault.is_lost() && session.client.batch_execute("rollback").is_ok() {
                        self.put_back(session);
                    }
                    Err(Ended::Undone(fault))
                }
            }
        })
    }

    /// Finds out whether a transaction whose commit was not answered took place; `None` where nobody can say.
    fn outcome(&self, commit: &Commit) -> Option<bool> {
        self.forget();
        let deadline = Instant::now() + self.patience;
        let mut wait = FIRST_WAIT;
        loop {
            match self.connect().and_then(|mut session| Self::status(&mut session, commit)) {
                Ok(Some(status)) if status == "committed" => return Some(true),
                Ok(Some(status)) if status == "aborted" => return Some(false),
                // It is still at it.
                Ok(Some(_)) => {}
                Err(fault) if fault.is_lost() => {}
                Ok(None) | Err(_) => return None,
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn status(session: &mut Session, commit: &Commit) -> Done<Option<String>> {
        let sql = "select pg_xact_status($1::text::xid8), left(pg_walfile_name(pg_current_wal_lsn()), 8)";
        let Some(row) = session.row(sql, &[&commit.number])? else { return Ok(None) };
        let (status, timeline): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(status.filter(|_| timeline == commit.timeline))
    }

    fn unknown(&self) -> Error {
        Error::Server {
            url: self.place.to_string(),
            why: "the connection was lost while the write was committed; whether it was written is not known".into(),
            hint: Some("look whether it is there before it is written again".into()),
        }
    }
}

/// One state of the database, on a connection of its own.
pub(super) struct Snapshot {
    pool: Arc<Pool>,
    session: Mutex<Option<Session>>,
}

impl Snapshot {
    /// Asks.
    pub(super) fn ask<T>(&self, work: impl FnOnce(&mut Session) -> Done<T>) -> Result<T> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = || Error::Server {
            url: self.pool.place.to_string(),
            why: "the connection was lost while it was read from".into(),
            hint: Some("run it again".into()),
        };
        let done = work(session.as_mut().ok_or_else(lost)?);
        if done.as_ref().is_err_and(Fault::is_lost) {
            *session = None;
        }
        done.map_err(|fault| self.pool.told(fault))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut session) = session
            && session.client.batch_execute("rollback").is_ok()
        {
            self.pool.put_back(session);
        }
    }
}
