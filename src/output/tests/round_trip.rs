//! What the exact formats write reads back bit for bit.

use crate::random::Random;
use huedb::record::Value;

use super::*;

/// Returns a finite float of any bit pattern.
fn float(random: &mut Random) -> f32 {
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is as random as the high one")]
        let float = f32::from_bits(random.next() as u32);
        if float.is_finite() {
            return float;
        }
    }
}

fn bits(embedding: &[f32]) -> Vec<u32> {
    embedding.iter().map(|x| x.to_bits()).collect()
}

/// Reads an embedding as an f64 JSON number narrowed to f32, the way serde reads it.
fn read_embedding(json: &str) -> Vec<f32> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_hundred_thousand_floats_keep_their_bits() {
    let mut random = Random::new();
    let edges =
        [0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON, f32::from_bits(1), 1.0, 0.1, 16_777_216.0];
    let embedding: Vec<f32> = edges.into_iter().chain((0..100_000).map(|_| float(&mut random))).collect();
    let mut one = record("a", None, &Json::Null);
    one.embedding = Some(embedding.clone());

    let line = records(OutputFormat::Jsonl, RecordColumns::export(), std::slice::from_ref(&one));
    let json = line.split_once("\"embedding\":").unwrap().1.strip_suffix("}\n").unwrap();
    assert!(bits(&read_embedding(json)) == bits(&embedding), "through jsonl");
    let texts = json.trim_matches(['[', ']']).split(',');
    let parsed: Vec<f32> = texts.map(|text| text.parse().unwrap()).collect();
    assert!(bits(&parsed) == bits(&embedding), "parsed as f32");

    let csv = records(OutputFormat::Csv, RecordColumns::export(), &[one]);
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let cells = reader.records().next().unwrap().unwrap();
    assert!(bits(&read_embedding(&cells[4])) == bits(&embedding), "through csv");
}

#[test]
fn ten_thousand_metadata_floats_keep_their_bits_and_type() {
    let mut random = Random::new();
    for n in 0..10_000 {
        let float = f64::from_bits(random.next());
        let float = if !float.is_finite() || float == 0.0 { f64::from(n) } else { float };
        let mut one = record("a", None, &json!({"f": 0.5}));
        one.metadata.as_mut().unwrap().insert("f", Value::Float(float)).unwrap();
        let line = records(OutputFormat::Jsonl, RecordColumns::record(), &[one]);
        let read: Json = serde_json::from_str(&line).unwrap();
        let Some(Value::Float(read)) = Metadata::from_json(read["metadata"].clone()).unwrap().get("f").cloned() else {
            panic!("{float} is no float in {line}");
        };
        assert_eq!(read.to_bits(), float.to_bits(), "{float}");
    }
}

#[test]
fn odd_text_survives_every_exact_format() {
    let odd = "\u{1b}[31m \0 \r\n \r \u{202e} \u{feff} \"q\" 'q' , ; \t =1+1 日本 🦊\u{200d}🦊 \u{2028} \\";
    let mut one = record(odd, Some(odd), &json!({"k k": odd, "n": 1, "f": 1.0, "b": [true], "s": [odd]}));
    one.uri = Some(odd.into());
    for format in [OutputFormat::Jsonl, OutputFormat::Json] {
        let read: Json =
            serde_json::from_str(&records(format, RecordColumns::record(), std::slice::from_ref(&one))).unwrap();
        let object = if format == OutputFormat::Json { &read[0] } else { &read };
        assert_eq!(object["id"], odd);
        assert_eq!(object["document"], odd);
        assert_eq!(object["uri"], odd);
        assert_eq!(Metadata::from_json(object["metadata"].clone()).ok(), one.metadata);
    }
    let no_nul = |text: &str| text.replace('\0', "");
    for (format, delimiter) in [(OutputFormat::Csv, b','), (OutputFormat::Tsv, b'\t')] {
        for part in ["id", "document", "uri"] {
            let odd_in = |name: &str| if name == part { odd.to_owned() } else { no_nul(odd) };
            let mut refused = record(&odd_in("id"), Some(&odd_in("document")), &json!({}));
            refused.uri = Some(odd_in("uri"));
            let mut out = Vec::new();
            let mut sink = crate::output::open(format, RecordColumns::record(), Style::default(), &mut out).unwrap();
            let error = sink.entry((&refused).into()).unwrap_err();
            assert!(error.to_string().contains(&format!("its {part} holds a NUL")), "{error}");
            assert!(error.hint().unwrap().contains("jsonl"), "{error}");
        }
        let odd = no_nul(odd);
        let mut one = record(&odd, Some(&odd), &one.metadata.as_ref().unwrap().to_json());
        one.uri = Some(odd.clone());
        let text = records(format, RecordColumns::record(), std::slice::from_ref(&one));
        let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let cells = reader.records().next().unwrap().unwrap();
        assert_eq!([&cells[0], &cells[1], &cells[3]], [&odd; 3]);
        assert_eq!(Metadata::from_json(serde_json::from_str(&cells[2]).unwrap()).ok(), one.metadata);
    }
}
