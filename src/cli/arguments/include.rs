//! Which parts of a record are read and shown: `--include`, with Chroma's names.

use clap::ValueEnum;
use huedb::store::Include;

use crate::output::{OutputFormat, RecordColumn, RecordColumns};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordPart {
    Documents,
    Metadatas,
    Uris,
    Embeddings,
    Distances,
}

/// Returns what is to be read.
pub(crate) fn include(parts: &[RecordPart]) -> Include {
    Include {
        documents: parts.contains(&RecordPart::Documents),
        metadatas: parts.contains(&RecordPart::Metadatas),
        uris: parts.contains(&RecordPart::Uris),
        embeddings: parts.contains(&RecordPart::Embeddings),
    }
}

/// Returns what is to be read for this format: of a list of ids, nothing else; of places in files, what tells them.
pub(crate) fn read_for(format: OutputFormat, include: Include) -> Include {
    match format {
        OutputFormat::Ids => Include::NONE,
        OutputFormat::Vimgrep => Include::TEXT,
        _ => include,
    }
}

/// Returns those of the columns that are to be shown, and the embedding's when it is asked for.
pub(crate) fn columns(columns: RecordColumns, parts: &[RecordPart]) -> RecordColumns {
    let shown = [
        (RecordPart::Documents, RecordColumn::Document),
        (RecordPart::Metadatas, RecordColumn::Metadata),
        (RecordPart::Uris, RecordColumn::Uri),
        (RecordPart::Distances, RecordColumn::Distance),
        (RecordPart::Distances, RecordColumn::Score),
    ];
    let left = shown.iter().filter(|(part, _)| !parts.contains(part));
    let columns = left.fold(columns, |columns, (_, column)| columns.without(column));
    if parts.contains(&RecordPart::Embeddings) { columns.with(RecordColumn::Embedding) } else { columns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_list_of_ids_nothing_else_is_read() {
        assert_eq!(read_for(OutputFormat::Ids, Include::ALL), Include::NONE);
        assert_eq!(read_for(OutputFormat::Jsonl, Include::TEXT), Include::TEXT);
    }
}
