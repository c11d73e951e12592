//! `huedb export --all` and `huedb import --all`: the whole file out as one stream, and in again. What other programs
//! wrote comes in the same way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use huedb::embed::Embedder;
use huedb::error::{Error, Result};
use huedb::ingest::{Ingest, OnError, Preparer, Tally};
use huedb::input::{Archive, ArchiveBatches, ArchiveSize, BatchLimits, Dump};
use huedb::record::{CollectionInfo, CollectionName, DUMP_VERSION, DumpLine, Ordinal, Scope, TenantName};
use huedb::store::{Access, DatabaseInfo, Mode, Store};
use uuid::Uuid;

use crate::cli::arguments::destination::Destination;
use crate::cli::bulk::ingest::{BYTES_AT_ONCE, ROWS_AT_ONCE, describe, say_stopped};
use crate::cli::context::command::Context;
use crate::cli::process::advice::remark;
use crate::cli::process::exit::Status;
use crate::cli::process::hint::passing;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{Compression, DumpWriter, ProgressDisplay, ProgressKind, count_of, duration};

/// Writes all that the file holds at this moment.
pub(crate) fn export(context: &mut Context, destination: Destination, packing: Option<Compression>) -> Result<()> {
    context.require_file("export --all")?;
    let store = context.open_file(Access::Read)?;
    let interrupt = (!destination.is_stdout()).then(Interrupt::listen);
    let progress = context.output_progress("export", Some(store.file_facts()?.records), destination.is_stdout());
    destination.write(packing, context.out(), |out| {
        write(&store, &mut DumpWriter::new(out), progress.as_ref(), interrupt.as_ref())
    })?;
    if let Some(progress) = progress {
        progress.finish();
    }
    Ok(())
}

fn write(
    store: &Store,
    out: &mut DumpWriter,
    progress: Option<&ProgressDisplay>,
    interrupt: Option<&Interrupt>,
) -> Result<()> {
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
                interrupt.map_or(Ok(()), Interrupt::check)?;
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
pub(crate) fn import(context: &mut Context, source: &str, mode: Mode) -> Result<Status> {
    context.require_file("import --all")?;
    // The file is made once it is sure that there is a dump.
    restore(context, Dump::open(source, context.stdin.clone())?, mode, OnError::Stop, None)
}

/// Reads whole collections into the file, which is made when there is none; `into` is the name they are to have.
pub(crate) fn restore(
    context: &mut Context,
    archive: impl Archive + 'static,
    mode: Mode,
    on_error: OnError,
    into: Option<CollectionName>,
) -> Result<Status> {
    context.require_file("import of whole collections")?;
    let start = Instant::now();
    let interrupt = Interrupt::listen();
    let size = archive.size();
    let (kind, total, bytes) = match &size {
        ArchiveSize::Bytes(read) => match read.total_bytes() {
            Some(bytes) => (ProgressKind::OfBytes("records"), Some(bytes), Some(bytes)),
            None => (ProgressKind::Rows, None, None),
        },
        ArchiveSize::Records(records) => (ProgressKind::Rows, Some(*records), None),
    };
    let mut store = context.open_for_import(Access::Create, bytes)?;
    let bytes_before = store.file_bytes()?;
    let mut restore = ArchiveImport {
        archive: Arc::new(Mutex::new(archive)),
        size,
        progress: context.printer.progress("import", kind, total),
        interrupt,
        mode,
        on_error,
        into,
        tally: Tally::default(),
        collections: 0,
    };
    let outcome = restore.all(context, &mut store);
    let notices = restore.archive().take_notices();
    let ArchiveImport { progress, tally, collections, .. } = restore;
    progress.finish();
    for notice in notices {
        context.printer.notice(remark(&notice));
    }
    if let Err(error) = outcome {
        let is_in_place = store.is_in_place();
        let closed = store.close();
        say_stopped(context, "import", &tally, is_in_place);
        closed?;
        return Err(error);
    }
    context.tidy(Some(&store), bytes_before, 2);
    store.close()?;
    let (done, took) = (describe(&tally), duration(start.elapsed()));
    context.printer.notice(format!("{}: {done} in {took}", count_of(collections, "collection")));
    Ok(Status::Done)
}

/// Collections on their way into a file.
struct ArchiveImport {
    archive: Arc<Mutex<dyn Archive>>,
    size: ArchiveSize,
    progress: ProgressDisplay,
    interrupt: Interrupt,
    mode: Mode,
    on_error: OnError,
    into: Option<CollectionName>,
    tally: Tally,
    collections: u64,
}

impl ArchiveImport {
    fn archive(&self) -> MutexGuard<'_, dyn Archive + 'static> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&mut self, context: &mut Context, store: &mut Store) -> Result<()> {
        loop {
            let line = self.archive().next_line()?;
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
                    *store = store.in_scope(Scope { tenant, database });
                    self.collection(context, store, *collection)?;
                    self.collections += 1;
                }
                Some(DumpLine::Begin { .. } | DumpLine::End { .. }) => {}
            }
        }
    }

    fn collection(&mut self, context: &mut Context, store: &Store, mut info: CollectionInfo) -> Result<()> {
        let name = self.into.as_ref().unwrap_or(&info.name).clone();
        match &self.into {
            // Who names a collection that is there means it.
            Some(wanted) if store.view(wanted.as_str()).is_ok() => {}
            Some(wanted) => {
                (info.name, info.id) = (wanted.clone(), Uuid::new_v4());
                store.adopt_collection(info)?;
            }
            None => store.adopt_collection(info)?,
        }
        let collection = store.collection(name.as_str())?;
        let view = collection.view()?;
        // Every record has its embedding. What a collection with a sparse model wants beside it, only its own records have.
        let weighs = self.into.is_some() && view.info().sparse.is_some();
        let embedder = weighs.then(|| context.deferred_embedder(view.info(), None)).transpose()?;
        let embedder = embedder.as_ref().map(|embedder| embedder as &dyn Embedder);
        let mut preparer = Preparer::new(view.info(), embedder, self.mode, self.on_error)?;
        let limits = BatchLimits { rows: ROWS_AT_ONCE, texts: usize::MAX, bytes: BYTES_AT_ONCE };
        let mut batches = ArchiveBatches::new(Arc::clone(&self.archive), limits, self.on_error == OnError::Skip);
        let first = preparer.prepare(&view, batches.next().unwrap_or_default())?;
        drop(view);
        let mut ingest = Ingest::new(&collection, preparer);
        let stored = ingest.store_all(first, batches, |batch| {
            if let ArchiveSize::Bytes(read) = &self.size {
                self.progress.set_bytes(read.read_bytes());
            }
            if let Some(batch) = batch {
                self.progress.add_rows(batch.tally.rows());
                self.progress
                    .suspend(|| batch.refused.iter().for_each(|error| context.printer.warning(passing(error))));
            }
            self.interrupt.check()
        });
        self.tally += ingest.tally();
        stored?;
        crate::cli::verb::index::build_if_due(context, &collection, &self.interrupt)
    }
}
