//! `huedb export --all` and `huedb import --all`: the whole file out as one stream, and in again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::context::Context;
use super::exit::Status;
use super::ingest::{BYTES_AT_ONCE, ROWS_AT_ONCE, describe};
use super::interrupt::Interrupt;
use crate::error::{Error, Result};
use crate::input::{BatchLimits, Dump, DumpBatches};
use crate::output::{DumpWriter, Format, Progress, ProgressKind, count, duration};
use crate::record::{CollectionInfo, DUMP_VERSION, DumpLine, Ordinal, Scope, TenantName};
use crate::store::{Access, DatabaseInfo, Ingest, Mode, OnError, Preparer, Store, Tally};

/// Writes all that the file holds at this moment to the standard output.
pub(super) fn export(context: &mut Context) -> anyhow::Result<Status> {
    if context.chosen_format().is_some_and(|format| format != Format::Jsonl) {
        return Err(Error::argument("export --all writes jsonl and no other format").into());
    }
    let store = context.open(Access::Read)?;
    let progress = context.export_progress(store.file_facts()?.records);
    write(&store, &mut DumpWriter::new(context.out()), progress.as_ref())?;
    if let Some(progress) = progress {
        progress.finish();
    }
    Ok(Status::Done)
}

fn write(store: &Store, out: &mut DumpWriter, progress: Option<&Progress>) -> Result<()> {
    let snapshot = store.snapshot()?;
    let created_by = concat!("huedb ", env!("CARGO_PKG_VERSION")).to_owned();
    out.line(&DumpLine::Begin { dump: DUMP_VERSION, created_by })?;
    for name in snapshot.tenants()?.into_iter().filter(|name| name != Scope::DEFAULT_TENANT) {
        out.line(&DumpLine::Tenant { name })?;
    }
    let (mut collections, mut records) = (0, 0);
    for DatabaseInfo { id, name, tenant } in snapshot.databases()? {
        let scope = Scope { tenant: tenant.clone(), database: name.clone() };
        if scope != Scope::default() {
            out.line(&DumpLine::Database { tenant, name, id })?;
        }
        for view in snapshot.collections(&scope)? {
            let live = view.live();
            let Scope { tenant, database } = scope.clone();
            let collection = Box::new(view.info().clone());
            out.line(&DumpLine::Collection { tenant, database, records: live.len(), collection })?;
            for ordinal in &live {
                out.record(&view.dump(Ordinal(ordinal))?)?;
                progress.inspect(|progress| progress.add_rows(1));
            }
            collections += 1;
            records += live.len();
        }
    }
    out.line(&DumpLine::End { collections, records })
}

/// Reads a dump into the file, which is made when there is none.
pub(super) fn import(context: &mut Context, source: &str, mode: Mode) -> anyhow::Result<Status> {
    let start = Instant::now();
    let interrupt = Interrupt::listen();
    // The file is made once it is sure that there is a dump.
    let dump = Dump::open(source)?;
    let read = dump.progress();
    let kind = if read.total_bytes().is_some() { ProgressKind::RowsOfBytes } else { ProgressKind::Rows };
    let mut store = context.open_for_import(Access::Create, read.total_bytes())?;
    let bytes_before = store.file_bytes()?;
    let mut restore = Restore {
        dump: Arc::new(Mutex::new(dump)),
        progress: context.printer.progress("import", kind, read.total_bytes()),
        interrupt,
        mode,
        tally: Tally::default(),
        collections: 0,
    };
    let outcome = restore.all(context, &mut store);
    let Restore { progress, tally, collections, .. } = restore;
    progress.finish();
    if let Err(error) = outcome {
        store.close()?;
        if tally.rows() > 0 {
            let next = "these are stored, and the same import can be run again";
            context.printer.notice(format!("{} before it stopped; {next}", describe(&tally)));
        }
        return Err(error.into());
    }
    context.tidy(&mut store, bytes_before, 2);
    store.close()?;
    let (done, took) = (describe(&tally), duration(start.elapsed()));
    context.printer.notice(format!("{} collections: {done} in {took}", count(collections)));
    Ok(Status::Done)
}

/// A dump on its way into a file.
struct Restore {
    dump: Arc<Mutex<Dump>>,
    progress: Progress,
    interrupt: Interrupt,
    mode: Mode,
    tally: Tally,
    collections: u64,
}

impl Restore {
    fn dump(&self) -> MutexGuard<'_, Dump> {
        self.dump.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&mut self, context: &mut Context, store: &mut Store) -> Result<()> {
        loop {
            let line = self.dump().next_line()?;
            match line {
                None => return Ok(()),
                Some(DumpLine::Tenant { name }) => match store.create_tenant(&TenantName::parse(name)?) {
                    Ok(()) | Err(Error::TenantExists { .. }) => {}
                    Err(error) => return Err(error),
                },
                Some(DumpLine::Database { tenant, name, id }) => {
                    store.adopt_database(&DatabaseInfo { id, name, tenant })?;
                }
                Some(DumpLine::Collection { tenant, database, collection, .. }) => {
                    store.enter(Scope { tenant, database });
                    self.collection(context, store, *collection)?;
                    self.collections += 1;
                }
                Some(DumpLine::Begin { .. } | DumpLine::End { .. }) => {}
            }
        }
    }

    fn collection(&mut self, context: &mut Context, store: &Store, info: CollectionInfo) -> Result<()> {
        let name = info.name.clone();
        store.adopt_collection(info)?;
        let collection = store.collection(name.as_str())?;
        let view = collection.view()?;
        // Every record has its embedding, so no model is asked for.
        let mut preparer = Preparer::new(view.info(), None, self.mode, OnError::Stop)?;
        let limits = BatchLimits { rows: ROWS_AT_ONCE, texts: usize::MAX, bytes: BYTES_AT_ONCE };
        let mut batches = DumpBatches::new(&self.dump, limits);
        let first = preparer.prepare(&view, batches.next().unwrap_or_default())?;
        drop(view);
        let mut ingest = Ingest::new(&collection, preparer);
        let stored = ingest.store_all(first, batches, |batch| {
            if let Some(batch) = batch {
                self.progress.add_rows(batch.tally.rows());
            }
            self.interrupt.check()
        });
        self.tally += ingest.tally();
        stored?;
        super::index::build_if_due(context, &collection, &self.interrupt)
    }
}
