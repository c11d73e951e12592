//! Every route, by chroma-contract's statuses and bodies: what Chroma's server answers to the same, but for the differences that
//! the README names.

use serde_json::{Value as Json, json};

use crate::running::{Answer, DATABASE, Running};

/// Sends each line's request and compares the status and, where there is one, a part of the message.
fn table(server: &Running, lines: &[(&str, &str, Json, u16, &str)]) {
    for (method, path, body, status, part) in lines {
        let answer = server.request(method, path, body);
        let what = format!("{method} {path} {body}");
        assert_eq!(answer.status, *status, "{what}: {}", answer.text);
        assert!(answer.text.contains(part), "{what}: {}", answer.text);
        check_form(&answer, &what);
    }
}

/// Every error has Chroma's body and a trace id.
fn check_form(answer: &Answer, what: &str) {
    if answer.status < 400 {
        return;
    }
    let body = answer.json();
    assert!(body["error"].is_string() && body["message"].is_string(), "{what}: {}", answer.text);
    assert_eq!(answer.trace.as_deref().map(str::len), Some(32), "{what}");
}

fn collection_path(rest: &str) -> String {
    format!("{DATABASE}/collections{rest}")
}

#[test]
fn the_system() {
    let server = Running::start(&[]);
    let none = Json::Null;
    table(
        &server,
        &[
            ("GET", "/api/v2", none.clone(), 200, "nanosecond heartbeat"),
            ("GET", "/api/v2/heartbeat", none.clone(), 200, "nanosecond heartbeat"),
            ("GET", "/api/v2/version", none.clone(), 200, "\"1.0.0\""),
            ("GET", "/api/v2/healthcheck", none.clone(), 200, "\"is_executor_ready\":true"),
            ("GET", "/api/v2/pre-flight-checks", none.clone(), 200, "\"max_batch_size\":5461"),
            ("GET", "/api/v2/auth/identity", none.clone(), 200, "\"databases\":[\"default_database\"]"),
            ("POST", "/api/v2/reset", none.clone(), 403, "Reset is disabled by config"),
            ("GET", "/api/v1", none.clone(), 410, "The v1 API is deprecated. Please use /v2 apis"),
            ("GET", "/api/v1/collections", none.clone(), 410, "\"error\":\"Unimplemented\""),
            ("DELETE", "/api/v1/collections/x", none.clone(), 410, ""),
            ("GET", "/api/v2/nothing", none.clone(), 404, "there is no such route"),
            ("GET", "/", none.clone(), 404, ""),
            ("POST", "/api/v2/heartbeat", none.clone(), 405, ""),
            ("GET", "/healthz", none.clone(), 200, "ok"),
            ("GET", "/livez", none.clone(), 200, "ok"),
            ("GET", "/readyz", none.clone(), 200, "ok"),
            ("GET", "/openapi.json", none.clone(), 200, "\"openapi\":\"3.1.0\""),
            ("GET", "/huedb/v1/info", none, 200, "\"records\":0"),
        ],
    );
}

