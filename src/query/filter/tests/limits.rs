//! Hostile filters: nested without end, patterns without measure. They are refused, and nothing overflows.

use super::super::*;
use crate::error::Error;

fn why(text: &str) -> String {
    match Filter::parse(text) {
        Err(Error::InvalidWhere { why, .. }) => why,
        other => panic!("expected a fault, got {other:?}"),
    }
}

fn nested_json(levels: usize) -> String {
    // Alternating, or the tree would be flat.
    let open = |level: usize| if level.is_multiple_of(2) { r#"{"$and":[{"x":1},"# } else { r#"{"$or":[{"x":1},"# };
    (0..levels).map(open).collect::<String>() + r#"{"a":{"$in":[1,2]}}"# + &"]}".repeat(levels)
}

#[test]
fn nesting_is_bounded() {
    assert!(Filter::parse(&nested_json(64)).is_ok());
    assert!(why(&nested_json(65)).contains("nested too deep"));
    assert!(why(&nested_json(100_000)).contains("nested too deep"));
    assert!(why(&format!("{{\"a\":{}", "[".repeat(100_000))).contains("nested too deep"));
    assert!(Filter::parse(&format!("{}a = 1{}", "(".repeat(64), ")".repeat(64))).is_ok());
    assert!(why(&"(".repeat(100_000)).contains("nested too deep"));
    assert!(why(&"not ".repeat(100_000)).contains("nested too deep"));
}

#[test]
fn what_json_can_nest_the_short_form_can_too() {
    let filter = Filter::parse(&nested_json(64)).unwrap();
    assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
}

#[test]
fn patterns_are_bounded() {
    assert!(why(r"#document ~ '(\w{100}){100}{10}'").contains("bytes when compiled"));
    assert!(why(&format!("#document ~ '{}{}'", "(".repeat(5_000), ")".repeat(5_000))).contains("in the pattern"));
    assert!(Filter::parse(r"#document ~ '\w{100}'").is_ok());
}

#[test]
fn a_wide_filter_is_no_deep_one() {
    let wide = (0..20_000).map(|n| format!("a = {n}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(Filter::parse(&wide).unwrap().tests().count(), 20_000);
}
