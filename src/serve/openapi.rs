//! `/openapi.json`: made of the table of routes and of the shapes that bodies are read into.

use serde_json::{Map, Value as Json, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::access::{Action, Level};
use super::call::{Kind, Route, Shape};
use super::tenants::{NameBody, TenantBody};
use super::visitor::EnterBody;
use super::wire::collection::{CollectionReply, CreateBody, ForkBody, ModifyBody};
use super::wire::record::{DeleteBody, DeleteReply, GetBody, GetReply, QueryBody, QueryReply, WriteBody};
use crate::record::Scope;

/// Returns the description of these routes.
pub(super) fn describe(routes: &[Route]) -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for route in routes.iter().filter(|route| route.action != Action::Gone) {
        let of_path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(of_path) = of_path.as_object_mut() {
            of_path.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "huedb",
            "description": "Chroma's API v2 over one file, and huedb's own routes under /huedb/v1.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Chroma-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

fn operation(route: &Route) -> Json {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
        let example = match name {
            "tenant" => Scope::DEFAULT_TENANT,
            "database" => Scope::DEFAULT_DATABASE,
            _ => return parameter,
        };
        if let Some(parameter) = parameter.as_object_mut() {
            parameter.insert("example".into(), example.into());
        }
        parameter
    };
    let mut parameters: Vec<Json> = names.map(parameter).collect();
    for name in query_parameters(route) {
        let shape = if is_count(name) {
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})
        } else {
            json!({"type": "string"})
        };
        parameters.push(json!({"name": name, "in": "query", "required": false, "schema": shape}));
    }
    let status = if route.action == Action::Add { "201" } else { "200" };
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.doc.summary,
        "parameters": parameters,
        "responses": {
            status: {"description": "done", "content": content(route.doc.response, kind_of_answer(route))},
            "4XX": {"description": "refused", "content": error_content()},
            "5XX": {"description": "failed", "content": error_content()},
        },
    });
    if let Some(object) = operation.as_object_mut() {
        object.insert("x-action".into(), route.action.name().into());
        if route.action.level() != Level::Public {
            // Needed where the file has tokens.
            object.insert("security".into(), json!([{"token": []}, {"bearer": []}]));
        }
        if route.kind == Kind::Upload {
            let body = json!({"required": true, "content": {"application/jsonl": {"schema": {"type": "string"}}}});
            object.insert("requestBody".into(), body);
        } else if route.doc.request.is_some() {
            let body = json!({"required": true, "content": content(route.doc.request, "application/json")});
            object.insert("requestBody".into(), body);
        }
    }
    operation
}

/// What a route reads behind the question mark.
fn query_parameters(route: &Route) -> &'static [&'static str] {
    match route.path.rsplit('/').next().unwrap_or_default() {
        "databases" | "collections" if route.method == axum::http::Method::GET => &["limit", "offset"],
        "count" => &["read_level"],
        "stats" => &["where", "sample", "seed"],
        "map" => &["where", "sample", "seed", "key"],
        "distinct" => &["key", "where"],
        "keys" | "export" | "where" => &["where"],
        "import" => &["mode"],
        _ => &[],
    }
}

fn is_count(name: &str) -> bool {
    matches!(name, "limit" | "offset" | "sample" | "seed")
}

fn operation_id(route: &Route) -> String {
    // The API itself has an empty name.
    let named = if route.path == "/" { "/page" } else { route.path };
    let path = named.trim_start_matches("/api/v2").replace(['{', '}', '*'], "");
    let words = path.split(['/', '-', '.']).filter(|word| !word.is_empty());
    format!("{}_{}", route.method.as_str().to_lowercase(), words.collect::<Vec<_>>().join("_"))
}

fn kind_of_answer(route: &Route) -> &'static str {
    match route.path.rsplit('/').next() {
        Some("") => "text/html",
        Some("{file}") => "*/*",
        Some("backup") => "application/vnd.huedb",
        Some("metrics") => "application/openmetrics-text",
        Some("export" | "index" | "clusters") => "application/jsonl",
        _ => "application/json",
    }
}

fn content(shape: Shape, kind: &str) -> Json {
    let Some((name, example)) = shape else { return json!({kind: {"schema": {}}}) };
    let mut media = json!({"schema": reference(name)});
    if let (Some(object), example) = (media.as_object_mut(), example())
        && !example.is_null()
    {
        object.insert("example".into(), example);
    }
    json!({ kind: media })
}

fn error_content() -> Json {
    json!({"application/json": {"schema": reference("Error")}})
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn schemas() -> Json {
    let mut named: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<NameBody>(&mut named);
    add::<TenantBody>(&mut named);
    add::<EnterBody>(&mut named);
    add::<CreateBody>(&mut named);
    add::<ModifyBody>(&mut named);
    add::<ForkBody>(&mut named);
    add::<CollectionReply>(&mut named);
    add::<WriteBody>(&mut named);
    add::<GetBody>(&mut named);
    add::<GetReply>(&mut named);
    add::<DeleteBody>(&mut named);
    add::<DeleteReply>(&mut named);
    add::<QueryBody>(&mut named);
    add::<QueryReply>(&mut named);
    let mut schemas = Map::new();
    for (name, schema) in named {
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    schemas.insert(
        "SearchBody".into(),
        json!({
            "type": "object", "required": ["searches"],
            "properties": {"searches": {"type": "array", "items": {"type": "object"}}},
        }),
    );
    schemas.insert(
        "AskedBody".into(),
        json!({"type": "object", "required": ["what"], "properties": {"only": {"type": "object"}, "what": {}}}),
    );
    schemas.insert("MakeBody".into(), json!({"type": "object"}));
    schemas.insert(
        "Error".into(),
        json!({
            "type": "object", "required": ["error", "message"],
            "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
        }),
    );
    Json::Object(schemas)
}

fn add<T: ToSchema + PartialSchema>(named: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(named);
    named.push((T::name().into_owned(), T::schema()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::routes::ALL;

    #[test]
    fn every_shape_that_is_named_is_described() {
        let description = describe(ALL);
        let text = description.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name: String = reference.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(description.pointer(&format!("/components/schemas/{name}")).is_some(), "{name}");
        }
        let ids: Vec<&str> =
            text.split("\"operationId\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{ids:?}");
    }
}
