//! What other rooms' tests ask of the pages, and redb's format as far as it is read here.

use std::path::Path;

use super::format::{FileHeader, HEADER_BYTES, Node};
use super::{PageState, Tree};
use crate::record::random::Random;
use crate::store::{Access, Options, Store, connect};

/// A page of a file.
#[derive(Debug)]
pub(crate) struct PageOf {
    pub(crate) table: String,
    /// Where it lies in what is below redb, which is what findings say.
    pub(crate) offset: u64,
    /// Where it lies in the file, which may begin with the header of an encrypted one.
    pub(crate) place: u64,
    /// Bytes of it that mean something.
    pub(crate) used: u64,
    pub(crate) is_leaf: bool,
}

/// Returns every page of a sound file, table by table.
pub(crate) fn pages_of(path: &Path) -> Vec<PageOf> {
    let (file, _) = connect::raw(path, &Options::of_tests()).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read(0, &mut bytes).unwrap();
    let before = std::fs::metadata(path).unwrap().len() - bytes.len() as u64;
    let header = FileHeader::parse(&bytes).unwrap();
    let mut pages = Vec::new();
    Tree::new(&*file, &header)
        .unwrap()
        .walk(false, &|_| true, &mut |page| {
            assert_eq!(page.state, PageState::Sound, "{}", page.shape.table);
            let place = header.geometry.place(&page.link).unwrap();
            let node = Node::parse(&bytes[place.start as usize..place.end as usize], page.shape).unwrap();
            let used = node.used().unwrap().len() as u64;
            let is_leaf = matches!(node, Node::Leaf(_));
            let table = page.shape.table.clone();
            pages.push(PageOf { table, offset: page.offset, place: before + page.offset, used, is_leaf });
            Ok(())
        })
        .unwrap();
    pages.sort_by(|a, b| a.table.cmp(&b.table).then(a.offset.cmp(&b.offset)));
    pages
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let mut random = Random::new();
    let mut below = |end: usize| random.below(end as u64) as usize;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    Store::open(&path, Access::Create).unwrap().close().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=below(40) {
            let end = if below(2) == 0 { HEADER_BYTES } else { bytes.len() };
            let at = below(end);
            bytes[at] = below(256) as u8;
        }
        bytes.truncate(if below(4) == 0 { below(bytes.len()) } else { bytes.len() });
        std::fs::write(&path, &bytes).unwrap();
        let (file, _) = connect::raw(&path, &Options::default()).unwrap();
        if let Some(tree) = FileHeader::parse(&bytes).and_then(|header| Tree::new(&*file, &header)) {
            tree.walk(false, &|_| true, &mut |page| {
                page.rows().for_each(|_| ());
                Ok(())
            })
            .unwrap();
        }
    }
}
