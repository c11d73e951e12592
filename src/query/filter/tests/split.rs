//! The parts of a filter that need no document.

use super::super::*;

#[track_caller]
fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap()
}

#[test]
fn candidates_are_what_other_tests_leave() {
    for (filter, candidates) in [
        ("a = 1", "a = 1"),
        ("#document ~ 'x'", "true"),
        ("a = 1 and #document !~ 'x'", "a = 1"),
        ("a = 1 or #document ~ 'x'", "true"),
        ("a = 1 and (b = 2 or #document ~ 'x') and #id = 'z'", "a = 1 and #id = 'z'"),
        ("(a = 1 and #document ~ 'x') or (b = 2 and #document contains 'y')", "a = 1 or b = 2"),
    ] {
        assert_eq!(parse(filter).without_document(), parse(candidates), "{filter}");
    }
}

#[test]
fn a_split_filter_is_its_parts_joined() {
    for (filter, first, second) in [
        ("a = 1", "a = 1", "true"),
        ("#document ~ 'x'", "true", "#document ~ 'x'"),
        ("a = 1 and #document ~ 'x' and b = 2", "a = 1 and b = 2", "#document ~ 'x'"),
        ("a = 1 or #document ~ 'x'", "true", "a = 1 or #document ~ 'x'"),
        ("true", "true", "true"),
        ("false", "false", "true"),
    ] {
        assert_eq!(parse(filter).split_document(), (parse(first), parse(second)), "{filter}");
    }
}

#[test]
fn tests_and_keys_are_visited_in_order() {
    let filter = parse("a = 1 and (b > 2 or #id = 'x' or #document ~ 'y') and c contains 3");
    assert_eq!(filter.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(filter.tests().count(), 5);
    assert!(filter.needs_document() && !filter.without_document().needs_document());
}

#[test]
fn junctions_are_kept_simple() {
    assert_eq!(parse("(a = 1 and b = 2) and c = 3"), parse("a = 1 and b = 2 and c = 3"));
    assert_eq!(parse("a = 1 and false"), Filter::NONE);
    assert_eq!(parse("a = 1").and(Filter::ALL), parse("a = 1"));
    assert!(Filter::ALL.is_all() && !Filter::ALL.is_none() && Filter::NONE.is_none());
}
