//! Sections 1.1 to 1.3 and 2.1: tenants, databases, names, collections.

use huedb::record::{CollectionName, DatabaseName, TenantName};
use serde_json::{Value as Json, json};

use crate::shell::check;

#[test]
fn section_1_1_tenants_and_databases() {
    check(
        "huedb create vec --no-model -q",
        &[
            ("1.1 the default tenant is always there", "huedb tenant list", r#"{"name":"default_tenant"}"#, "", 0),
            (
                "1.1 the default database is always there, with the nil uuid",
                "huedb database list",
                r#"{"name":"default_database","tenant":"default_tenant","id":"00000000-0000-0000-0000-000000000000"}"#,
                "",
                0,
            ),
            ("1.1 a tenant's name has 3 characters", "huedb tenant create ab", "", "3 characters or more", 2),
            ("1.1 duplicate tenant", "huedb tenant create abc; huedb tenant create abc", "", "exists already", 2),
            ("1.1 duplicate tenant: the default", "huedb tenant create default_tenant", "", "exists already", 2),
            ("1.1 unknown tenant", "huedb list --tenant nope", "", "no tenant named \"nope\"", 2),
            (
                "1.1 ours: a database in a tenant that does not exist is refused",
                "huedb database create db1 --tenant nope",
                "",
                "no tenant named \"nope\"",
                2,
            ),
            ("1.1 duplicate database", "huedb database create db1; huedb database create db1", "", "exists already", 2),
            ("1.1 a database missing", "huedb database drop db1", "", "no database named \"db1\"", 2),
            ("1.1 a database missing, in a read", "huedb get vec --database db1", "", "no database named \"db1\"", 2),
            (
                "1.1 databases are listed by name",
                "for d in zeta alpha; do huedb database create $d; done; huedb database list -o ids",
                "alpha\ndefault_database\nzeta",
                "",
                0,
            ),
            (
                "1.1 a new tenant has no databases",
                "huedb tenant create abc; huedb database list --tenant abc",
                "",
                "",
                0,
            ),
            (
                "1.1 dropping a database drops its collections",
                "huedb database create db1; huedb create vec --no-model --database db1; huedb database drop db1
                 huedb database create db1; huedb list --database db1; huedb list -o ids",
                "vec",
                "collections: 1",
                0,
            ),
            (
                "1.1 ours: dropping a tenant drops its databases",
                "huedb tenant create abc; huedb database create db1 --tenant abc; huedb tenant drop abc
                 huedb list --tenant abc --database db1",
                "",
                "no tenant named \"abc\"",
                2,
            ),
            (
                "1.1 compact and check leave them as they are",
                "huedb tenant create abc; huedb database create db1 --tenant abc; huedb compact; huedb check
                 huedb database list --tenant abc -o ids",
                "db1",
                "no damage found",
                0,
            ),
            ("1.1 the default database stays", "huedb database drop default_database", "", "cannot be dropped", 2),
            ("1.1 the default tenant stays", "huedb tenant drop default_tenant", "", "cannot be dropped", 2),
            ("1.2 the name rule holds for databases", "huedb database create a..b", "", "two periods", 2),
            (
                "1.1 tenant and database from the environment",
                "export HUEDB_TENANT=abc HUEDB_DATABASE=db1; huedb tenant create abc; huedb database create db1
                 huedb create own --no-model; huedb list -o ids",
                "own",
                "",
                0,
            ),
            (
                "1.1 a file of another scope is not made by a command that is refused",
                "rm test.redb; huedb create vec --database db1 || echo $?; ls",
                "2",
                "no database at",
                0,
            ),
        ],
    );
}

#[test]
fn issue_part_1_isolation_in_every_verb() {
    let before = "exec 2>&1
        huedb create vec --no-model -q; huedb add vec --id here --embedding '[1]' --metadata '{\"k\": 1}' -q
        huedb database create other -q; export HUEDB_DATABASE=other; huedb create vec --no-model -q";
    let there = "HUEDB_DATABASE=default_database huedb count vec";
    check(
        before,
        &[
            ("count", "huedb count vec", "0", "", 0),
            ("get", "huedb get vec --id here", "", "", 1),
            ("peek", "huedb peek vec", "", "", 1),
            ("query", "huedb query vec --embedding '[1]'", "", "", 1),
            ("export", "huedb export vec", "", "", 0),
            ("distinct", "huedb distinct vec k", "", "", 0),
            ("keys", "huedb keys vec", "", "", 0),
            ("get --sort", "huedb get vec --sort k", "", "", 1),
            ("search", "huedb search vec --json '{\"searches\":[{}]}' | cut -c 1-11", "{\"ids\":[[]]", "", 0),
            (
                "query --hybrid",
                "for d in default_database other; do huedb create notes --model hash-8 --hybrid -q --database $d; done
                 huedb add notes --id a --document fox -q --database default_database
                 huedb query notes fox --hybrid -o ids",
                "",
                "",
                1,
            ),
            (
                "index show",
                "huedb index build vec -q --database default_database; huedb index show vec",
                "vec has no graph; build one with `huedb index build vec`",
                "",
                1,
            ),
            (
                "index drop",
                "for d in default_database other; do huedb add vec --id here --embedding '[1]' -q --database $d; done
                 for d in default_database other; do huedb index build vec -q --database $d; done
                 huedb index drop vec -q; huedb index show vec -o json --database default_database | grep -c whole",
                "1",
                "",
                0,
            ),
            (
                "index build --hybrid",
                "huedb index build vec --hybrid -q
                 huedb show vec -o json --database default_database | grep -c '\"words_indexed\":true' || echo none",
                "0\nnone",
                "",
                0,
            ),
            (
                "create --get-or-create",
                "huedb create vec --no-model --get-or-create; huedb count vec",
                "vec exists\n0",
                "",
                0,
            ),
            ("check", "huedb drop vec -q; huedb check vec 2> /dev/null || echo $?", "2", "", 0),
            (
                "database drop",
                &format!("huedb database drop other --database default_database -q; {there}"),
                "1",
                "",
                0,
            ),
            (
                "a database of that name in another tenant",
                "huedb tenant create acme -q; export HUEDB_TENANT=acme HUEDB_DATABASE=default_database
                 huedb database create default_database -q; huedb create vec --no-model -q; huedb count vec
                 huedb add vec --id x --embedding '[1, 2, 3]' -q; huedb delete vec --id here -q; huedb get vec -o ids
                 unset HUEDB_TENANT; huedb get vec -o ids",
                "0\nx\nhere",
                "",
                0,
            ),
            ("show", "huedb show vec -o json | grep -o '\"database\":\"[a-z_]*\"'", "\"database\":\"other\"", "", 0),
            ("add", &format!("huedb add vec --id b --embedding '[1,2]' -q; {there}"), "1", "", 0),
            ("update", &format!("huedb update vec --id here --uri x; {there}"), "updated 0: no such id\n1", "", 0),
            ("upsert", &format!("huedb upsert vec --id here --embedding '[2]' -q; {there}"), "1", "", 0),
            (
                "import",
                &format!("echo '{{\"id\":\"x\",\"embedding\":[1]}}' | huedb import vec - -q; {there}"),
                "1",
                "",
                0,
            ),
            ("delete", &format!("huedb delete vec --id here -q; {there}"), "1", "", 0),
            ("modify", &format!("huedb modify vec --name away -q; {there}"), "1", "", 0),
            ("index build", &format!("huedb index build vec -q; {there}"), "1", "", 0),
            ("drop", &format!("huedb drop vec -q; {there}"), "1", "", 0),
            ("list", "huedb create away --no-model -q; huedb list -o ids --database default_database", "vec", "", 0),
        ],
    );
}

#[test]
fn section_1_2_names() {
    for (line, name, why) in [
        ("1.2 three characters are enough", "abc", None),
        ("1.2 512 characters are not too many", &*"a".repeat(512), None),
        ("1.2 letters, digits, . _ -", "a.B_c-9", None),
        ("1.2 two characters", "ab", Some("3 to 512")),
        ("1.2 513 characters", &*"a".repeat(513), Some("3 to 512")),
        ("1.2 a space", "a b", Some("[a-zA-Z0-9._-]")),
        ("1.2 a letter outside ASCII", "añb", Some("[a-zA-Z0-9._-]")),
        ("1.2 a dash first", "-ab", Some("start and end")),
        ("1.2 a period last", "ab.", Some("start and end")),
        ("1.2 two periods", "a..b", Some("two periods")),
        ("1.2 an IP address", "1.2.3.4", Some("IP address")),
        ("1.2 no IP address after all", "1.2.3.4.5", None),
        ("1.2 a + is for a distributed Chroma", "top+name", Some("[a-zA-Z0-9._-]")),
    ] {
        let answers = [CollectionName::parse(name).err(), DatabaseName::parse(name).err()];
        for said in answers.map(|error| error.map(|error| error.to_string())) {
            match why {
                Some(why) => assert!(said.as_ref().is_some_and(|said| said.contains(why)), "{line}: {said:?}"),
                None => assert_eq!(said, None, "{line}"),
            }
        }
    }
    for (line, name, good) in [
        ("1.1 a tenant's name has 3 characters", "ab", false),
        ("1.1 a tenant's name has 3 characters, not bytes", "éé", false),
        ("1.1 a tenant's name has no other rule", "my tenant/1", true),
    ] {
        assert_eq!(TenantName::parse(name).is_ok(), good, "{line}");
    }
}

#[test]
fn section_1_3_collection_metadata() {
    let make = |metadata: &str| format!("huedb create vec --no-model -q --metadata '{metadata}'");
    let shown = "huedb show vec -o json | sed 's/,\"dimension\".*//; s/.*\"metadata\"/\"metadata\"/'";
    let rows = [
        ("1.3 none is null", "huedb create vec --no-model".into(), r#""metadata":null"#, "", 0),
        ("1.3 {} is refused", make("{}"), "", "is not empty", 2),
        ("1.3 an empty key", make(r#"{"": 1}"#), "", "at least one character", 2),
        ("1.3 a key that starts with #", make(r##"{"#x": 1}"##), "", "must not start with '#' or '$'", 2),
        ("1.3 a key that starts with $", make(r#"{"$x": 1}"#), "", "must not start with '#' or '$'", 2),
        ("1.3 null inside", make(r#"{"x": null}"#), "", "is null", 2),
        ("1.3 an object inside", make(r#"{"x": {"y": 1}}"#), "", "is an object", 2),
        ("1.3 ours: an array is kept", make(r#"{"x": [1, 2]}"#), r#""metadata":{"x":[1,2]}"#, "", 0),
        (
            "1.3 every scalar",
            make(r#"{"a": 1, "b": 1.5, "c": "x", "d": true}"#),
            r#""metadata":{"a":1,"b":1.5,"c":"x","d":true}"#,
            "",
            0,
        ),
    ];
    for (line, script, stdout, says, status) in rows {
        check("", &[(line, &format!("{script}\n{shown}"), stdout, says, status)]);
    }
}

#[test]
fn section_1_3_collection_json() {
    let folder = tempfile::TempDir::new().unwrap();
    let huedb = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_huedb"));
        let output = command.args(args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    huedb(&["create", "vec", "--no-model", "--space", "l2"]);
    let mut shown: Json = serde_json::from_str(&huedb(&["show", "vec", "-o", "json"])).unwrap();
    let id = shown["id"].take();
    assert_eq!(uuid::Uuid::parse_str(id.as_str().unwrap()).unwrap().get_version_num(), 4);
    let own = shown.as_object_mut().unwrap().remove("huedb").unwrap();
    assert_eq!(own["records"], 0);
    let hnsw = json!({"space": "l2", "ef_construction": 128, "ef_search": 128, "max_neighbors": 16,
        "resize_factor": 1.2, "sync_threshold": 1000});
    let expected = json!({"id": null, "name": "vec",
        "configuration_json": {"hnsw": hnsw, "spann": null, "embedding_function": null},
        "metadata": null, "dimension": null, "tenant": "default_tenant", "database": "default_database",
        "log_position": 0, "version": 0});
    assert_eq!(shown, expected, "1.3 the key set of a collection, but for schema");
    let configuration = shown["configuration_json"].to_string();
    huedb(&["create", "copy", "--no-model", "--configuration", &configuration]);
    let copy: Json = serde_json::from_str(&huedb(&["show", "copy", "-o", "json"])).unwrap();
    assert_eq!(copy["configuration_json"], shown["configuration_json"], "1.3 what is shown can be given");
}

#[test]
fn section_2_1_operations_on_collections() {
    check(
        "huedb create vec --no-model -q --metadata '{\"a\": 1, \"b\": 2}'",
        &[
            ("2.1 create: exists", "huedb create vec --no-model", "", "exists already", 2),
            ("2.1 create: unknown database", "huedb create new --database nodb", "", "no database named \"nodb\"", 2),
            (
                "2.1 get_or_create returns the existing one unchanged",
                "huedb create vec --no-model --get-or-create --space ip --metadata '{\"c\": 1}'
                 huedb show vec -o json | grep -o '\"space\":\"[a-z0-9]*\"\\|\"metadata\":{[^}]*}' | sort -u",
                "\"metadata\":{\"a\":1,\"b\":2}\n\"space\":\"cosine\"",
                "vec exists",
                0,
            ),
            (
                "2.1 get_or_create still checks what it is given",
                "huedb create vec --get-or-create --metadata '{}'",
                "",
                "is not empty",
                2,
            ),
            ("2.1 get_or_create makes a new one", "huedb create new --no-model --get-or-create", "", "created new", 0),
            ("2.1 ours: list goes by name", "huedb create abc --no-model; huedb list -o ids", "abc\nvec", "", 0),
            ("2.1 list: limit", "huedb create abc --no-model; huedb list -o ids --limit 1", "abc", "", 0),
            ("2.1 list: offset", "huedb create abc --no-model; huedb list -o ids --offset 1", "vec", "", 0),
            ("1.3 list: limit 0", "huedb list -o json --limit 0", "[]", "", 0),
            ("1.3 list: limit -1", "huedb list --limit -1", "", "unexpected argument", 2),
            ("2.1 show: unknown", "huedb show nope", "", "no collection named \"nope\"", 2),
            ("2.1 modify: the same name", "huedb modify vec --name vec", "", "modified vec", 0),
            ("2.1 modify: a new name", "huedb modify vec --name new; huedb list -o ids", "new", "now new", 0),
            (
                "2.1 modify: the records come along",
                "huedb add vec --id a --embedding '[1]'; huedb modify vec --name new; huedb get new -o ids",
                "a",
                "",
                0,
            ),
            (
                "2.1 modify ours: a taken name is a conflict",
                "huedb create new --no-model; huedb modify vec --name new",
                "",
                "\"new\" exists already",
                2,
            ),
            ("2.1 modify: a bad name", "huedb modify vec --name a..b", "", "two periods", 2),
            (
                "2.1 modify: metadata is replaced as a whole, nulls drop",
                "huedb modify vec --metadata '{\"c\": 3, \"d\": null}'
                 huedb show vec -o json | grep -o '\"metadata\":{[^}]*}' | sort -u",
                "\"metadata\":{\"c\":3}",
                "",
                0,
            ),
            (
                "2.1 modify: nulls alone leave none",
                "huedb modify vec --metadata '{\"a\": 1}' -q; huedb modify vec --metadata '{\"a\": null}'
                 huedb show vec -o json | grep -o '\"metadata\":[a-z{]*' | uniq",
                "\"metadata\":null",
                "",
                0,
            ),
            (
                "2.1 modify: hnsw: keys are stored unread",
                "huedb modify vec --metadata '{\"hnsw:foo\": 1, \"hnsw:M\": \"8\"}'
                 huedb show vec -o json | grep -o '\"metadata\":{[^}]*}' | uniq",
                "\"metadata\":{\"hnsw:M\":\"8\",\"hnsw:foo\":1}",
                "warning: hnsw:foo in the metadata changes nothing once a collection is made",
                0,
            ),
            ("2.1 modify: an unknown field", "huedb modify vec --configuration '{\"foo\": 1}'", "", "it is ignored", 0),
            ("2.1 modify: {} is refused", "huedb modify vec --metadata '{}'", "", "is not empty", 2),
            ("2.1 modify: no hnsw:space", "huedb modify vec --metadata '{\"hnsw:space\": \"l2\"}'", "", "fixed", 2),
            (
                "2.1 modify: ef_search",
                "huedb modify vec --ef-search 300; huedb show vec -o json | grep -o '\"ef_search\":[0-9]*' | sort -u",
                "\"ef_search\":300",
                "",
                0,
            ),
            (
                "2.1 modify: new_configuration.hnsw",
                "huedb modify vec --configuration '{\"hnsw\": {\"ef_search\": 300, \"sync_threshold\": 5, \
                 \"resize_factor\": 2.5, \"num_threads\": 2, \"batch_size\": 7}}'
                 huedb show vec -o json | grep -o '\"sync_threshold\":[0-9]*,*\\|\"resize_factor\":[0-9.]*'",
                "\"resize_factor\":2.5\n\"sync_threshold\":5",
                "",
                0,
            ),
            (
                "2.1 modify: max_neighbors, which the next graph is built with",
                "huedb add vec --id a --embedding '[1]' -q; huedb index build vec -q
                 huedb modify vec --configuration '{\"hnsw\": {\"max_neighbors\": 32}}'
                 huedb index build vec -q; huedb show vec -o json | grep -o '\"max_neighbors\":[0-9]*' | sort -u",
                "\"max_neighbors\":32",
                "",
                0,
            ),
            (
                "2.1 modify: spann has nothing that is known here",
                "huedb modify vec --configuration '{\"spann\": {\"search_nprobe\": 8}}'",
                "",
                "modified vec",
                0,
            ),
            (
                "2.1 modify: an empty configuration is no change",
                "huedb modify vec --configuration '{}'",
                "",
                "modified vec",
                0,
            ),
            (
                "2.1 modify: space is immutable",
                "huedb modify vec --configuration '{\"hnsw\": {\"space\": \"l2\"}}'",
                "",
                "space is fixed",
                2,
            ),
            (
                "2.1 modify: ef_construction is immutable",
                "huedb modify vec --configuration '{\"hnsw\": {\"ef_construction\": 200}}'",
                "",
                "ef_construction is fixed",
                2,
            ),
            ("2.1 modify: unknown", "huedb modify nope --ef-search 10", "", "no collection named \"nope\"", 2),
            ("2.1 delete", "huedb drop vec; huedb list -o ids", "", "dropped vec", 0),
            ("2.1 delete: unknown", "huedb drop nope", "", "no collection named \"nope\"", 2),
        ],
    );
}
