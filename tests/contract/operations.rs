//! Section 2.2: add, update, upsert, delete, get, peek, count, query.

use crate::shell::check;

/// Three records at 1, 2 and 3 on a line, in the order c, a, b; b has no document and no metadata.
const THREE: &str = "huedb create vec --no-model --space l2 -q
huedb add vec --id c --embedding '[1]' --document 'red fox' --metadata '{\"n\": 1, \"s\": \"x\"}' --uri u1 -q
huedb add vec --id a --embedding '[2]' --document 'blue fox' --metadata '{\"n\": 2, \"t\": [\"p\"]}' -q
huedb add vec --id b --embedding '[3]' -q";

#[test]
fn section_2_2_add_update_upsert() {
    let shown = |id: &str| format!("huedb get vec --id {id} --include documents,metadatas,uris,embeddings");
    let c = r#"{"id":"c","document":"red fox","metadata":{"n":1,"s":"x"},"uri":"u1","embedding":[1.0]}"#;
    check(
        THREE,
        &[
            ("2.2 add: an embedding is needed", "huedb add vec --id d --document x", "", "no model", 2),
            (
                "2.2 add: an existing id is left alone",
                &format!("huedb add vec --id c --embedding '[9]' --document new; {}", shown("c")),
                c,
                "added 0: the id exists",
                0,
            ),
            (
                "2.2 add: a deleted id comes back in a new place",
                "huedb delete vec --id c -q; huedb add vec --id c --embedding '[1]' -q; huedb get vec -o ids",
                "a\nb\nc",
                "",
                0,
            ),
            (
                "2.2 update: an unknown id is left out",
                "huedb update vec --id ghost --document x; huedb count vec",
                "3",
                "updated 0: no such id",
                0,
            ),
            (
                "2.2 update: metadata is merged, null deletes a key, the rest is untouched",
                &format!("huedb update vec --id c --metadata '{{\"n\": null, \"new\": true}}' -q; {}", shown("c")),
                r#"{"id":"c","document":"red fox","metadata":{"new":true,"s":"x"},"uri":"u1","embedding":[1.0]}"#,
                "",
                0,
            ),
            (
                "2.2 update: an array replaces the array",
                &format!("huedb update vec --id a --metadata '{{\"t\": [\"q\", \"r\"]}}' -q; {}", shown("a")),
                r#"{"id":"a","document":"blue fox","metadata":{"n":2,"t":["q","r"]},"embedding":[2.0]}"#,
                "",
                0,
            ),
            (
                "2.2 update: a scalar replaces an array, and filters see it",
                "huedb update vec --id a --metadata '{\"t\": \"p\"}' -q
                 huedb get vec -o ids --where 't = \"p\"'; huedb count vec --where 't has \"p\"'",
                "a\n0",
                "",
                0,
            ),
            (
                "2.2 update: an array replaces a scalar, and filters see it",
                "huedb update vec --id a --metadata '{\"n\": [2]}' -q
                 huedb get vec -o ids --where 'n contains 2'; huedb count vec --where 'n = 2'",
                "a\n0",
                "",
                0,
            ),
            (
                "2.2 update: {} is no change",
                "huedb update vec --id c --metadata '{}'",
                "",
                "updated 0: the record says this already",
                0,
            ),
            (
                "2.2 update: document, uri and embedding",
                &format!("huedb update vec --id c --document d --uri u2 --embedding '[7]' -q; {}", shown("c")),
                r#"{"id":"c","document":"d","metadata":{"n":1,"s":"x"},"uri":"u2","embedding":[7.0]}"#,
                "",
                0,
            ),
            (
                "2.2 upsert: an existing record is merged, document and uri stay",
                &format!(
                    "huedb upsert vec --id c --embedding '[7]' --metadata '{{\"n\": null, \"m\": 1}}' -q; {}",
                    shown("c")
                ),
                r#"{"id":"c","document":"red fox","metadata":{"m":1,"s":"x"},"uri":"u1","embedding":[7.0]}"#,
                "",
                0,
            ),
            (
                "2.2 upsert: a new record drops null values",
                &format!(
                    "huedb upsert vec --id d --embedding '[7]' --metadata '{{\"n\": null, \"m\": 1}}' -q; {}",
                    shown("d")
                ),
                r#"{"id":"d","document":null,"metadata":{"m":1},"embedding":[7.0]}"#,
                "",
                0,
            ),
            (
                "2.2 update: a document or uri that is null stays",
                &format!(
                    "echo '{{\"id\":\"c\",\"document\":null,\"uri\":null,\"metadata\":null}}' \
                     | huedb import vec - -q --mode update; {}",
                    shown("c")
                ),
                c,
                "",
                0,
            ),
            (
                "2.2 upsert: a document or uri that is null stays",
                &format!(
                    "echo '{{\"id\":\"c\",\"document\":null,\"uri\":null,\"embedding\":[1]}}' \
                     | huedb import vec - -q --mode upsert; {}",
                    shown("c")
                ),
                c,
                "",
                0,
            ),
            (
                "2.2 update: the dimension is checked",
                "huedb update vec --id c --embedding '[1, 2]'",
                "",
                "dimension 1, got 2",
                2,
            ),
            (
                "2.2 an import of the same ids in one batch, update: in order, the last wins",
                "printf '{\"id\":\"b\",\"uri\":\"x\",\"embedding\":[7]}\\n{\"id\":\"b\",\"uri\":\"y\"}\\n' \
                 | huedb import vec - -q --mode update; huedb get vec --id b --include uris,embeddings",
                r#"{"id":"b","uri":"y","embedding":[7.0]}"#,
                "",
                0,
            ),
            ("2.2 upsert: a new record needs an embedding", "huedb upsert vec --id d --uri x", "", "no model", 2),
            (
                "2.2 an import of the same ids in one batch, upsert: the last wins",
                "printf '{\"id\":\"z\",\"embedding\":[1]}\\n{\"id\":\"z\",\"embedding\":[2]}\\n' \
                 | huedb import vec - -q --mode upsert; huedb get vec --id z --include embeddings",
                r#"{"id":"z","embedding":[2.0]}"#,
                "",
                0,
            ),
            (
                "2.2 an import of the same ids in one batch, add: the first wins",
                "printf '{\"id\":\"z\",\"embedding\":[1]}\\n{\"id\":\"z\",\"embedding\":[2]}\\n' \
                 | huedb import vec - -q --mode add; huedb get vec --id z --include embeddings",
                r#"{"id":"z","embedding":[1.0]}"#,
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_2_2_delete_and_count() {
    let left = "huedb get vec -o ids";
    check(
        THREE,
        &[
            ("2.2 delete: by id", &format!("huedb delete vec --id c; {left}"), "a\nb", "deleted 1", 0),
            (
                "2.2 delete ours: ids that do not exist and repeats are not counted",
                &format!("huedb delete vec --id c --id c --id ghost; {left}"),
                "a\nb",
                "deleted 1",
                0,
            ),
            ("2.2 delete: by where", &format!("huedb delete vec --where 'n >= 1'; {left}"), "b", "deleted 2", 0),
            (
                "2.2 delete: by where_document",
                &format!("huedb delete vec --where-document red; {left}"),
                "a\nb",
                "deleted 1",
                0,
            ),
            (
                "2.2 delete: ids and where intersect",
                &format!("huedb delete vec --id a --id b --where 'n >= 1'; {left}"),
                "c\nb",
                "deleted 1",
                0,
            ),
            (
                "2.2 delete: where and where_document intersect",
                &format!("huedb delete vec --where 'n >= 1' --where-document blue; {left}"),
                "c\nb",
                "deleted 1",
                0,
            ),
            (
                "2.2 delete: limit, in the order of insertion",
                &format!("huedb delete vec --where 'n >= 1' --limit 1; {left}"),
                "a\nb",
                "deleted 1",
                0,
            ),
            (
                "2.2 delete: limit 0",
                "huedb delete vec --where 'n >= 1' --limit 0; huedb count vec",
                "3",
                "deleted 0",
                0,
            ),
            ("2.2 delete: limit needs a filter", "huedb delete vec --id a --limit 1", "", "--limit", 2),
            ("2.2 delete: at least one selector", "huedb delete vec", "", "nothing to delete was specified", 2),
            ("2.2 delete: what matches nothing", "huedb delete vec --where 'n = 9'", "", "deleted 0", 0),
            ("2.2 count", "huedb count vec", "3", "", 0),
            ("6 count --where", "huedb count vec --where 'n >= 2'", "1", "", 0),
            ("6 count --where-document", "huedb count vec --where-document fox", "2", "", 0),
            ("6 count --id", "huedb count vec --id a --id ghost --id a", "1", "", 0),
        ],
    );
}

#[test]
fn section_2_2_get_and_peek() {
    check(
        THREE,
        &[
            ("2.2 get: the order of insertion", "huedb get vec -o ids", "c\na\nb", "", 0),
            ("2.2 get: never the order of the ids", "huedb get vec --id b --id c -o ids", "c\nb", "", 0),
            (
                "2.2 get: repeated ids collapse, unknown are left out",
                "huedb get vec --id a --id a --id x -o ids",
                "a",
                "",
                0,
            ),
            ("2.2 get: where", "huedb get vec --where 'n = 2' -o ids", "a", "", 0),
            ("2.2 get: where_document", "huedb get vec --where-document red -o ids", "c", "", 0),
            (
                "2.2 get: ids, where and where_document intersect",
                "huedb get vec --id a --id c --where 'n < 9' --where-document red -o ids",
                "c",
                "",
                0,
            ),
            ("2.2 get: limit", "huedb get vec --limit 2 -o ids", "c\na", "", 0),
            ("2.2 get: offset", "huedb get vec --offset 1 -o ids", "a\nb", "", 0),
            ("2.2 get: limit and offset", "huedb get vec --limit 1 --offset 1 -o ids", "a", "", 0),
            ("2.2 get: offset past the end", "huedb get vec --offset 9 -o json", "[]", "", 1),
            ("2.2 get: limit 0", "huedb get vec --limit 0 -o json", "[]", "", 1),
            (
                "2.2 get: documents and metadata by default",
                "huedb get vec --id a",
                r#"{"id":"a","document":"blue fox","metadata":{"n":2,"t":["p"]}}"#,
                "",
                0,
            ),
            (
                "2.2 get: include",
                "huedb get vec --id a --include embeddings,documents",
                r#"{"id":"a","document":"blue fox","embedding":[2.0]}"#,
                "",
                0,
            ),
            (
                "2.2 get: distances are accepted and ignored",
                "huedb get vec --id a --include distances",
                r#"{"id":"a"}"#,
                "",
                0,
            ),
            ("2.2 get: an unknown include", "huedb get vec --include data", "", "invalid value 'data'", 2),
            (
                "2.2 peek: ten records with embeddings",
                "seq 20 | sed 's/.*/{\"id\":\"&\",\"embedding\":[&]}/' | huedb import vec - -q
                 huedb peek vec | wc -l | tr -d ' '; huedb peek vec --limit 1",
                "10\n{\"id\":\"c\",\"document\":\"red fox\",\"metadata\":{\"n\":1,\"s\":\"x\"},\"uri\":\"u1\",\"embedding\":[1.0]}",
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_2_2_query() {
    let query = |flags: &str| format!("huedb query vec --embedding '[0]' -o ids {flags}");
    let rows = [
        ("2.2 query: ascending distance", query(""), "c\na\nb", 0),
        ("2.2 query: n_results", query("-n 2"), "c\na", 0),
        ("2.2 query: ten by default",
            "seq 20 | sed 's/.*/{\"id\":\"&\",\"embedding\":[&]}/' | huedb import vec - -q
             huedb query vec --embedding '[0]' -o ids | wc -l | tr -d ' '".into(), "10", 0),
        ("2.2 query: fewer matches, a shorter list", query("-n 100 --where 'n >= 1'"), "c\na", 0),
        ("2.2 query ours: n 0 finds nothing and does not panic", query("-n 0"), "", 1),
        ("2.2 query: n -1", query("-n -1"), "", 2),
        ("2.2 query: where_document", query("--where-document blue"), "a", 0),
        ("2.2 query: ids", query("--id b --id a"), "a\nb", 0),
        ("2.2 query: duplicate ids collapse", query("--id b --id b"), "b", 0),
        ("2.2 query ours: an unknown id is left out, with or without where", query("--id b --id ghost"), "b", 0),
        ("2.2 query: an unknown id with where", query("--id a --id ghost --where 'n = 2'"), "a", 0),
        ("2.2 query: a deleted id", format!("huedb delete vec --id a -q; {}", query("--id a --id b")), "b", 0),
        ("2.2 query: include by default", "huedb query vec --embedding '[0]' -n 1 -o jsonl".into(),
            r#"{"id":"c","distance":1.0,"document":"red fox","metadata":{"n":1,"s":"x"},"uri":"u1"}"#, 0),
        ("2.2 query: include", "huedb query vec --embedding '[0]' -n 1 --include embeddings -o jsonl".into(),
            r#"{"id":"c","embedding":[1.0]}"#, 0),
        ("2.2 query: an empty collection",
            "huedb create new --no-model -q; huedb query new --embedding '[0]' -o json --id ghost".into(), "[]", 1),
        ("2.2 query: lists nested per question",
            "printf '{\"embedding\":[0]}\\n{\"embedding\":[9]}\\n' | huedb query vec --input - -n 1 -o json --include distances".into(),
            "[\n[\n{\"query\":0,\"id\":\"c\",\"distance\":1.0}\n],\n[\n{\"query\":1,\"id\":\"b\",\"distance\":36.0}\n]\n]", 0),
        ("2.2 query: the dimension is checked", "huedb query vec --embedding '[1,2]'".into(), "", 2),
        ("2.2 query: no questions, no lists", "huedb query vec --input /dev/null -o json".into(), "[]", 1),
        ("3 several --where must all hold", query("--where 'n >= 1' --where 's = \"x\"'"), "c", 0),
        ("4 query: --offset", query("--offset 1"), "a\nb", 0),
        ("4 query: --offset past the end", query("--offset 9"), "", 1),
        ("4 query: --max-distance", query("--max-distance 4"), "c\na", 0),
        ("4 query: --max-distance below all", query("--max-distance 0.5"), "", 1),
    ];
    for (line, script, stdout, status) in rows {
        check(THREE, &[(line, &script, stdout, "", status)]);
    }
}

#[test]
fn issue_part_6_facts_about_metadata() {
    let more = format!(
        "{THREE}
        huedb add vec --id d --embedding '[4]' --metadata '{{\"n\": 2.0, \"s\": \"x\", \"t\": [\"p\", \"q\", \"p\"]}}' -q
        huedb add vec --id e --embedding '[5]' --metadata '{{\"n\": \"2\", \"s\": \"w\"}}' -q"
    );
    check(
        &more,
        &[
            (
                "6 distinct: in order of the values, 2 and 2.0 are one",
                "huedb distinct vec n",
                "{\"value\":1,\"type\":\"number\",\"count\":1}\n{\"value\":2,\"type\":\"number\",\"count\":2}\n{\"value\":\"2\",\"type\":\"string\",\"count\":1}",
                "",
                0,
            ),
            (
                "6 distinct: elements of arrays, a record once for each",
                "huedb distinct vec t -o csv",
                "value,type,count\np,string[],2\nq,string[],1",
                "",
                0,
            ),
            (
                "6 distinct: the most frequent first",
                "huedb distinct vec s -o csv --by-count -n 1",
                "value,type,count\nx,string,2",
                "",
                0,
            ),
            (
                "6 distinct: --where",
                "huedb distinct vec s -o csv --where 'n = 2'",
                "value,type,count\nx,string,1",
                "",
                0,
            ),
            ("6 distinct: a key nobody has", "huedb distinct vec nokey -o json", "[]", "", 0),
            (
                "6 keys: smallest and largest of each kind",
                "huedb keys vec -o csv",
                "key,type,records,distinct,min,max\nn,number,3,2,1,2\nn,string,1,1,2,2\ns,string,3,2,w,x\nt,string[],2,2,p,q",
                "",
                0,
            ),
            (
                "6 keys: --where",
                "huedb keys vec -o csv --where 'n = 1'",
                "key,type,records,distinct,min,max\nn,number,1,1,1,1\ns,string,1,1,x,x",
                "",
                0,
            ),
            (
                "6 get --sort: numbers, strings, then records without; ties by insertion",
                "huedb get vec --sort n -o ids",
                "c\na\nd\ne\nb",
                "",
                0,
            ),
            (
                "6 get --sort --desc: records without still last",
                "huedb get vec --sort n --desc -o ids",
                "e\na\nd\nc\nb",
                "",
                0,
            ),
            (
                "6 get --sort: limit and offset are of the sorted list",
                "huedb get vec --sort s --limit 2 --offset 1 -o ids",
                "c\nd",
                "",
                0,
            ),
            ("6 get --sort: a key that cannot be", "huedb get vec --sort '#id'", "", "must not start with '#'", 2),
            ("6 distinct: a key that cannot be", "huedb distinct vec '$k'", "", "must not start with '#'", 2),
            ("6 get --sort: --where", "huedb get vec --sort n --desc --where 'n > 0' -o ids", "a\nd\nc", "", 0),
        ],
    );
}
