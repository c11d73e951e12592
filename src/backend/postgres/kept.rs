//! Which records a search may find: what ids and a filter keep, in SQL or by number.
//!
//! Invariant: a condition passes every record that is kept and no other.

use super::fault::Done;
use super::filter::condition;
use super::params::Params;
use super::pool::Session;
use super::read::kept;
use crate::query::{Filter, RecordQuery};
use crate::record::RecordId;

/// Records of a filter that are ranked one by one: a graph meets too few of them to be quick.
const FEW: i64 = 2000;

/// Which records may be found.
#[derive(Debug)]
pub(super) enum Kept {
    /// All.
    All,
    /// Those of ids and a filter that PostgreSQL understands.
    Where(RecordQuery),
    /// Those of these numbers, which were tested here.
    Numbers(Vec<i64>),
}

impl Kept {
    /// Takes what ids and a filter keep, with what is left of it to be tested here tested.
    pub(super) fn of(session: &mut Session, table: &str, among: &RecordQuery) -> Done<Self> {
        let filter = among.filter.as_ref().filter(|filter| !filter.is_all());
        if among.ids.is_none() && filter.is_none() {
            return Ok(Self::All);
        }
        let check = filter.and_then(|filter| condition(filter, &mut Params::default()).check_here);
        if check.is_some() {
            return Ok(Self::Numbers(kept(session, table, among.ids.as_deref(), filter)?));
        }
        let (ids, filter) = (among.ids.clone(), among.filter.clone());
        Ok(Self::Where(RecordQuery { ids, filter, ..RecordQuery::default() }))
    }

    /// Returns the condition.
    pub(super) fn sql(&self, params: &mut Params) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Numbers(numbers) => format!("seq = any({})", params.push(numbers.clone(), "bigint[]")),
            Self::Where(among) => {
                let sql = condition(among.filter.as_ref().unwrap_or(&Filter::ALL), params).sql;
                match &among.ids {
                    None => sql,
                    Some(ids) => {
                        let ids = ids.iter().map(RecordId::as_str).filter(|id| !id.contains('\0'));
                        let ids: Vec<String> = ids.map(str::to_owned).collect();
                        format!("(id = any({}) and {sql})", params.push(ids, "text[]"))
                    }
                }
            }
        }
    }

    /// Returns whether so few are kept that comparing each is quick; they are counted no farther than it matters.
    pub(super) fn are_few(&self, session: &mut Session, table: &str) -> Done<bool> {
        match self {
            Self::All => Ok(false),
            Self::Numbers(numbers) => Ok(i64::try_from(numbers.len()).is_ok_and(|kept| kept <= FEW)),
            Self::Where(_) => {
                let mut params = Params::default();
                let sql = self.sql(&mut params);
                let count = format!("select count(*) from (select from {table} where {sql} limit {}) few", FEW + 1);
                let kept = session.row(&count, &params.values())?.map_or(Ok(0), |row| row.try_get(0))?;
                Ok::<bool, _>(FEW >= kept)
            }
        }
    }
}
