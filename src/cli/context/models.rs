//! Which model a command embeds with, what runs it, and what is told of both.

use std::sync::Arc;

use huedb::embed::{
    DeferredEmbedder, Embedder, Runtime, RuntimeKind, asked_with_model_of_client, load, of_collection, runtime_of,
};
use huedb::error::Result;
use huedb::record::{CollectionInfo, Fingerprint};

use super::command::Context;
use super::timing::TimedEmbedder;

impl Context<'_, '_> {
    /// Loads the model of a collection, or the one asked for, once it is sure that they are the same.
    pub(crate) fn embedder(&mut self, collection: &CollectionInfo, asked: Option<&str>) -> Result<Arc<dyn Embedder>> {
        let embedder = self.deferred_embedder(collection, asked)?;
        if collection.embedder.is_none() {
            let model = &embedder.fingerprint().model;
            self.printer.notice(asked_with_model_of_client(collection, model));
        }
        embedder.load()?;
        self.warn_of_engines(embedder.fingerprint())?;
        self.tell_model(embedder.fingerprint());
        Ok(Arc::new(embedder))
    }

    /// Does the same, but leaves the loading to the first text.
    pub(crate) fn deferred_embedder(&self, collection: &CollectionInfo, asked: Option<&str>) -> Result<TimedEmbedder> {
        Ok(self.timed(of_collection(collection, asked, &self.models)?))
    }

    pub(crate) fn timed(&self, embedder: DeferredEmbedder) -> TimedEmbedder {
        TimedEmbedder {
            embedder,
            timing: self.timing.clone(),
            long_questions: Arc::clone(&self.long_questions),
            heard: None,
        }
    }

    /// Says when questions were longer than what the model reads of one.
    pub(crate) fn warn_of_long_questions(&mut self, model: &Fingerprint) {
        if let Some(said) = self.long_questions.said(model.max_tokens) {
            self.printer.warning(said);
        }
    }

    /// Says which model embeds and what runs it, to who wants to know.
    fn tell_model(&mut self, model: &Fingerprint) {
        self.printer.detail(format!(
            "model {}: {} dimensions, at most {} tokens of a text",
            model.model, model.dimension, model.max_tokens
        ));
        if self.printer.tells_details()
            && let Ok(Some(runtime)) = runtime_of(model, &self.models)
        {
            let path = runtime.path.as_ref().map(|path| format!(" from {}", path.display())).unwrap_or_default();
            self.printer.detail(format!("engine {} {}{path}", runtime.kind, runtime.version));
        }
    }

    /// Loads a model and says which engines were passed over.
    pub(crate) fn load_model(&mut self, name: &str) -> Result<Arc<dyn Embedder>> {
        let embedder = self.timing.of("load model", || load(name, &self.models))?;
        self.warn_of_engines(embedder.fingerprint())?;
        self.tell_model(embedder.fingerprint());
        Ok(embedder)
    }

    fn warn_of_engines(&mut self, model: &Fingerprint) -> Result<()> {
        if let Some(runtime) = runtime_of(model, &self.models)? {
            self.warn_of_skipped(&runtime);
        }
        Ok(())
    }

    /// Says of the model that embeds which engines were passed over, and that rten is the slower one.
    pub(crate) fn say_engine(&mut self, model: &Fingerprint) {
        self.tell_model(model);
        let Ok(Some(runtime)) = runtime_of(model, &self.models) else { return };
        self.warn_of_skipped(&runtime);
        if runtime.kind == RuntimeKind::Rten {
            self.printer.notice("embedding with rten; `huedb setup` installs ONNX Runtime, which is faster");
        }
    }

    pub(crate) fn warn_of_skipped(&mut self, runtime: &Runtime) {
        for skipped in &runtime.skipped {
            self.printer.warning(format!("{} was skipped: {}", skipped.path.display(), skipped.why));
        }
    }
}
