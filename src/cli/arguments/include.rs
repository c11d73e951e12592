//! Which parts of a record are read and shown: `--include`, with Chroma's names.

use clap::ValueEnum;
use huedb::store::Include;

use crate::output::{Column, Columns, Format};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Documents,
    Metadatas,
    Uris,
    Embeddings,
    Distances,
}

/// Returns what is to be read.
pub(crate) fn include(parts: &[Part]) -> Include {
    Include {
        documents: parts.contains(&Part::Documents),
        metadatas: parts.contains(&Part::Metadatas),
        uris: parts.contains(&Part::Uris),
        embeddings: parts.contains(&Part::Embeddings),
    }
}

/// Returns what is to be read for this format: of a list of ids, nothing else.
pub(crate) fn read_for(format: Format, include: Include) -> Include {
    if format == Format::Ids { Include::NONE } else { include }
}

/// Returns those of the columns that are to be shown, and the embedding's when it is asked for.
pub(crate) fn columns(columns: Columns, parts: &[Part]) -> Columns {
    let shown = [
        (Part::Documents, Column::Document),
        (Part::Metadatas, Column::Metadata),
        (Part::Uris, Column::Uri),
        (Part::Distances, Column::Distance),
        (Part::Distances, Column::Score),
    ];
    let left = shown.iter().filter(|(part, _)| !parts.contains(part));
    let columns = left.fold(columns, |columns, (_, column)| columns.without(column));
    if parts.contains(&Part::Embeddings) { columns.with(Column::Embedding) } else { columns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_list_of_ids_nothing_else_is_read() {
        assert_eq!(read_for(Format::Ids, Include::ALL), Include::NONE);
        assert_eq!(read_for(Format::Jsonl, Include::TEXT), Include::TEXT);
    }
}
