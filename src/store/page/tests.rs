//! What other rooms' tests ask of the pages, and redb's format as far as it is read here.

use std::path::Path;

use super::format::{HEADER_BYTES, Header, Node};
use super::{State, Tree};
use crate::record::random::Random;
use crate::store::{Access, Options, Store, open};

/// A page of a file.
#[derive(Debug)]
pub(crate) struct PageOf {
    pub(crate) table: String,
    pub(crate) offset: u64,
    /// Bytes of it that mean something.
    pub(crate) used: u64,
    pub(crate) is_leaf: bool,
}

/// Returns every page of a sound file, table by table.
pub(crate) fn pages_of(path: &Path) -> Vec<PageOf> {
    let bytes = std::fs::read(path).unwrap();
    let header = Header::parse(&bytes).unwrap();
    let (file, _) = open::raw(path, &Options::default()).unwrap();
    let mut pages = Vec::new();
    Tree::new(&*file, &header)
        .unwrap()
        .walk(false, &|_| true, &mut |page| {
            assert_eq!(page.state, State::Sound, "{}", page.shape.table);
            let place = header.geometry.place(&page.link).unwrap();
            let node = Node::parse(&bytes[place.start as usize..place.end as usize], page.shape).unwrap();
            let used = node.used().unwrap().len() as u64;
            let is_leaf = matches!(node, Node::Leaf(_));
            pages.push(PageOf { table: page.shape.table.clone(), offset: page.offset, used, is_leaf });
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
        let (file, _) = open::raw(&path, &Options::default()).unwrap();
        if let Some(tree) = Header::parse(&bytes).and_then(|header| Tree::new(&*file, &header)) {
            tree.walk(false, &|_| true, &mut |page| {
                page.rows().for_each(|_| ());
                Ok(())
            })
            .unwrap();
        }
    }
}
