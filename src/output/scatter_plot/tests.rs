//! The drawing as XML, and what hostile or few points make of it.

use crate::random::Random;
use huedb::record::{Metadata, Record, RecordId, Value};

use super::*;
use crate::output::RecordColumn;

/// Reads XML as strictly as the drawing needs it: names, quoted attributes, escaped text, balanced tags; returns the
/// names of the elements and the texts.
fn parse(xml: &str) -> (Vec<String>, Vec<String>) {
    let (mut names, mut texts, mut open): (Vec<String>, Vec<String>, Vec<String>) = Default::default();
    let mut rest = xml.trim_end();
    let is_text = |text: &str| {
        for entity in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)), "{text:?}");
        }
        let allowed = |c: char| (c >= ' ' || c == '\n') && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{7f}'..='\u{9f}');
        assert!(!text.contains(['<', '>']) && text.chars().all(allowed), "{text:?}");
    };
    while let Some(tag) = rest.find('<') {
        let text = &rest[..tag];
        is_text(text);
        if !text.trim().is_empty() {
            assert!(!open.is_empty(), "{text:?} outside of the root");
            texts.push(text.to_owned());
        }
        let end = rest.find('>').unwrap();
        let tag = &rest[tag + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (tag, is_closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "{tag:?}");
        let mut seen = Vec::new();
        while !attributes.is_empty() {
            let (attribute, after) = attributes.split_once("=\"").unwrap_or_else(|| panic!("{tag:?}"));
            let (value, after) = after.split_once('"').unwrap();
            is_text(value);
            let is_length = ["x", "y", "cx", "cy", "r", "x1", "x2", "y1", "y2", "width", "height"].contains(&attribute);
            assert!(!is_length || value.parse::<f64>().unwrap().is_finite(), "{tag:?}");
            assert!(!seen.contains(&attribute), "{tag:?}");
            seen.push(attribute);
            attributes = after.trim_start();
        }
        names.push(name.to_owned());
        if !is_closed {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest:?}");
    (names, texts)
}

fn drawn(points: Vec<([f64; 2], &str)>, legend: Legend) -> String {
    let points = points.into_iter().map(|(at, hover)| MapPoint { at, hover: hover.into() }).collect();
    let axes = ["first <axis>".into(), "second".into()];
    let names = ["one <name>", "another name", "a name that is there"]
        .map(|text| MapName { at: [0.0, 0.0], text: text.into() });
    let (title, caption) = ("notes".into(), "a & b".into());
    let map = PointMap { title, caption, axes, size: [640, 400], points, names: names.into(), legend };
    let mut out = Vec::new();
    write_map(&map, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn circles(svg: &str) -> Vec<String> {
    let circles = svg.lines().filter(|line| line.starts_with("<circle"));
    circles.map(|line| line.split_once(" r=").unwrap().0.trim_start_matches("<circle ").to_owned()).collect()
}

#[test]
fn points_have_one_scale_on_both_axes() {
    let svg = drawn(vec![([0.0, 0.0], "a"), ([2.0, 0.0], "b"), ([0.0, 1.0], "c")], Legend::plain(3));
    let (names, texts) = parse(&svg);
    assert_eq!(names.iter().filter(|name| *name == "circle").count(), 3);
    assert!(
        ["notes", "a", "b", "c", "a &amp; b", "first &lt;axis&gt;"].iter().all(|text| texts.iter().any(|t| t == text))
    );
    // 576 by 292 pixels: 270.7 for a unit.
    assert_eq!(circles(&svg), [r#"cx="61.3" cy="329.4""#, r#"cx="602.7" cy="329.4""#, r#"cx="61.3" cy="58.6""#]);
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "</title><script>alert(1)</script>\u{1b}[2J\u{202e}\u{0}\u{ffff}\"'&amp;\n<![CDATA[ ]]>";
    let values = [Some(Value::Str(hostile.into())), None];
    let record = Record {
        id: RecordId::parse(hostile).unwrap(),
        embedding: None,
        document: Some(hostile.repeat(100)),
        uri: None,
        metadata: Some(Metadata::from_json(serde_json::json!({hostile: hostile})).unwrap()),
    };
    let hover = hover(&record, &[RecordColumn::Document, RecordColumn::Key(hostile.into())]);
    assert_eq!(hover.lines().count(), 3);
    let svg = drawn(vec![([0.0, 0.0], &hover), ([1.0, 1.0], hostile)], Legend::of(hostile, &values));
    let (names, _) = parse(&svg);
    assert!(!names.iter().any(|name| name == "script"));
    assert!(svg.contains("&lt;/title&gt;&lt;script&gt;") && svg.len() < 6500, "{}", svg.len());
}

#[test]
fn few_and_equal_points_are_drawn() {
    parse(&drawn(Vec::new(), Legend::plain(0)));
    parse(&drawn(Vec::new(), Legend::of("key", &[])));
    for points in [1, 2, 5] {
        let svg = drawn(vec![([0.5, -3.0], "same"); points], Legend::plain(points));
        parse(&svg);
        assert_eq!(circles(&svg), [r#"cx="332.0" cy="194.0""#]);
        let said = (points > 1).then(|| format!("{points} records at this place"));
        assert!(said.is_none_or(|said| svg.contains(&said)), "{svg}");
        assert_eq!(svg.contains("and 2 more"), points == 5);
    }
    let far = drawn(vec![([1e38, 0.0], "a"), ([-1e38, 1e-45], "b")], Legend::plain(2));
    parse(&far);
}

#[test]
fn categories_have_colours_and_the_rest_is_grey() {
    let value = |n: usize| Some(Value::Str(format!("topic {}", n * n / 30)));
    let values: Vec<Option<Value>> = (0..30).map(value).chain([None, Some(Value::Bool(true))]).collect();
    let svg = drawn((0..32).map(|n| ([f64::from(n), 0.0], "x")).collect(), Legend::of("topic", &values));
    let (names, texts) = parse(&svg);
    // One a point, and one for each of nine topics, the others, and none.
    assert_eq!(names.iter().filter(|name| *name == "circle").count(), 32 + 11);
    for text in ["topic", "topic 0 ", "6", "none ", "14 others "] {
        assert!(texts.iter().any(|t| t == text), "{text:?} {texts:?}");
    }
    assert!(svg.contains(r#"<g class="p k8">"#) && svg.contains(".k0{fill:#cc6677}"));
}

#[test]
fn numbers_have_a_ramp() {
    let values = [Some(Value::Int(2000)), Some(Value::Float(2020.5)), None, Some(Value::Int(2010))];
    let svg = drawn((0..4).map(|n| ([f64::from(n), 0.0], "x")).collect(), Legend::of("year", &values));
    let (_, texts) = parse(&svg);
    assert!(["2000", "2020.5", "2010", "none "].iter().all(|text| texts.iter().any(|t| t == text)), "{texts:?}");
    let at = |class: &str| svg.find(&format!(r#"<g class="p {class}">"#)).unwrap();
    assert!(at("none") < at("s0") && at("s0") < at("s15") && at("s15") < at("s31"));
    assert!(svg.contains(".s0{fill:#440154}") && svg.contains(".s31{fill:#fde725}"));
    for same in [vec![Some(Value::Int(7)); 3], vec![Some(Value::Float(f64::MAX)), Some(Value::Float(f64::MIN)), None]] {
        parse(&drawn(vec![([0.0, 0.0], "x"); 3], Legend::of("n", &same)));
    }
}

#[test]
fn any_text_makes_xml() {
    let mut random = Random::new();
    for _ in 0..300 {
        let text: String = (0..20).filter_map(|_| char::from_u32(random.next() as u32 % 0x11_0000)).collect();
        parse(&drawn(vec![([0.0, 0.0], &text)], Legend::of(&text, &[Some(Value::Str(text.clone()))])));
    }
}

#[test]
fn a_place_of_many_is_larger_and_of_the_colour_most_have() {
    let value = |text: &str| Some(Value::Str(text.into()));
    let values = [value("a"), value("a"), value("b"), value("a"), value("b")];
    let at = |n: usize| if n < 3 { [0.0, 0.0] } else { [n as f64, 1.0] };
    let svg = drawn((0..5).map(|n| (at(n), "x")).collect(), Legend::of("key", &values));
    let places: Vec<&str> =
        svg.lines().filter(|line| line.starts_with("<circle")).filter(|line| line.contains("<title>")).collect();
    assert_eq!(places.len(), 3);
    let many = places.iter().find(|place| place.contains("3 records at this place")).unwrap();
    assert!(many.contains(r#"r="7.64""#) && places.iter().filter(|place| place.contains(r#"r="5""#)).count() == 2);
    // In the first class, that of "a": no other group is begun before it.
    let before = svg.split_once("3 records at this place").unwrap().0;
    assert!(before.contains(r#"<g class="p k0">"#) && !before.contains(r#"<g class="p k1">"#));
}

#[test]
fn names_stand_beside_one_another() {
    let svg = drawn(vec![([0.0, 0.0], "a"), ([2.0, 0.0], "b"), ([1.0, 1.0], "c")], Legend::plain(3));
    let (_, texts) = parse(&svg);
    let names = ["one &lt;name&gt;", "another name", "a name that is there"];
    assert!(names.iter().all(|name| texts.iter().any(|text| text == name)));
    let lines: Vec<&str> = svg.lines().filter(|line| line.contains(r#"class="name""#)).collect();
    let heights: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line.split("y=\"").nth(1).unwrap().split('"').next().unwrap()).collect();
    assert_eq!((lines.len(), heights.len()), (3, 3), "{lines:?}");
}
