//! A running Chroma server, read page by page over its HTTP API v2.
//!
//! What it sends is judged as any input. Invariants: nothing on the server changes; of the records one page is in memory;
//! what is asked for again after a broken connection is the same page.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;

use super::found::{FoundCollection, Noticed};
use super::selection::Selection;
use super::values::{LeftOut, Said};
use super::wire::{
    DatabaseJson, FEW, SentRecord, check_is_chroma, collections_of, count_of, info_of, of_tenant, path_of, read_page,
};
use crate::error::{Error, Remark, Result};
use crate::input::archive::{Archive, ArchiveSize};
use crate::input::http::{HttpAnswer, HttpClient, ServerOptions};
use crate::record::{DumpLine, MetadataPatch, NewRecord, Origin, RecordId, Scope};

/// Records asked for at once; a server that refuses so many is asked for [`FEW`].
const MANY: usize = 1000;

/// The collections of a server, read as far as was asked for.
pub struct ChromaServer {
    client: HttpClient,
    lines: VecDeque<DumpLine>,
    collections: VecDeque<FoundCollection>,
    records: u64,
    page: usize,
    open: Option<OpenPages>,
    noticed: Noticed,
}

/// The collection that is being read.
struct OpenPages {
    name: String,
    path: String,
    origin: Arc<str>,
    /// Records asked for so far.
    offset: usize,
    rows: VecDeque<Result<NewRecord>>,
    is_last: bool,
    read: u64,
    left_out: LeftOut,
}

impl ChromaServer {
    /// Asks a server what there is of what is wanted. It cannot list its tenants: the one of the selection is read.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the address or what answers there is none of Chroma's, when it refuses who asks, or has not
    /// what is wanted; [`Error::Server`] when it cannot be reached or fails.
    pub fn open(url: &str, selection: &Selection, options: &ServerOptions) -> Result<Self> {
        let client = HttpClient::new(url, options)?;
        check_is_chroma(&client)?;
        let tenant = &selection.scope.tenant;
        let databases = of_tenant(&client, tenant)?;
        let (mut lines, mut collections, mut noticed) = (Vec::new(), Vec::new(), Noticed::default());
        let mut known = Vec::new();
        if tenant != Scope::DEFAULT_TENANT {
            lines.push(DumpLine::Tenant { name: tenant.clone() });
        }
        for DatabaseJson { id, name, .. } in databases {
            let scope = Scope { tenant: tenant.clone(), database: name };
            let before = collections.len();
            for collection in collections_of(&client, &scope)? {
                if scope == selection.scope {
                    known.push(collection.name.clone());
                }
                if selection.takes(&scope.tenant, &scope.database, &collection.name) {
                    let records = count_of(&client, &scope, collection.id)?;
                    let info = info_of(&client, &collection, &mut noticed)?;
                    collections.push(FoundCollection { scope: scope.clone(), info, records });
                }
            }
            if scope != Scope::default() && (selection.is_everything() || collections.len() > before) {
                let Scope { tenant, database } = scope;
                lines.push(DumpLine::Database { tenant, name: database, id });
            }
        }
        if collections.is_empty() && !selection.is_everything() {
            return Err(selection.not_found(client.shown(), &known));
        }
        let records = collections.iter().map(|found| found.records).sum();
        let (lines, collections) = (lines.into(), collections.into());
        Ok(Self { client, lines, collections, records, page: MANY, open: None, noticed })
    }

    /// Asks for the next page, a smaller one where the server gives no larger.
    fn turn(&mut self, open: &mut OpenPages) -> Result<()> {
        let answer = loop {
            let include = ["embeddings", "documents", "metadatas", "uris"];
            let asked = json!({"limit": self.page, "offset": open.offset, "include": include});
            match self.client.post(&format!("{}/get", open.path), &asked)? {
                HttpAnswer { status: 200..=299, body, .. } => break body,
                // A quota, or a page of more bytes than it sends.
                HttpAnswer { status: 400 | 413 | 422, .. } if self.page > FEW => self.page = FEW,
                refused => return Err(self.client.refused(&refused)),
            }
        };
        let page = read_page(&self.client, &answer, self.page, &mut open.left_out)?;
        open.offset += page.len();
        open.is_last = page.is_empty();
        for SentRecord { id, embedding, said } in page {
            let row = row(id, embedding, said, &open.origin);
            open.rows.push_back(row);
        }
        Ok(())
    }

    fn end(&mut self, open: &OpenPages) -> Result<()> {
        self.noticed.others.extend(open.left_out.describe(&open.name));
        let now: u64 = self.client.get(&format!("{}/count", open.path))?;
        if now != open.read {
            let (name, read) = (&open.name, open.read);
            let said =
                format!("{name}: {read} records were read, but it now has {now}: it is being changed; import it again");
            self.noticed.others.push(said);
        }
        Ok(())
    }
}

fn row(id: String, embedding: Option<Vec<f32>>, said: Said, origin: &Arc<str>) -> Result<NewRecord> {
    let bad = |why: String| Error::bad_row(origin, 0, why);
    if embedding.is_none() {
        return Err(bad(format!("record {id:?} has no embedding")));
    }
    Ok(NewRecord {
        id: RecordId::parse(id).map_err(|e| bad(e.to_string()))?,
        embedding,
        embedded_here: false,
        document: said.document,
        uri: said.uri,
        metadata: MetadataPatch::from(said.metadata),
        part: None,
        origin: Origin { source: Arc::clone(origin), line: 0 },
    })
}

impl Archive for ChromaServer {
    fn next_line(&mut self) -> Result<Option<DumpLine>> {
        if let Some(line) = self.lines.pop_front() {
            return Ok(Some(line));
        }
        let Some(FoundCollection { scope, info, records }) = self.collections.pop_front() else { return Ok(None) };
        self.open = Some(OpenPages {
            name: info.name.to_string(),
            path: format!("{}/collections/{}", path_of(&scope), info.id),
            origin: format!("{}: collection {:?}", self.client.shown(), info.name.as_str()).into(),
            offset: 0,
            rows: VecDeque::new(),
            is_last: false,
            read: 0,
            left_out: LeftOut::default(),
        });
        let Scope { tenant, database } = scope;
        Ok(Some(DumpLine::Collection { tenant, database, records, collection: Box::new(info) }))
    }

    fn next_record(&mut self) -> Result<Option<NewRecord>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        while open.rows.is_empty() && !open.is_last {
            self.turn(&mut open)?;
        }
        let Some(row) = open.rows.pop_front() else {
            self.end(&open)?;
            return Ok(None);
        };
        open.read += 1;
        self.open = Some(open);
        row.map(Some)
    }

    fn size(&self) -> ArchiveSize {
        ArchiveSize::Records(self.records)
    }

    fn take_notices(&mut self) -> Vec<Remark> {
        self.noticed.take()
    }
}
