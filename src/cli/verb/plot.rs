//! `huedb plot`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use huedb::backend::State;
use huedb::error::{Error, Result};
use huedb::query::{Clusters, RecordQuery};
use huedb::record::{Ordinal, Value};
use huedb::store::{Access, Include, View};

use crate::cli::arguments::columns::known_key;
use crate::cli::arguments::destination::Destination;
use crate::cli::arguments::filter::FilterArgs;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_filter;
use crate::cli::process::exit::Status;
use crate::output::{Legend, MapName, MapPoint, PointMap, RecordColumn, count, count_of, hover, write_map};

/// More points than these take a browser long, and hide one another.
const SAMPLE: usize = 20_000;

/// Draw a map of a collection: its embeddings projected onto a plane, as an SVG
///
/// The plane is that of the first two principal components; the axes give the share of variance of each. Points close
/// together are similar in these two directions only. Hovering over a point shows its id and the beginning of its document.
/// Where several records lie in one place the point is larger, and says how many they are. Clusters are named by the words
/// that tell their records from the others. Numbers are coloured on a scale, other values in one colour each for the nine most frequent; hovering over a legend
/// entry hides the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb plot notes map.svg
  huedb plot notes map.svg --color-by topic --where 'lang = \"en\"'
  huedb plot notes --color-by year --label title --size 1600x1000 > map.svg")]
pub(crate) struct PlotArgs {
    /// Collection
    collection: String,

    /// SVG file to write; `-` for standard output [default: standard output, unless it is a terminal]
    #[arg(value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    /// Colour records by the value of this metadata key
    #[arg(long, value_name = "KEY")]
    color_by: Option<String>,

    /// What to show besides the id: `document` or a metadata key
    #[arg(long, value_name = "COLUMN", default_value = "document")]
    label: String,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Maximum number of records to draw
    #[arg(long, value_name = "N", default_value_t = SAMPLE)]
    sample: usize,

    /// Seed of the random sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1000x700", value_parser = size)]
    size: [u32; 2],
}

fn size(text: &str) -> Result<[u32; 2], String> {
    let parts = text.split_once(['x', 'X']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    let fits = |size: &[u32; 2]| size.iter().all(|pixels| (200..=20_000).contains(pixels));
    parts.filter(fits).ok_or_else(|| "a size is WIDTHxHEIGHT, each from 200 to 20000".to_owned())
}

impl PlotArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let to = self.target(context)?;
        let query = RecordQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            ..RecordQuery::default()
        };
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let state = records.state()?;
        let shown = self.shown(state.as_ref())?;
        warn_of_filter(context, state.as_ref(), query.filter.as_ref());
        let local = records.local(&query, Include { uris: false, ..Include::ALL })?;
        let view = local.collection.view()?;
        let (ordinals, all) = view.sampled(&local.among, self.sample, self.seed)?;
        if ordinals.is_empty() {
            context.printer.notice("no records to draw");
            return Ok(Status::NothingFound);
        }
        let map = self.map(&view, &ordinals, all, &shown)?;
        match to {
            None => write_map(&map, context.out())?,
            Some(path) => {
                Destination::open(Some(&path), self.force)?.write(None, context.out(), |out| write_map(&map, out))?;
                let sampled =
                    if (ordinals.len() as u64) < all { ", drawn at random; --sample says how many" } else { "" };
                let records = count(ordinals.len() as u64);
                context.printer.notice(format!(
                    "drew {records} of {}{sampled}: {}",
                    count_of(all, "record"),
                    path.display()
                ));
            }
        }
        Ok(Status::Done)
    }

    /// Returns the file to write; `None` for the standard output.
    fn target(&self, context: &Context) -> Result<Option<PathBuf>> {
        let path = match &self.file {
            Some(path) if path.as_os_str() == "-" => return Ok(None),
            Some(path) => path,
            _ if !context.stdout_is_terminal() => return Ok(None),
            _ => {
                return Err(Error::InvalidArgument {
                    why: "refusing to print an SVG to a terminal".into(),
                    hint: Some(format!("name a file: `huedb plot {} map.svg`", self.collection).into()),
                });
            }
        };
        let same = |a: &Path, b: &Path| a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b));
        if same(path, &context.db) {
            return Err(Error::argument(format!("{} is the database; the plot goes to another file", path.display())));
        }
        Ok(Some(path.clone()))
    }

    /// Returns what is shown of a record when the pointer is over it.
    fn shown(&self, state: &dyn State) -> Result<Vec<RecordColumn>> {
        let label = match RecordColumn::named(&self.label) {
            RecordColumn::Key(key) => RecordColumn::Key(known_key(state, key)?),
            RecordColumn::Document => RecordColumn::Document,
            _ => {
                return Err(Error::InvalidArgument {
                    why: format!("a label is document or a metadata key, not {}", self.label),
                    hint: Some(format!("a key of that name is metadata.{}", self.label).into()),
                });
            }
        };
        let color = self.color_by.clone().map(|key| known_key(state, key).map(RecordColumn::Key)).transpose()?;
        Ok([label].into_iter().chain(color).collect())
    }

    fn map(&self, view: &View, ordinals: &[Ordinal], all: u64, shown: &[RecordColumn]) -> Result<PointMap> {
        let projection = view.project(ordinals)?;
        let (mut points, mut values): (_, Vec<Option<Value>>) = (Vec::with_capacity(ordinals.len()), Vec::new());
        let mut clusters = Clusters::of(&projection.points);
        let include = Include { documents: true, metadatas: true, ..Include::NONE };
        for (place, (ordinal, at)) in ordinals.iter().zip(projection.points).enumerate() {
            let record = view.record(*ordinal, include)?;
            if let Some(document) = &record.document {
                clusters.read(place, document);
            }
            points.push(MapPoint { at, hover: hover(&record, shown) });
            if let Some(key) = &self.color_by {
                values.push(record.metadata.and_then(|metadata| metadata.get(key).cloned()));
            }
        }
        let legend = self.color_by.as_ref().map_or_else(|| Legend::plain(points.len()), |key| Legend::of(key, &values));
        let name = |cluster: huedb::query::Cluster| MapName { at: cluster.centre, text: cluster.words.join(", ") };
        let names = clusters.named().into_iter().filter(|cluster| !cluster.words.is_empty()).map(name).collect();
        let info = view.info();
        let sampled = if (points.len() as u64) < all {
            let (points, all) = (count(points.len() as u64), count_of(all, "record"));
            format!("{points} of {all}, drawn with seed {}", self.seed)
        } else {
            count_of(all, "record")
        };
        let dimension = info.dimension.unwrap_or(0);
        let axis = |name: &str, share: f64| format!("{name} component, {:.1} % of the variance", 100.0 * share);
        let [first, second] = projection.explained;
        Ok(PointMap {
            title: info.name.to_string(),
            caption: format!("{sampled}; principal components of {dimension} dimensions, {}", info.space),
            axes: [axis("first", first), axis("second", second)],
            size: self.size,
            points,
            names,
            legend,
        })
    }
}
