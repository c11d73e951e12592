//! What `huedb stats` measured: drawn for people, as numbers and bins for programs.
//!
//! Invariant: every format tells the same bins.

use std::io::Write;

use huedb::error::Result;
use huedb::query::{Distribution, Edges, KeyFacts, Statistics};
use huedb::record::CollectionInfo;
use serde_json::{Value as Json, json};

use super::grid::{Cut, Grid, Heading};
use super::histogram::{bar, histogram};
use super::number::{bytes, count, count_of};
use super::properties::{Properties, write_facts, write_list};
use super::sink::{Style, written};
use super::{OutputFormat, sanitize, table_cell, width};

/// The most bins of a histogram, so that all of them fit a screen.
const MOST_BINS: usize = 16;
/// Cells of the bar of a share.
const SHARE_BAR: usize = 20;
/// Lengths that differ by less are one for the eye and for a distance.
const EQUAL_NORMS: f64 = 1e-3;

/// What is known of a collection.
#[derive(Debug, Clone)]
pub(crate) struct Measured<'a> {
    /// What it is.
    pub(crate) collection: &'a CollectionInfo,
    /// What was measured of it.
    pub(crate) statistics: &'a Statistics,
    /// Its metadata keys.
    pub(crate) keys: &'a [KeyFacts],
    /// What the sample was drawn with.
    pub(crate) seed: u64,
}

