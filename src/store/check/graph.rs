//! The chunks of a graph against the catalogue; what is inside them is left to the index.

use xxhash_rust::xxh3::xxh3_64;

use super::finding::Findings;
use super::subject::Subject;
use crate::error::Result;
use crate::store::codec::Reader;
use crate::store::table::{self, pair_number};
use crate::store::write::read_set;

impl Subject<'_> {
    pub(super) fn check_graph(&self, findings: &mut Findings) -> Result<()> {
        let stale = read_set(&self.tx.open_table(table::STALE)?, self.number, "the set");
        let stale = findings.take(self.place("changed rows"), true, stale)?.unwrap_or_default();
        let (mut chunks, mut bytes) = (0, 0);
        let table = self.tx.open_table(table::GRAPH)?;
        for chunk in table.range::<&table::PairKey>(&self.number.pair(0)..=&self.number.pair(u64::MAX))? {
            let (key, value) = chunk?;
            let place = pair_number(key.value());
            if place != chunks || !matches_its_checksum(value.value()) {
                let what = if place == chunks { "it does not match its checksum" } else { "the one before is missing" };
                findings.add(self.place(&format!("graph chunk {place}")), what, true);
            }
            chunks = place + 1;
            bytes += value.value().len() as u64;
        }
        let graph = self.entry.graph;
        let said = graph.map_or((0, 0), |graph| (graph.chunks, graph.bytes));
        if (chunks, bytes) != said {
            let what = format!("{chunks} chunks of {bytes} bytes are there; {} of {} are counted", said.0, said.1);
            findings.add(self.place("graph"), what, true);
        }
        let covers_until = graph.map_or(0, |graph| graph.covers_until);
        if covers_until > self.entry.next_ordinal || stale.max().is_some_and(|last| last >= covers_until) {
            findings.add(self.place("graph"), "it covers or has changed rows that are not there", true);
        }
        Ok(())
    }
}

/// Every chunk begins with the checksum of what follows.
fn matches_its_checksum(chunk: &[u8]) -> bool {
    let mut reader = Reader::new(chunk, "a graph chunk");
    reader.u64().is_ok_and(|checksum| checksum == xxh3_64(reader.rest()))
}
