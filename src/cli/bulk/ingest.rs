//! Rows on their way into a collection while the user watches: what `import` and `sync` share.
//!
//! Invariant: what is refused before the first batch is ready has not touched a byte of the file; what ends the work later
//! says what is stored and that the same command goes on.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};

use huedb::backend::{Records, State};
use huedb::embed::Embedder;
use huedb::error::{Advice, Error, Remark, Result};
use huedb::ingest::{Ingest, OnError, Preparer, Rules, StoredBatch, Tally};
use huedb::input::{self, BatchLimits, Met, Notices, OnDuplicate, Repeats, RowBatches, SkippedFile, SkippedFiles};
use huedb::record::CollectionInfo;
use huedb::store::{Mode, Store};

use crate::cli::bulk::read_ahead::ReadAhead;
use crate::cli::context::command::Context;
use crate::cli::context::tidying::bytes_of;
use crate::cli::context::timing::{Heard, TimedEmbedder};
use crate::cli::process::advice::remark;
use crate::cli::process::hint::passing;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressDisplay, ProgressKind, count, count_of};

/// What the first ctrl-C says.
pub(crate) const STOPPING: &str = "\nStopping after the texts at hand. Press Ctrl-C again to stop at once.\n";
/// Texts embedded and stored in one transaction: what a kill can undo, at the most.
const TEXTS_AT_ONCE: usize = 256;
/// Rows stored in one transaction when nothing has to be embedded.
pub(crate) const ROWS_AT_ONCE: usize = 8192;
/// Bytes of rows in one transaction, far under half of the import's cache.
pub(crate) const BYTES_AT_ONCE: usize = 32 << 20;
/// Files passed over that are named to who did not ask for details.
const NAMED_FILES: usize = 10;

/// Returns when a batch is full, if not at as many rows as were asked for.
pub(crate) fn limits(asked: Option<NonZeroUsize>, embeds: bool) -> BatchLimits {
    BatchLimits {
        rows: asked.map_or(ROWS_AT_ONCE, NonZeroUsize::get),
        texts: if embeds && asked.is_none() { TEXTS_AT_ONCE } else { usize::MAX },
        bytes: BYTES_AT_ONCE,
    }
}

/// Batches and where they go.
pub(crate) struct Ingestion<'r> {
    /// The verb, as progress and messages name it.
    pub(crate) action: &'static str,
    /// The collection.
    pub(crate) name: &'r str,
    /// The collection as it is, which nobody else holds open.
    pub(crate) view: Box<dyn State>,
    pub(crate) batches: RowBatches,
    /// What texts are embedded with.
    pub(crate) embedder: Option<TimedEmbedder>,
    pub(crate) mode: Mode,
    pub(crate) on_error: OnError,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) rules: Rules,
    pub(crate) interrupt: Interrupt,
}

impl Ingestion<'_> {
    /// Stores all batches, then does what is to follow, which returns how many records it removed.
    pub(crate) fn store(
        self,
        context: &mut Context,
        info: &CollectionInfo,
        then: impl FnOnce(&dyn Records) -> Result<u64>,
    ) -> Result<Tally> {
        let Self { action, name, view, mut batches, mut embedder, mode, on_error, on_duplicate, rules, interrupt } =
            self;
        let report = Report::begin(context, action, &batches);
        if let Some(embedder) = &mut embedder {
            embedder.heard = Some(report.embedding(interrupt.clone()));
        }
        let embedder = embedder.as_ref().map(|embedder| embedder as &dyn Embedder);
        let mut preparer = Preparer::new(info, embedder, mode, on_error)?.following(rules);
        let met = batches.met();
        // The file is opened for writing once a batch is ready for it: what is refused before has not touched a byte.
        let rows = batches.next();
        if rows.is_none() {
            refuse_no_text(context, &report.skipped, action)?;
        }
        report.ahead.read(rows.iter().flatten().flatten(), &report.read);
        let first = match preparer.prepare(view.as_ref(), rows.unwrap_or_default()) {
            Ok(first) => first,
            Err(error) => {
                let error = report.explain(error);
                report.end(context);
                return Err(error);
            }
        };
        drop(view);
        let place = context.open_for_rows(report.read.total_bytes())?;
        let bytes_before = bytes_of(place.file())?;
        let collection = place.collection(name.into());
        let mut ingest = Ingest::new(collection.as_ref(), preparer);
        let timing = context.timing.clone();
        let hear = |batch: Option<StoredBatch>| {
            report.hear(context, batch.as_ref(), info);
            interrupt.check()
        };
        let batches = report.ahead.over(batches);
        let outcome = timing.of("store", || ingest.store_all(first, batches, hear));
        let mut tally = ingest.tally();
        report.end(context);
        say_met(context, &met, on_duplicate);
        // What is kept of ten million ids takes as much memory as clusters of them.
        drop(met);
        let outcome = outcome
            .and_then(|()| then(collection.as_ref()).map(|removed| tally.removed += removed))
            .and_then(|()| if tally.added + tally.updated > 0 { collection.settle() } else { Ok(()) })
            .and_then(|()| crate::cli::verb::index::build_if_due(context, collection.as_ref(), &interrupt));
        if let Err(error) = outcome {
            let is_in_place = place.file().is_none_or(Store::is_in_place);
            drop(collection);
            let closed = place.close();
            say_stopped(context, action, &tally, is_in_place);
            say_cut_documents(context, info, &tally, &chunks(info));
            closed?;
            return Err(error);
        }
        // Where it wrote most of the file, so that the cost stays a part of its own.
        context.tidy(place.file(), bytes_before, 2);
        drop(collection);
        place.close()?;
        say_cut_documents(context, info, &tally, &chunks(info));
        Ok(tally)
    }
}

