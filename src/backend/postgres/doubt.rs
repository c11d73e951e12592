//! Writes that reach several servers, of which one may fail at the commit.
//!
//! Each server commits for itself, so a mark is set before such a write and goes with it. Who finds a mark when nobody
//! writes counts the records again. Invariant: what the catalogue says of the number of records is what the shards have, or
//! there is a mark; a record is there as it was or as it was to be.

use super::catalogue::Entry;
use super::fault::Done;
use super::pool::{Pool, Session};

/// Begins a write to a collection that is held: what an earlier one left behind is settled, and this one leaves a mark until
/// it is committed.
pub(super) fn begin(pool: &Pool, session: &mut Session, entry: &mut Entry) -> Done<()> {
    if !entry.is_far() {
        return Ok(());
    }
    session.execute("select pg_advisory_xact_lock($1)", &[&key(entry)])?;
    if is_marked(session, entry)? {
        count(session, entry)?;
    } else {
        let mark = "insert into huedb.doubt values ($1) on conflict do nothing";
        // Over another connection, for it has to stay when this transaction does not.
        pool.ask(|beside| beside.execute(mark, &[&entry.number]))?;
    }
    session.execute("delete from huedb.doubt where collection = $1", &[&entry.number])?;
    session.spreads();
    Ok(())
}

/// Corrects the number of records of a collection that is read, where a write was not completed.
pub(super) fn settle(session: &mut Session, entry: &mut Entry) -> Done<()> {
    if !entry.is_far() || !is_marked(session, entry)? {
        return Ok(());
    }
    // Whoever writes holds this, and then what the catalogue says is right.
    let free = session.row("select pg_try_advisory_lock_shared($1)", &[&key(entry)])?;
    if free.map_or(Ok(false), |row| row.try_get(0))? {
        session.row("select pg_advisory_unlock_shared($1)", &[&key(entry)])?;
        count(session, entry)?;
    }
    Ok(())
}

fn is_marked(session: &mut Session, entry: &Entry) -> Done<bool> {
    let mark = session.row("select exists (select from huedb.doubt where collection = $1)", &[&entry.number])?;
    Ok(mark.map_or(Ok(false), |row| row.try_get(0))?)
}

fn count(session: &mut Session, entry: &mut Entry) -> Done<()> {
    entry.records = 0;
    for part in entry.parts() {
        let sql = format!("select count(*), coalesce(max(seq) + 1, 0) from {}", part.table);
        let Some(row) = session.row(&sql, &[])? else { continue };
        entry.records += u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
        entry.next = entry.next.max(u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0));
    }
    Ok(())
}

/// The lock of whoever writes to a collection: its number, as all other locks of huedb's are hashes.
fn key(entry: &Entry) -> i64 {
    entry.number
}