/// Returns whether the locale's texts are UTF-8; where none is set, as in most containers, the terminal's are.
/// `variable` returns the value of an environment variable.
pub(crate) fn is_utf8_locale(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    locale.is_none_or(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

/// Writes what was measured; `ascii`: without signs that not every terminal has.
///
/// # Errors
/// [`huedb::error::Error::Io`] when the output cannot be written, and as [`write_facts`] for a list of ids.
pub(crate) fn write_statistics(
    format: OutputFormat,
    measured: &Measured<'_>,
    ascii: bool,
    style: Style,
    out: &mut dyn Write,
) -> Result<()> {
    match format {
        OutputFormat::Table | OutputFormat::Snippets | OutputFormat::Vertical => {
            let shown = measured.drawn(style, ascii);
            let shown = if ascii { shown.replace('─', "-").replace('…', "~") } else { shown };
            written(out.write_all(shown.as_bytes()).and_then(|()| out.flush()))
        }
        OutputFormat::Csv | OutputFormat::Tsv => write_list(format, &measured.lines(), style, out),
        _ => write_facts(format, &measured.facts(), style, out),
    }
}

const QUANTILES: [(&str, f64); 7] =
    [("min", 0.0), ("p5", 0.05), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p95", 0.95), ("max", 1.0)];

impl Measured<'_> {
    /// Returns the distributions by their names in data, each with its edges; distances share theirs.
    fn distributions(&self) -> [(&'static str, &Distribution, Option<Edges>); 4] {
        let Statistics { nearest, pairs, norms, lengths, .. } = self.statistics;
        let distance = Edges::around(&[nearest, pairs], MOST_BINS);
        [
            ("nearest_distance", nearest, distance),
            ("pair_distance", pairs, distance),
            ("document_characters", lengths, Edges::around(&[lengths], MOST_BINS)),
            ("embedding_norm", norms, Edges::around(&[norms], MOST_BINS)),
        ]
    }

    fn embeddings_bytes(&self) -> u64 {
        4 * self.statistics.records * self.collection.dimension.unwrap_or(0) as u64
    }

    fn facts(&self) -> Properties {
        let mut facts = Properties::new()
            .with("name", self.collection.name.as_str())
            .with("records", self.statistics.records)
            .with("dimension", self.collection.dimension)
            .with("space", self.collection.space.as_str())
            .with_bytes("embeddings_bytes", self.embeddings_bytes())
            .with("sampled", self.statistics.sampled)
            .with("seed", self.seed);
        for (name, numbers, edges) in self.distributions() {
            facts = facts.with(name, distribution(numbers, edges.as_ref()));
        }
        let key = |key: &KeyFacts| json!({"key": key.key, "type": key.kind.name(), "records": key.records, "share": self.share(key)});
        facts.with("keys", self.keys.iter().map(key).collect::<Vec<_>>())
    }

    /// Returns one line for each number: what was measured, which number of it, for a bin its edges, the value.
    fn lines(&self) -> Vec<Properties> {
        let line = |measure: &str, number: &str, edges: Option<(f64, f64)>, value: Json| {
            let (from, to) = edges.unzip();
            Properties::new()
                .with("measure", measure)
                .with("number", number)
                .with("from", from)
                .with("to", to)
                .with("value", value)
        };
        let of_all = |name: &str, value: u64| line("collection", name, None, value.into());
        let mut lines = vec![
            of_all("records", self.statistics.records),
            of_all("dimension", self.collection.dimension.unwrap_or(0) as u64),
            of_all("embeddings_bytes", self.embeddings_bytes()),
            of_all("sampled", self.statistics.sampled),
        ];
        for (name, numbers, edges) in self.distributions() {
            lines.push(line(name, "count", None, numbers.len().into()));
            for (quantile, share) in QUANTILES {
                lines.extend(numbers.quantile(share).map(|value| line(name, quantile, None, value.into())));
            }
            lines.extend(numbers.mean().map(|mean| line(name, "mean", None, mean.into())));
            let bins = edges.map(|edges| numbers.bins(&edges)).unwrap_or_default();
            lines.extend(bins.iter().map(|bin| line(name, "bin", Some((bin.from, bin.to)), bin.count.into())));
        }
        let key = |key: &KeyFacts| line("key", &format!("{} ({})", key.key, key.kind.name()), None, key.records.into());
        lines.extend(self.keys.iter().map(key));
        lines
    }

    fn drawn(&self, style: Style, ascii: bool) -> String {
        let Statistics { records, sampled, nearest, pairs, norms, lengths, .. } = self.statistics;
        let dimension = self.collection.dimension.map_or(String::new(), |n| format!(", {n} dimensions"));
        let mut parts = vec![format!(
            "{}: {}{dimension}, {}, embeddings {}\n",
            self.collection.name,
            count_of(*records, "record"),
            self.collection.space,
            bytes(self.embeddings_bytes())
        )];
        if sampled < records {
            parts.push(format!("measured on {} of them, drawn with seed {}\n", count(*sampled), self.seed));
        }
        let [(_, _, distances), _, (_, _, characters), (_, _, lengths_of_embeddings)] = self.distributions();
        if let Some(edges) = distances {
            let kinds = [("nearest neighbour", nearest.bins(&edges)), ("random pairs", pairs.bins(&edges))];
            parts.push("\n".into());
            parts.push(histogram("distance", &edges, &kinds, style, ascii));
            parts.push(summary(&[("nearest neighbour", nearest), ("random pairs", pairs)]));
            parts.extend(advice(nearest, pairs));
        }
        if let Some(edges) = characters {
            parts.push("\n".into());
            parts.push(histogram("characters", &edges, &[("documents", lengths.bins(&edges))], style, ascii));
            let without = sampled - lengths.len() as u64;
            if without > 0 {
                parts.push(format!("without a document: {} of {}\n", count(without), count(*sampled)));
            }
        }
        match (lengths_of_embeddings, norms.quantile(0.0), norms.quantile(1.0)) {
            (Some(edges), Some(min), Some(max)) if max - min > EQUAL_NORMS * max => {
                parts.push("\n".into());
                parts.push(histogram("norm", &edges, &[("embeddings", norms.bins(&edges))], style, ascii));
            }
            (Some(_), _, Some(max)) => parts.push(format!("\nnorm of the embeddings: {max:.4}, all alike\n")),
            _ => {}
        }
        if !self.keys.is_empty() {
            parts.push("\n".into());
            parts.push(self.coverage(style, ascii));
        }
        parts.concat()
    }

    #[expect(clippy::cast_precision_loss, reason = "a share is needed only nearly")]
    fn share(&self, key: &KeyFacts) -> f64 {
        key.records as f64 / self.statistics.records.max(1) as f64
    }

    /// Returns which share of the records has each key.
    fn coverage(&self, style: Style, ascii: bool) -> String {
        let heading = |name: &str, share, right| Heading { name: name.into(), share, right, cut: Cut::End, dim: false };
        let headings = vec![
            heading("key", 1, false),
            heading("type", 0, false),
            heading("records", 0, true),
            heading("share", 0, true),
            heading("", 0, false),
        ];
        let row = |key: &KeyFacts| {
            let share = self.share(key);
            let shown = width::cut(&sanitize::sanitize(&key.key), style.width).into_owned();
            vec![
                shown.into(),
                key.kind.name().into(),
                count(key.records).into(),
                percent(share).into(),
                bar(share, SHARE_BAR, ascii).into(),
            ]
        };
        let grid = Grid { headings, rows: self.keys.iter().map(row).collect() };
        grid.lines(&grid.widths(style.width, &[]), true, style)
    }
}

/// Returns a distribution as JSON; null where nothing was measured.
fn distribution(numbers: &Distribution, edges: Option<&Edges>) -> Json {
    let Some(edges) = edges.filter(|_| !numbers.is_empty()) else { return Json::Null };
    let bins = numbers.bins(edges).into_iter();
    let bins: Vec<Json> = bins.map(|bin| json!({"from": bin.from, "to": bin.to, "count": bin.count})).collect();
    let mut object = serde_json::Map::from_iter([("count".to_owned(), numbers.len().into())]);
    object.extend(QUANTILES.map(|(name, share)| (name.to_owned(), numbers.quantile(share).into())));
    object.insert("mean".into(), numbers.mean().into());
    object.insert("bins".into(), bins.into());
    object.into()
}

/// Returns the quantiles by which people choose a limit.
fn summary(kinds: &[(&str, &Distribution)]) -> String {
    let line = |(name, numbers): &(&str, &Distribution)| {
        let at = |share| numbers.quantile(share).map(number);
        let (low, middle, high) = (at(0.05)?, at(0.5)?, at(0.95)?);
        Some(format!("{name}: 5 % up to {low}, half up to {middle}, 95 % up to {high}\n"))
    };
    kinds.iter().filter_map(line).collect()
}

/// Says what a limit between the two would do.
fn advice(nearest: &Distribution, pairs: &Distribution) -> Option<String> {
    let limit = nearest.quantile(0.95).filter(|_| !pairs.is_empty())?;
    let kept = percent(pairs.share_up_to(limit));
    Some(format!("--max-distance {} keeps 95 % of nearest neighbours and {kept} of random pairs\n", number(limit)))
}

#[expect(clippy::cast_possible_truncation, reason = "distances are shown as f32, as everywhere")]
fn number(number: f64) -> String {
    table_cell::distance(number as f32)
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = usize::from(percent < 10.0 && percent > 0.0);
    format!("{percent:.digits$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_what_can_be_shown() {
        let utf8 = |set: &[(&str, &str)]| {
            is_utf8_locale(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(utf8(&[]) && utf8(&[("LANG", "de_DE.UTF-8")]) && utf8(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!utf8(&[("LANG", "C")]) && !utf8(&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")]));
        assert!(utf8(&[("LC_ALL", ""), ("LANG", "en_GB.UTF-8")]));
    }

    #[test]
    fn shares_read_as_percent() {
        assert_eq!([0.0, 0.0004, 0.031, 0.5, 1.0].map(percent), ["0 %", "0.0 %", "3.1 %", "50 %", "100 %"]);
    }
}