/// What the user sees while rows are stored.
struct Report {
    progress: Arc<ProgressDisplay>,
    ahead: ReadAhead,
    read: Arc<input::ReadProgress>,
    notices: Notices,
    skipped: SkippedFiles,
    said_engine: Cell<bool>,
}

impl Report {
    fn begin(context: &Context, action: &'static str, batches: &RowBatches) -> Self {
        let read = batches.progress();
        let rows = if batches.splits() { "chunks" } else { "rows" };
        let progress = context.printer.progress(action, ProgressKind::OfBytes(rows), read.total_bytes());
        Self {
            progress: Arc::new(progress),
            ahead: ReadAhead::default(),
            read,
            notices: batches.notices(),
            skipped: batches.skipped(),
            said_engine: Cell::new(false),
        }
    }

    /// Shows what is embedded of a batch, and ends the work between two parts of one, be it a large file.
    fn embedding(&self, interrupt: Interrupt) -> Heard {
        let (progress, ahead) = (Arc::clone(&self.progress), self.ahead.clone());
        Box::new(move |texts| {
            ahead.embedded(texts);
            show(&progress, &ahead);
            interrupt.check()
        })
    }

    fn hear(&self, context: &mut Context, batch: Option<&StoredBatch>, info: &CollectionInfo) {
        let Some(batch) = batch else { return };
        self.ahead.stored(batch.tally.rows(), batch.tally.embedded);
        show(&self.progress, &self.ahead);
        let model = info.embedder.as_ref().filter(|_| batch.tally.embedded > 0);
        self.progress.suspend(|| {
            batch.refused.iter().for_each(|error| context.printer.warning(passing(error)));
            context.printer.detail(format!("batch stored: {}", describe(&batch.tally)));
            if let Some(model) = model.filter(|_| !self.said_engine.replace(true)) {
                context.say_engine(model);
            }
        });
    }

    /// Of a row without text says what the input has instead of it, if that is known; in one message.
    fn explain(&self, error: Error) -> Error {
        let is_no_text = |advice: Option<&Advice>| matches!(advice, Some(Advice::NameTextColumn(_)));
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let at = notices.iter().position(|notice| is_no_text(notice.advice.as_ref()));
        match (error, at) {
            (Error::BadRow { source, line, hint, .. }, Some(at)) if is_no_text(hint.as_ref()) => {
                let Remark { text, advice } = notices.remove(at);
                let why = [format!("{source}:{line}: "), format!("{source}: ")];
                let why = why.iter().find_map(|place| text.strip_prefix(place.as_str())).unwrap_or(&text).to_owned();
                Error::BadRow { source, line, why, hint: advice }
            }
            (error, _) => error,
        }
    }

