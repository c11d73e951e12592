//! Matrices that `NumPy` wrote (`fixtures/columns/write.py`), with what stands beside them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::input::mapping::{IdFrom, Mapping};
use crate::input::{InputOptions, InputRows, InputSource, MatrixIds};
use crate::record::NewRecord;

const ROWS: [[f32; 3]; 3] = [[0.1, -0.25, 1e-30], [3.0, 0.5, 2.0], [-1.5, 0.0, 65504.0]];

struct Case {
    folder: tempfile::TempDir,
    options: InputOptions,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), options: InputOptions::default() }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn ids(mut self, text: &str) -> Self {
        self.options.beside = Some(MatrixIds::Ids(self.write("ids.txt", text)));
        self
    }

    fn rows(mut self, name: &str, text: &str) -> Self {
        self.options.beside = Some(MatrixIds::Rows(InputSource::File(self.write(name, text))));
        self
    }

    fn open(&self, name: &str) -> Result<InputRows> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/columns").join(name);
        InputRows::open(&InputSource::File(path), self.options.clone())
    }

    fn read(&self, name: &str) -> Result<Vec<Result<NewRecord>>> {
        Ok(self.open(name)?.collect())
    }

    fn notices(&self, name: &str) -> Vec<String> {
        let mut rows = self.open(name).unwrap();
        assert_eq!(rows.by_ref().map(Result::unwrap).count(), ROWS.len());
        rows.take_notices().iter().map(ToString::to_string).collect()
    }

    fn error(&self, name: &str) -> String {
        let error = self.read(name).and_then(|rows| rows.into_iter().collect::<Result<Vec<_>>>()).unwrap_err();
        let hint = error.hint().unwrap_or_default();
        format!("{error} ({hint})").replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn every_width_and_byte_order_is_read() {
    let case = Case::new().ids("a\r\n\nb\nü🦊");
    for name in ["f2.npy", "f4.npy", "f8.npy", "big.npy"] {
        let rows: Vec<NewRecord> = case.read(name).unwrap().into_iter().collect::<Result<_>>().unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "b", "ü🦊"]);
        for (row, expected) in rows.iter().zip(ROWS) {
            let expected = expected.map(|x| if name == "f2.npy" { half::f16::from_f32(x).to_f32() } else { x });
            assert_eq!(row.embedding.as_deref().unwrap(), expected, "{name}");
        }
    }
}

#[test]
fn rows_beside_bring_documents_and_metadata_and_a_bad_one_keeps_its_place() {
    let case = Case::new().rows("rows.csv", "id,document,year\na,one,2020\n,two,2021\nc,three,\n");
    let rows = case.read("f4.npy").unwrap();
    let first = rows[0].as_ref().unwrap();
    assert_eq!((first.id.as_str(), first.document.as_deref()), ("a", Some("one")));
    assert_eq!(first.metadata.iter().count(), 1);
    assert!(matches!(&rows[1], Err(Error::BadRow { line: 3, .. })), "{rows:?}");
    assert_eq!(rows[2].as_ref().unwrap().embedding.as_deref().unwrap(), ROWS[2]);
    let without_documents =
        [("rows.csv", "id,year\na,1\nb,2\nc,3\n"), ("rows.jsonl", "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n")];
    for (name, text) in without_documents {
        assert_eq!(Case::new().rows(name, text).notices("f4.npy"), [""; 0]);
    }
    let own = Case::new().rows("rows.jsonl", &"{\"id\":\"a\",\"embedding\":[1,2,3]}\n".repeat(3));
    assert!(own.error("f4.npy").contains("rows.jsonl:1: has its own embedding"));
}

#[test]
fn ids_can_be_made_from_the_embeddings() {
    let mut case = Case::new();
    case.options.mapping.id = IdFrom::Content;
    assert_eq!(case.read("f4.npy").unwrap().into_iter().collect::<Result<Vec<_>>>().unwrap().len(), 3);
    case.options.mapping = Mapping::default();
    assert!(case.error("f4.npy").contains("its rows have no ids (give a file of ids"));
}

#[test]
fn numbers_of_rows_that_differ_are_said_before_anything_is_read() {
    for (case, counted) in [
        (Case::new().ids("a\nb\n"), "f4.npy: has 3 rows, but ids.txt has 2"),
        (Case::new().rows("rows.jsonl", &"{\"id\":\"a\"}\n".repeat(4)), "f4.npy: has 3 rows, but rows.jsonl has 4"),
    ] {
        assert!(case.error("f4.npy").contains(counted), "{}", case.error("f4.npy"));
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let case = Case::new().ids("a\nb\nc\n");
    assert!(case.error("fortran.npy").contains("ascontiguousarray"));
    assert!(case.error("ints.npy").contains("astype"));
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/columns/f4.npy")).unwrap();
    let open = |bytes: &[u8]| {
        let path = case.write("m.npy", bytes);
        InputRows::open(&InputSource::File(path), case.options.clone())?.collect::<Result<Vec<_>>>()
    };
    for cut in [7, 9, 50, whole.len() - 1] {
        assert!(matches!(open(&whole[..cut]), Err(Error::BadInput { .. })), "{cut}");
    }
    assert!(open(&[&whole[..], b"more"].concat()).unwrap_err().to_string().contains("has 168 bytes where"));
    let packed = zstd::encode_all(&whole[..whole.len() - 1], 1).unwrap();
    assert!(open(&packed).unwrap_err().to_string().contains("is cut off after 2 of 3 rows"));
    let mut nan = whole;
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(open(&nan).unwrap_err().to_string().contains("m.npy:3: the embedding holds NaN"));
}
