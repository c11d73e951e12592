//! `huedb push` and `huedb pull`: a collection, or all, from the place of --db to another one, or back.
//!
//! Invariants: of what differs, all travels and nothing else; wherever the work stops, the same command goes on from there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use huedb::backend::{Backend, Place};
use huedb::error::{Error, Result};
use huedb::record::CollectionName;
use huedb::store::Access;

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::arguments::shards::{ShardArgs, spread};
use crate::cli::bulk::transfer::Delivery;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Bring a collection to another place: a file, a server or PostgreSQL
///
/// Sends the records that the other place has not, or has otherwise, with their embeddings as they are; nothing is embedded
/// again. A new collection gets all settings, the model among them, and the order of the records; one that is there must
/// have the same model, space and dimension. Records that only the other place has stay, unless --prune is given. An
/// interrupted push is completed by the same command.
///
/// With --all, every collection of all tenants and databases that can be seen is brought over. Tokens stay where they are.
///
/// The token for the other place is that of --place-token-file, of --place-token-command or of HUEDB_PLACE_TOKEN; without one, and
/// where --db is no server itself, that of --token-file, --token-command or HUEDB_TOKEN.
#[allow(clippy::doc_markdown, reason = "it is help, which names variables as they are typed")]
#[derive(Debug, Args)]
#[command(override_usage = "huedb push [OPTIONS] <COLLECTION> <PLACE>
       huedb push [OPTIONS] --all <PLACE>")]
#[command(after_help = "Examples:
  huedb push notes postgresql://ann@db.internal/vectors
  huedb push notes http://127.0.0.1:8000 --prune --dry-run
  huedb push --all copy.redb")]
pub(crate) struct PushArgs {
    #[command(flatten)]
    transfer: TransferArgs,
}

/// Bring a collection from another place here: the reverse of `huedb push`
///
/// Fetches the records of a file, a server or PostgreSQL that the place of --db has not, or has otherwise; what is said of
/// `huedb push` goes for it as well. The database file is made if needed.
#[derive(Debug, Args)]
#[command(override_usage = "huedb pull [OPTIONS] <COLLECTION> <PLACE>
       huedb pull [OPTIONS] --all <PLACE>")]
#[command(after_help = "Examples:
  huedb pull notes postgresql://ann@db.internal/vectors
  huedb --db copy.redb pull --all http://127.0.0.1:8000
  huedb pull notes other.redb --into other-notes")]
pub(crate) struct PullArgs {
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is by itself")]
struct TransferArgs {
    /// Collection
    #[arg(required_unless_present = "all")]
    collection: Option<String>,

    /// The other place: a file, or the address of a server or of a PostgreSQL database
    #[arg(value_name = "PLACE", value_hint = ValueHint::FilePath, required_unless_present = "all")]
    place: Option<PathBuf>,

    /// All collections of all tenants and databases
    #[arg(long)]
    all: bool,

    /// Name that the collection is to have, or has, where it arrives
    #[arg(long, value_name = "NAME", conflicts_with = "all", value_parser = |name: &str| CollectionName::parse(name))]
    into: Option<CollectionName>,

    /// Delete records that are only where the others arrive
    #[arg(long)]
    prune: bool,

    /// Say how many records would be sent and deleted, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Compare all records again at the end, and not just their number
    #[arg(long)]
    verify: bool,

    /// File that holds the token for the other place, where that is a server
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    place_token_file: Option<PathBuf>,

    /// Command that prints the token for the other place; run without a shell
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    #[arg(conflicts_with = "place_token_file")]
    place_token_command: Option<String>,

    #[command(flatten)]
    shards: ShardArgs,

    #[command(flatten)]
    file: NewFileArgs,
}

impl PushArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let (args, place) = self.transfer.settled(context)?;
        let from = context.open(Access::Read)?;
        args.look(from.as_ref())?;
        let to = args.at(&place, context, |context| args.open_target(context))?;
        args.wanted("pushed", "to", &place).run(context, (from, to))
    }
}

impl PullArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let (args, place) = self.transfer.settled(context)?;
        let from = args.at(&place, context, |context| context.open(Access::Read))?;
        args.look(from.as_ref())?;
        let to = args.open_target(context)?;
        args.wanted("pulled", "from", &place).run(context, (from, to))
    }
}

impl TransferArgs {
    /// Tells the collection and the place apart, and refuses a place that is that of --db.
    fn settled(mut self, context: &Context) -> Result<(Self, PathBuf)> {
        if self.all && self.place.is_none() {
            // There is no collection to name.
            self.place = self.collection.take().map(PathBuf::from);
        }
        let place = match (&self.collection, self.place.take()) {
            (Some(collection), Some(_)) if self.all => {
                return Err(Error::argument(format!("--all brings over {collection:?} with all others; leave it out")));
            }
            (_, None) => return Err(Error::argument("no place is named beside that of --db")),
            (_, Some(place)) => place,
        };
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if whole(&place) == whole(&context.db) {
            return Err(Error::InvalidArgument {
                why: format!("{} is the place of --db itself", Place::parse(&place)),
                hint: Some("name another place".into()),
            });
        }
        Ok((self, place))
    }

    /// Does something at the other place, with the token for it.
    fn at<T>(&self, place: &Path, context: &mut Context, work: impl FnOnce(&mut Context) -> Result<T>) -> Result<T> {
        let is_free = !matches!(context.place(), Place::Server(_));
        let (file, command) = (self.place_token_file.clone(), self.place_token_command.clone());
        let other = context.token.of_other_place(file, command, is_free);
        let own = std::mem::replace(&mut context.token, other);
        let done = context.elsewhere(place, |context| work(context));
        context.token = own;
        done
    }

    /// Looks for the collection before anything is made at the other end.
    fn look(&self, from: &dyn Backend) -> Result<()> {
        self.collection.iter().try_for_each(|name| from.state_of(name).map(drop))
    }

    /// Opens the target; `None` where there is none, and none is to be made.
    fn open_target(&self, context: &mut Context) -> Result<Option<Arc<dyn Backend>>> {
        let shards = self.shards.shards(&context.place())?;
        if !self.dry_run {
            context.prepare(self.file)?;
            return spread(context.open_or_make_for_bulk()?, shards).map(Some);
        }
        if context.may_exist() { context.open(Access::Read).map(Some) } else { Ok(None) }
    }

    /// Says what is wanted; `done` and `preposition` are how it is told.
    fn wanted(self, done: &'static str, preposition: &'static str, place: &Path) -> Delivery {
        let Self { collection, into, prune, dry_run, verify, shards, .. } = self;
        let way = format!("{preposition} {}", Place::parse(place));
        let spreads = shards.is_given();
        Delivery { collection, into, prune, dry_run, verify, spreads, done, way }
    }
}