    fn end(self, context: &mut Context) {
        self.progress.finish();
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.iter().for_each(|notice| context.printer.notice(remark(notice)));
        say_skipped(context, &self.skipped.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn show(progress: &ProgressDisplay, ahead: &ReadAhead) {
    let (bytes, rows) = ahead.position();
    progress.set_bytes(bytes);
    progress.set_rows(rows);
}

/// Names the files that are passed over, and says why.
pub(crate) fn say_skipped(context: &mut Context, skipped: &[SkippedFile]) {
    let named = if context.printer.tells_details() { skipped.len() } else { NAMED_FILES };
    for SkippedFile { path, why, advice } in skipped.iter().take(named) {
        let why = Remark { text: format!("skipped {path}: it {why}"), advice: advice.clone() };
        context.printer.notice(remark(&why));
    }
    let more = skipped.len().saturating_sub(named);
    if more > 0 {
        context.printer.notice(format!("skipped {} more; -v names them", count_of(more as u64, "file")));
    }
}

/// Refuses an import none of whose files is text.
pub(crate) fn refuse_no_text(context: &mut Context, skipped: &SkippedFiles, action: &str) -> Result<()> {
    let skipped = skipped.lock().unwrap_or_else(PoisonError::into_inner);
    if skipped.is_empty() || action != "import" {
        return Ok(());
    }
    say_skipped(context, &skipped);
    Err(Error::InvalidArgument {
        why: "none of the files is text".into(),
        hint: Some("choose text files with a glob such as 'docs/**/*.md'".into()),
    })
}

/// Says what is stored of work that ended early, in a file that still has its name or has lost it.
pub(crate) fn say_stopped(context: &mut Context, action: &str, tally: &Tally, is_in_place: bool) {
    if tally.rows() == 0 {
        return;
    }
    // Nobody can open what has lost its name.
    let next = if is_in_place {
        format!("these are stored: run the same {action} to continue")
    } else {
        format!(
            "the file {} was removed or replaced, and they are lost unless the new one has them",
            context.db.display()
        )
    };
    context.printer.notice(format!("{} before it stopped; {next}", describe(tally)));
}

/// The option that has documents cut into chunks that the models read whole.
fn chunks(info: &CollectionInfo) -> String {
    let models = info.embedder.iter().chain(info.sparse.as_ref().map(|sparse| &sparse.model));
    format!("--chunk {}", models.map(|model| model.max_tokens).min().unwrap_or_default())
}

/// Says how many documents of an ingest are not read whole by the models of its collection.
pub(crate) fn say_cut_documents(context: &mut Context, info: &CollectionInfo, tally: &Tally, helps: &str) {
    if let Some(model) = &info.embedder {
        say_cut(context, (tally.cut, tally.embedded), model.max_tokens, helps);
    }
    if let Some(sparse) = &info.sparse
        && tally.cut_by_sparse > 0
    {
        let (cut, most) = (count_of(tally.cut_by_sparse, "document"), count(sparse.model.max_tokens as u64));
        context.printer.notice(format!("the sparse model read only the first {most} tokens of {cut}: {helps}"));
    }
}

/// Says how many documents are longer than what the model reads of one, and what helps.
pub(crate) fn say_cut(context: &mut Context, (cut, embedded): (u64, u64), max_tokens: usize, helps: &str) {
    if cut > 0 {
        let verb = if cut == 1 { "is" } else { "are" };
        context.printer.notice(format!(
            "{} of {} {verb} longer than the {} tokens the model reads; the rest is not found by meaning: {helps}",
            count(cut),
            count_of(embedded, "document"),
            count(max_tokens as u64)
        ));
    }
}

/// Says what was met over all inputs: of which formats they were, and ids that came again.
pub(crate) fn say_met(context: &mut Context, met: &Met, on_duplicate: OnDuplicate) {
    met.formats().into_iter().for_each(|formats| context.printer.notice(formats));
    met.not_found().into_iter().for_each(|missing| context.printer.warning(missing));
    let Repeats { rows, first: Some((id, again, before)) } = met.repeats() else { return };
    let left_out = on_duplicate == OnDuplicate::First;
    let have = match (rows, left_out) {
        (1, false) => "row has a repeated id",
        (1, true) => "row with a repeated id was skipped",
        (_, false) => "rows have repeated ids",
        (_, true) => "rows with repeated ids were skipped",
    };
    let (n, id) = (count(rows), id.as_str());
    context.printer.warning(format!(
        "{n} {have}: first {id:?} at {again}, which was already used at {before} (--on-duplicate error|last|first)"
    ));
}

pub(crate) fn describe(tally: &Tally) -> String {
    let counts = [
        (tally.added, "added"),
        (tally.updated, "updated"),
        (tally.unchanged, "unchanged"),
        (tally.skipped, "skipped"),
        (tally.removed, "removed"),
        (tally.failed, "failed"),
        (tally.embedded, "embedded"),
    ];
    let always = 4;
    let said = counts.iter().enumerate().filter(|(at, (n, _))| *n > 0 || *at < always);
    said.map(|(_, (n, what))| format!("{what} {}", count(*n))).collect::<Vec<_>>().join(", ")
}