#[test]
fn tenants_and_databases() {
    let server = Running::start(&[]);
    let none = Json::Null;
    let databases = "/api/v2/tenants/acme/databases";
    table(
        &server,
        &[
            (
                "POST",
                "/api/v2/tenants",
                json!({"name": "ab"}),
                400,
                r#"length [{\"min\": Number(3), \"value\": String(\"ab\")}]"#,
            ),
            ("POST", "/api/v2/tenants", json!({"name": "acme"}), 200, "{}"),
            ("POST", "/api/v2/tenants", json!({"name": "acme"}), 409, "Tenant [acme] already exists"),
            ("POST", "/api/v2/tenants", json!({}), 422, "missing field `name` at line 1 column 2"),
            ("GET", "/api/v2/tenants/acme", none.clone(), 200, r#"{"name":"acme","resource_name":null}"#),
            ("GET", "/api/v2/tenants/nope", none.clone(), 404, "Tenant [nope] not found"),
            ("PATCH", "/api/v2/tenants/acme", json!({"resource_name": "x"}), 200, "{}"),
            ("POST", databases, json!({"name": "db1"}), 200, "{}"),
            ("POST", databases, json!({"name": "db1"}), 409, "Database [db1] already exists"),
            ("POST", databases, json!({"name": "a"}), 400, "Expected a name containing 3-512 characters"),
            ("POST", "/api/v2/tenants/nope/databases", json!({"name": "db1"}), 404, "Tenant [nope] not found"),
            ("GET", databases, none.clone(), 200, "\"name\":\"db1\""),
            ("GET", "/api/v2/tenants/acme/databases?limit=0", none.clone(), 200, "[]"),
            (
                "GET",
                "/api/v2/tenants/acme/databases?limit=x",
                none.clone(),
                400,
                "limit: invalid digit found in string",
            ),
            ("GET", "/api/v2/tenants/acme/databases/db1", none.clone(), 200, "\"tenant\":\"acme\""),
            (
                "GET",
                "/api/v2/tenants/acme/databases/db2",
                none.clone(),
                404,
                "Database [db2] not found. Are you sure it exists?",
            ),
            ("DELETE", "/api/v2/tenants/acme/databases/db1", none.clone(), 200, "{}"),
            ("DELETE", "/api/v2/tenants/acme/databases/db1", none, 404, "Database [db1] not found"),
        ],
    );
}

#[test]
fn collections() {
    let server = Running::start(&[]);
    let (all, none) = (collection_path(""), Json::Null);
    let create = |body: Json, status: u16, part: &'static str| ("POST", all.as_str(), body, status, part);
    table(
        &server,
        &[
            create(json!({"name": "ab"}), 400, "Validation error: name: Expected a name containing 3-512 characters"),
            create(json!({"name": "a..b"}), 400, "two consecutive periods (..). Got a..b"),
            create(json!({"name": "1.2.3.4"}), 400, "not a valid ip address. Got 1.2.3.4"),
            create(
                json!({"name": "cc1", "unknown": 1}),
                200,
                "\"space\":\"l2\",\"ef_construction\":100,\"ef_search\":100,\"max_neighbors\":16",
            ),
            create(json!({"name": "cc1"}), 409, "Collection [cc1] already exists"),
            create(json!({"name": "cc1", "get_or_create": true, "metadata": {"a": 1}}), 200, "\"metadata\":null"),
            create(json!({"name": "cc2", "metadata": {}}), 400, "Validation error: metadata: Metadata cannot be empty"),
            create(json!({"name": "cc2", "metadata": {"": 1}}), 400, "Metadata key cannot be empty"),
            create(json!({"name": "cc2", "metadata": {"#x": 1}}), 400, "Metadata key cannot start with '#' or '$': #x"),
            create(json!({"name": "cc2", "metadata": {"a": null}}), 422, "metadata.a: data did not match"),
            create(json!({"name": "cc2", "metadata": {"a": ["x"]}}), 200, "\"metadata\":{\"a\":[\"x\"]}"),
            create(json!({"name": "cc3", "configuration": {"hnsw": {"space": "l3"}}}), 422, "configuration"),
            create(json!({"name": "cc3", "configuration": {"hnsw": {"spac": "l2"}}}), 422, "max_neighbors"),
            create(
                json!({"name": "cc3", "configuration": {"hnsw": {}, "spann": {}}}),
                400,
                "Multiple vector index configurations provided",
            ),
            create(
                json!({"name": "cc3", "configuration": {"spann": {"space": "cosine"}}}),
                200,
                "\"space\":\"cosine\"",
            ),
            create(json!({"name": "cc4", "metadata": {"hnsw:space": "ip"}}), 200, "\"space\":\"ip\""),
            create(
                json!({"name": "cc5", "metadata": {"hnsw:nope": 1}}),
                400,
                "Failed to parse hnsw parameters from segment metadata",
            ),
            create(
                json!({"name": "cc5", "configuration": {"embedding_function": {"type": "known", "name": "cohere", "config": {"a": [1]}}}}),
                200,
                r#""embedding_function":{"type":"known","name":"cohere","config":{"a":[1]}}"#,
            ),
            create(
                json!({"name": "cc6", "schema": {"defaults": {}, "keys": {"#embedding": {"float_list": {"vector_index":
            {"enabled": true, "config": {"space": "cosine"}}}}, "secret": {"string": {"string_inverted_index":
            {"enabled": false, "config": {}}}}}}}),
                200,
                "\"hnsw\":{\"space\":\"cosine\"",
            ),
            create(
                json!({"name": "cc7", "configuration": {"hnsw": {"space": "ip"}}, "schema": {"keys": {"#embedding":
            {"float_list": {"vector_index": {"config": {"space": "cosine"}}}}}}}),
                400,
                "Cannot set both collection config and schema simultaneously",
            ),
            create(json!([]), 422, ""),
            create(json!({"name": 1}), 422, "name: invalid type: integer `1`, expected a string"),
            (
                "POST",
                "/api/v2/tenants/default_tenant/databases/nodb/collections",
                json!({"name": "abc"}),
                400,
                "Database [nodb] does not exist",
            ),
            (
                "GET",
                &collection_path("/cc1"),
                none.clone(),
                200,
                "\"tenant\":\"default_tenant\",\"database\":\"default_database\"",
            ),
            ("GET", &collection_path("/cc9"), none.clone(), 404, "Collection [cc9] does not exist"),
            ("GET", &collection_path("/by-id/x"), none.clone(), 400, "Invalid collection ID format, expected UUID"),
            ("GET", &collection_path("?limit=0"), none.clone(), 200, "[]"),
            (
                "GET",
                &collection_path("?limit=-1"),
                none.clone(),
                400,
                "Failed to deserialize query string: limit: invalid digit found in string",
            ),
            ("GET", &format!("{DATABASE}/collections_count"), none.clone(), 200, "6"),
            ("PUT", &collection_path("/cc1"), json!({}), 400, "Collection ID is not a valid UUIDv4"),
            ("DELETE", &collection_path("/cc1"), none.clone(), 200, "{}"),
            ("DELETE", &collection_path("/cc1"), none.clone(), 404, "Collection [cc1] does not exist"),
        ],
    );
    let listed = server.get(&all).json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let cc2 = listed.as_array().unwrap().iter().find(|one| one["name"] == "cc2").unwrap()["id"].as_str().unwrap();
    let cc2 = collection_path(&format!("/{cc2}"));
    table(
        &server,
        &[
            ("PUT", &cc2, json!({}), 200, "{}"),
            ("PUT", &cc2, json!({"new_name": "cc3"}), 409, "Collection [cc3] already exists"),
            ("PUT", &cc2, json!({"new_metadata": {}}), 400, "Metadata cannot be empty"),
            ("PUT", &cc2, json!({"new_metadata": {"b": 2, "c": null}, "new_name": "cc2b"}), 200, "{}"),
            ("PUT", &cc2, json!({"new_configuration": {"hnsw": {"space": "ip"}}}), 422, "cannot be changed"),
            ("GET", &collection_path("/cc2b"), none.clone(), 200, "\"metadata\":{\"b\":2}"),
            ("GET", &format!("{cc2}/fork_count"), none.clone(), 200, "{\"count\":0}"),
            ("POST", &format!("{cc2}/fork"), json!({"new_name": "cc2c"}), 200, "\"name\":\"cc2c\""),
            ("POST", &format!("{cc2}/fork"), json!({"new_name": "cc2c"}), 409, "already exists"),
            ("GET", &format!("{cc2}/indexing_status"), none.clone(), 200, "\"num_unindexed_ops\":0"),
            ("POST", &format!("{cc2}/functions/attach"), json!({}), 501, ""),
        ],
    );
}

#[test]
fn records() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    let of = |rest: &str| format!("{notes}{rest}");
    let (add, update, upsert, delete, get, query) =
        (of("/add"), of("/update"), of("/upsert"), of("/delete"), of("/get"), of("/query"));
    let none = Json::Null;
    table(
        &server,
        &[
            ("POST", &add, json!({"ids": [], "embeddings": []}), 201, "{}"),
            (
                "POST",
                &add,
                json!({"ids": ["a", "b"], "embeddings": [[1, 0], [0, 1]], "documents": ["one", null],
            "metadatas": [{"n": 1, "s": "x", "l": ["p"]}, null], "uris": [null, "file:///b"]}),
                201,
                "{}",
            ),
            ("POST", &add, json!({"ids": ["a", "c"], "embeddings": [[5, 5], [3, 4]]}), 201, "{}"),
            ("POST", &add, json!({"ids": ["d"]}), 422, "missing field `embeddings` at line 1 column 13"),
            ("POST", &add, json!({"ids": ["d"], "embeddings": null}), 422, ""),
            (
                "POST",
                &add,
                json!({"ids": ["d"], "embeddings": [[1, 2, 3]]}),
                400,
                "Collection expecting embedding with dimension of 2, got 3",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["d", "e"], "embeddings": [[1, 2], [1, 2, 3]]}),
                400,
                "Inconsistent dimensions in provided embeddings",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["d", "e"], "embeddings": [[1, 2]]}),
                400,
                "Inconsistent number of IDs, embeddings, documents, URIs and metadatas",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["d"], "embeddings": [[]]}),
                400,
                "Each embedding must have at least 1 dimension",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["d"], "embeddings": [[1e39, 0]]}),
                400,
                "Embeddings must not contain NaN or Infinity values",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["d"], "embeddings": ["AADAfwAAAAA="]}),
                400,
                "Non-finite float value at embedding index 0: NaN",
            ),
            ("POST", &add, json!({"ids": ["d"], "embeddings": ["?"]}), 400, "Invalid base64 string"),
            ("POST", &add, json!({"ids": ["d"], "embeddings": ["AACAPwAAAEA="]}), 201, "{}"),
            (
                "POST",
                &add,
                json!({"ids": [""], "embeddings": [[1, 2]]}),
                400,
                "Empty ID, ID must have at least one character",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["e"], "embeddings": [[1, 2]], "metadatas": [{"l": {"a": 1}}]}),
                422,
                "metadatas[0].l: data did not match any variant of untagged enum MetadataValue",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["e"], "embeddings": [[1, 2]], "metadatas": [{"l": null}]}),
                422,
                "metadatas[0].l: data did not match",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["e"], "embeddings": [[1, 2]], "metadatas": [{"#l": 1}]}),
                400,
                "Validation error: metadatas: Invalid metadata at index 0",
            ),
            (
                "POST",
                &add,
                json!({"ids": ["e"], "embeddings": [[1, 2]], "metadatas": [{"v": {"#type": "sparse_vector", "indices": [1, 7], "values": [0.5, 1.5]}}]}),
                201,
                "{}",
            ),
            ("GET", &of("/count"), none.clone(), 200, "5"),
            ("GET", &of("/count?read_level=index_only"), none.clone(), 200, "5"),
            ("GET", &of("/count?read_level=x"), none.clone(), 400, "read_level"),
            (
                "POST",
                &get,
                json!({"ids": ["d", "a", "x"], "include": ["embeddings"]}),
                200,
                r#"{"ids":["a","d"],"embeddings":[[1.0,0.0],[1.0,2.0]],"documents":null,"uris":null,"metadatas":null,"include":["embeddings"]}"#,
            ),
            (
                "POST",
                &get,
                json!({"ids": ["a", "b"], "include": ["uris", "metadatas", "documents"]}),
                200,
                r#""documents":["one",null],"uris":[null,"file:///b"],"metadatas":[{"l":["p"],"n":1,"s":"x"},null],"include":["uris","metadatas","documents"]"#,
            ),
            ("POST", &get, json!({}), 200, r#""include":["documents","metadatas"]"#),
            ("POST", &get, json!({"ids": []}), 200, r#"{"ids":[],"#),
            ("POST", &get, json!({"limit": 0}), 200, r#"{"ids":[],"#),
            ("POST", &get, json!({"limit": 1, "offset": 1}), 200, r#"{"ids":["b"],"#),
            ("POST", &get, json!({"limit": -1}), 422, "limit: invalid value: integer `-1`, expected u32"),
            (
                "POST",
                &get,
                json!({"include": ["foo"]}),
                422,
                "include[0]: unknown variant `foo`, expected one of `distances`, `documents`, `embeddings`, `metadatas`, `uris`",
            ),
            ("POST", &get, json!({"include": ["distances"]}), 200, ""),
            ("POST", &get, json!({"where": {}}), 400, "Invalid where clause"),
            ("POST", &get, json!({"where": {"s": {"$gt": "a"}}}), 400, "Invalid where clause"),
            ("POST", &get, json!({"where": "s = 'x'"}), 400, "Invalid where clause"),
            ("POST", &get, json!({"where": [1]}), 400, "Invalid where clause"),
            ("POST", &get, json!({"where_document": {"$like": "x"}}), 400, "Invalid where document clause"),
            ("POST", &get, json!({"where_document": "one"}), 400, "Invalid where document clause"),
            ("POST", &get, json!({"where_document": {"$regex": "("}}), 400, "Regex syntax errror: regex parse error"),
            (
                "POST",
                &get,
                json!({"where": {"n": {"$gte": 0.5}}, "where_document": {"$contains": "on"}}),
                200,
                r#"{"ids":["a"],"#,
            ),
            (
                "POST",
                &update,
                json!({"ids": ["a", "ghost"], "documents": ["uno", "x"], "metadatas": [{"s": null, "t": 2}, null]}),
                200,
                "{}",
            ),
            (
                "POST",
                &get,
                json!({"ids": ["a", "ghost"]}),
                200,
                r#""documents":["uno"],"uris":null,"metadatas":[{"l":["p"],"n":1,"t":2}]"#,
            ),
            (
                "POST",
                &upsert,
                json!({"ids": ["f"], "embeddings": [[0.5, 0.5]], "metadatas": [{"a": null, "b": 1}]}),
                200,
                "{}",
            ),
            ("POST", &upsert, json!({"ids": ["f"], "embeddings": [[0.5, 0.25]], "metadatas": [{"c": 2}]}), 200, "{}"),
            ("POST", &get, json!({"ids": ["f"]}), 200, r#""metadatas":[{"b":1,"c":2}]"#),
            (
                "POST",
                &query,
                json!({"query_embeddings": [[1, 0]], "n_results": 2}),
                200,
                r#""ids":[["a","f"]],"embeddings":null,"documents":[["uno",null]],"uris":null,"metadatas":[[{"l":["p"],"n":1,"t":2},{"b":1,"c":2}]],"distances":[[0.0,0.3125]],"include":["documents","metadatas","distances"]"#,
            ),
            ("POST", &query, json!({}), 422, "missing field `query_embeddings` at line 1 column 2"),
            ("POST", &query, json!({"query_embeddings": []}), 200, r#"{"ids":[],"#),
            ("POST", &query, json!({"query_embeddings": [[1, 0]], "n_results": 0}), 200, r#"{"ids":[[]],"#),
            ("POST", &query, json!({"query_embeddings": [[1, 0]], "n_results": -1}), 422, ""),
            (
                "POST",
                &query,
                json!({"query_embeddings": [[1, 0, 0]]}),
                400,
                "Collection expecting embedding with dimension of 2, got 3",
            ),
            ("POST", &query, json!({"query_embeddings": [[1e39, 0]]}), 400, "NaN or Infinity"),
            (
                "POST",
                &query,
                json!({"query_embeddings": [[1, 0]], "ids": ["b", "f", "b"]}),
                200,
                r#"{"ids":[["f","b"]],"#,
            ),
            ("POST", &query, json!({"query_embeddings": [[1, 0]], "ids": []}), 200, r#"{"ids":[[]],"#),
            (
                "POST",
                &query,
                json!({"query_embeddings": [[1, 0]], "ids": ["b", "ghost"]}),
                500,
                "Error executing plan: Internal error: Error finding id",
            ),
            (
                "POST",
                &query,
                json!({"query_embeddings": [[1, 0]], "ids": ["b", "ghost"], "where": {"n": {"$ne": 7}}}),
                200,
                r#"{"ids":[["b"]],"#,
            ),
            ("POST", &query, json!({"query_texts": ["a"]}), 400, "model"),
            (
                "POST",
                &of("/search"),
                json!({"searches": [{"rank": {"$knn": {"query": [1, 0], "limit": 2}}, "select": {"keys": ["#score"]}}]}),
                200,
                r#""ids":[["a","f"]]"#,
            ),
            (
                "POST",
                &of("/search"),
                json!({"searches": [{"filter": {"b": 1}, "select": {"keys": ["c"]}}]}),
                200,
                r#"{"c":2}"#,
            ),
            ("POST", &of("/search"), json!({}), 400, "searches"),
            ("POST", &delete, json!({}), 200, r#"{"deleted":0}"#),
            (
                "POST",
                &delete,
                json!({"ids": []}),
                400,
                "Validation error: ids, where: Either ids or where must be specified",
            ),
            (
                "POST",
                &delete,
                json!({"ids": ["a"], "limit": 1}),
                400,
                "limit can only be specified when a where clause is provided",
            ),
            ("POST", &delete, json!({"ids": ["b", "ghost"]}), 200, r#"{"deleted":1}"#),
            ("POST", &delete, json!({"where": {"n": {"$ne": 1}}, "limit": 0}), 200, r#"{"deleted":0}"#),
            ("POST", &delete, json!({"where": {"n": {"$ne": 1}}, "limit": 1}), 200, r#"{"deleted":1}"#),
            ("GET", &of("/count"), none.clone(), 200, "4"),
        ],
    );
    let described = server.get(&collection_path("/notes")).json();
    assert_eq!(described["dimension"], 2);
    let keys: Vec<&String> = described["schema"]["keys"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["#document", "#embedding", "b", "c", "l", "n", "t"]);
    assert!(described["version"].as_u64().unwrap() > 5);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bodies_as_chroma_takes_them() {
    let server = Running::start(&["--max-body", "1"]);
    let get = format!("{}/get", server.collection("notes"));
    let json = ("content-type", "application/json");
    let packed = gzip(b"{}");
    let bomb = gzip(&vec![b' '; 8 << 20]);
    let large = vec![b' '; (1 << 20) + 1];
    for (headers, body, status, part) in [
        (&[][..], &b"{}"[..], 200, ""),
        (&[json], b"{}", 200, ""),
        (&[("content-type", "application/json; charset=utf-8")], b"{}", 200, ""),
        (&[("content-type", "text/plain")], b"{}", 415, "Expected request with `Content-Type: application/json`"),
        (
            &[json],
            b"{",
            400,
            "Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1",
        ),
        (&[json], b"{\"limit\": NaN}", 400, "Failed to parse the request body as JSON"),
        (&[json], b"\xff", 400, "Failed to parse the request body as JSON"),
        (&[json], b"{} {}", 400, "Failed to parse the request body as JSON"),
        (&[json], b"{\"limit\":1,\"limit\":2}", 422, "duplicate field `limit`"),
        (&[json], b"{\"where\":{\"a\":1},\"more\":[]}", 200, ""),
        (&[json, ("content-encoding", "gzip")], &packed, 200, ""),
        (&[json, ("content-encoding", "gzip")], b"{}", 400, "not gzip"),
        (&[json, ("content-encoding", "gzip")], &bomb, 413, "Payload too large"),
        (&[json, ("content-encoding", "br")], b"{}", 415, ""),
        (&[json], &large, 413, "Payload too large"),
    ] {
        let answer = server.send("POST", &get, headers, body);
        assert_eq!(answer.status, status, "{headers:?} {:?}: {}", body.get(..20), answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
        check_form(&answer, "body");
    }
}

#[test]
fn a_collection_is_found_in_its_own_database_alone() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    server.post("/api/v2/tenants", &json!({"name": "acme"}));
    server.post("/api/v2/tenants/acme/databases", &json!({"name": "main"}));
    let row = json!({"ids": ["a"], "embeddings": [[1, 0]]});
    assert_eq!(server.post(&format!("{notes}/add"), &row).status, 201);
    for place in [
        "/api/v2/tenants/acme/databases/main",
        "/api/v2/tenants/acme/databases/none",
        "/api/v2/tenants/none/databases/main",
    ] {
        let foreign = notes.replace(DATABASE, place);
        for (method, rest, body) in [
            ("POST", "/get", json!({})),
            ("POST", "/query", json!({"query_embeddings": [[1, 0]]})),
            ("POST", "/search", json!({"searches": []})),
            ("POST", "/add", json!({"ids": ["b"], "embeddings": [[1, 0]]})),
            ("POST", "/upsert", json!({"ids": ["b"], "embeddings": [[1, 0]]})),
            ("POST", "/update", json!({"ids": ["a"], "documents": ["x"]})),
            ("POST", "/delete", json!({"ids": ["a"]})),
            ("POST", "/fork", json!({"new_name": "stolen"})),
            ("GET", "/count", Json::Null),
            ("GET", "/indexing_status", Json::Null),
            ("PUT", "", json!({"new_name": "stolen"})),
        ] {
            let answer = server.request(method, &format!("{foreign}{rest}"), &body);
            assert_eq!(answer.status, 404, "{method} {foreign}{rest}: {}", answer.text);
        }
        let by_id = foreign.replace("/collections/", "/collections/by-id/");
        assert_eq!(server.get(&by_id).status, 404);
    }
    assert_eq!(server.get(&format!("{notes}/count")).text, "1");
}

#[test]
fn a_schema_that_disables_a_key_is_heeded() {
    let server = Running::start(&[]);
    let schema = json!({"keys": {"secret": {"string": {"string_inverted_index": {"enabled": false, "config": {}}}}}});
    let made = server.post(&collection_path(""), &json!({"name": "notes", "schema": schema})).json();
    let get = collection_path(&format!("/{}/get", made["id"].as_str().unwrap()));
    table(
        &server,
        &[
            (
                "POST",
                &get,
                json!({"where": {"secret": "x"}}),
                400,
                "Cannot filter using metadata key 'secret' with type 'Str' because indexing is disabled",
            ),
            ("POST", &get, json!({"where": {"secret": {"$ne": "x"}}}), 400, "indexing is disabled"),
            ("POST", &get, json!({"where": {"secret": 1}}), 200, ""),
        ],
    );
}

#[test]
fn texts_are_embedded_by_a_model_of_huedb() {
    let server = Running::start(&[]);
    server.ok(&["create", "notes", "--model", "hash-16"]);
    let notes = collection_path(&format!("/{}", server.get(&collection_path("/notes")).json()["id"].as_str().unwrap()));
    let of = |rest: &str| format!("{notes}{rest}");
    let words = "words that only this one has";
    table(
        &server,
        &[
            ("POST", &of("/add"), json!({"ids": ["a", "b"], "documents": ["a red fox", words]}), 201, "{}"),
            ("POST", &of("/update"), json!({"ids": ["a"], "documents": ["a blue whale"]}), 200, "{}"),
            (
                "POST",
                &of("/query"),
                json!({"query_texts": ["a blue whale", words], "n_results": 1}),
                200,
                r#"{"ids":[["a"],["b"]],"#,
            ),
            ("POST", &of("/query"), json!({"query_texts": ["a"], "query_embeddings": [[1]]}), 400, "give one"),
            (
                "POST",
                &of("/search"),
                json!({"searches": [{"rank": {"$knn": {"query": words, "limit": 1}}}]}),
                200,
                r#"[["b"]]"#,
            ),
        ],
    );
    // The command sees the same.
    assert_eq!(server.ok(&["query", "notes", words, "-n", "1", "-o", "ids"]), "b\n");
}

#[test]
fn a_collection_of_chromas_default_function_is_asked_by_text() {
    let server = Running::start(&[]);
    let function = json!({"type": "known", "name": "default", "config": {}});
    let made =
        server.post(&collection_path(""), &json!({"name": "notes", "configuration": {"embedding_function": function}}));
    let notes = collection_path(&format!("/{}", made.json()["id"].as_str().unwrap()));
    let texts = ["a fox hunts at night", "the tax office opens at nine"];
    let vectors: Vec<Json> = texts
        .iter()
        .map(|text| serde_json::from_str::<Json>(&server.ok(&["embed", text, "-o", "json"])).unwrap())
        .map(|said| said[0]["embedding"].clone())
        .collect();
    let row = json!({"ids": ["fox", "tax"], "embeddings": vectors, "documents": texts});
    let added = server.post(&format!("{notes}/add"), &row);
    assert_eq!(added.status, 201, "{}", added.text);
    let answer =
        server.post(&format!("{notes}/query"), &json!({"query_texts": ["when can I pay my taxes"], "n_results": 1}));
    assert_eq!(answer.json()["ids"], json!([["tax"]]), "{}", answer.text);
    let output = server.command(&["query", "notes", "an animal in the dark", "-n", "1", "-o", "ids"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "fox\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Chroma's default function"), "{said}");
}

#[test]
fn routes_of_our_own() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    let own = notes.replace("/api/v2", "/huedb/v1");
    let lines: String = (0..300)
        .map(|n| {
            format!(
                "{}\n",
                json!({"id": format!("r{n}"), "embedding": [n, 1], "document": "x", "metadata": {"n": n % 3}})
            )
        })
        .collect();
    let imported =
        server.send("POST", &format!("{own}/import"), &[("content-type", "application/jsonl")], lines.as_bytes());
    assert_eq!(imported.status, 200, "{}", imported.text);
    assert_eq!(imported.json()["added"], 300);
    let bad = server.send("POST", &format!("{own}/import"), &[], b"{\"id\":\"x\",\"embedding\":[1]}\n");
    assert_eq!(bad.status, 400, "{}", bad.text);
    let exported = server.get(&format!("{own}/export?where=n%20%3D%202")).text;
    assert_eq!(exported.lines().count(), 100);
    let first: Json = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({"id": "r2", "document": "x", "uri": null, "metadata": {"n": 2}, "embedding": [2.0, 1.0]}));
    let distinct = server.get(&format!("{own}/distinct?key=n")).json();
    assert_eq!(distinct[0], json!({"value": 0, "type": "number", "count": 100}));
    assert_eq!(server.get(&format!("{own}/keys")).json()[0]["distinct"], 3);
    assert_eq!(server.get(&format!("{own}/stats")).json()["records"], 300);
    let built = server.post(&format!("{own}/index"), &Json::Null).text;
    assert!(built.lines().last().unwrap().contains("\"built\":true"), "{built}");
    let copy = server.path("copy.redb");
    let mut response = ureq::get(format!("http://{}/huedb/v1/backup", server.address)).call().unwrap();
    std::fs::write(&copy, response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap()).unwrap();
    let counted = crate::running::huedb(&copy).args(["count", "notes"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&counted.stdout).trim(), "300");
    let left = std::fs::read_dir(server.db().parent().unwrap()).unwrap();
    let left: Vec<_> = left
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(".huedb"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn everything_is_removed_where_that_is_allowed() {
    let server = Running::start(&["--allow-reset"]);
    server.collection("notes");
    assert_eq!(server.post("/api/v2/reset", &Json::Null).text, "true");
    assert_eq!(server.get(&format!("{DATABASE}/collections_count")).text, "0");
}
