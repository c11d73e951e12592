//! The protocol, as rmcp speaks it, in front of whoever does the work.
//!
//! Invariant: nothing here waits for the file; what does is handed to a [`Worker`].

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, ServerCapabilities, ServerConfig,
    Tool as Described,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value as Json;

use super::answer::{Request, Response};
use super::catalogue::Offer;
use super::resource::TEMPLATE;
use super::tool::Tool;

const JSON: &str = "application/json";

/// What a model is told before it is told of the tools.
const INSTRUCTIONS: &str = "\
huedb keeps collections of records: an id, a text, a uri, metadata, and an embedding that searches go by. Begin with \
list_collections, then describe_collection, then search; answer from what the hits say and name their ids or uris.

Filters: year >= 2020 and lang in (\"en\", \"de\"); not draft = true; tags contains \"red\"; #document contains \"whale\"; \
#document ~ \"(?i)whales?\"; #id in (\"a\", \"b\"). Keys are metadata keys, <, <=, > and >= compare numbers, a key with other \
characters than letters, digits, _, . and - stands in backticks.

What an answer leaves out for its size stands in its notes, with how to read on.";

/// Does what a session wants done, on a thread that may wait.
pub trait Worker: Send + Sync + 'static {
    /// Answers a request.
    fn work(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// One client's session.
pub struct Session<W> {
    worker: W,
    offer: Offer,
}

impl<W: Worker> Session<W> {
    /// Begins a session that offers these tools.
    pub fn new(worker: W, offer: Offer) -> Self {
        Self { worker, offer }
    }

    /// Has a resource read or listed; of one that is not there the client is told as of a fault of its own.
    async fn resource(&self, request: Request) -> Result<Json, ErrorData> {
        match self.worker.work(request).await {
            Response::Done(answer) => Ok(answer),
            Response::Failed(why) | Response::Unknown(why) => Err(ErrorData::resource_not_found(why, None)),
        }
    }
}

impl<W: Worker> ServerHandler for Session<W> {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("huedb", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Described> {
        Tool::offered(name, self.offer).map(Tool::described)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(Tool::all_offered(self.offer).map(Tool::described).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = request.name.into_owned();
        let arguments = request.arguments.unwrap_or_default();
        match self.worker.work(Request::Call { tool, arguments }).await {
            Response::Done(answer) => Ok(CallToolResult::structured(answer).into()),
            // The model reads it and does better.
            Response::Failed(why) => Ok(CallToolResult::error(vec![ContentBlock::text(why)]).into()),
            Response::Unknown(why) => Err(ErrorData::invalid_params(why, None)),
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let after = request.and_then(|request| request.cursor);
        let answer = self.resource(Request::Resources { after }).await?;
        let text = |json: &Json, key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let resource = |json: &Json| Resource::new(text(json, "uri"), text(json, "name")).with_mime_type(JSON);
        let found = answer.get("resources").and_then(Json::as_array).into_iter().flatten();
        let mut list = ListResourcesResult::with_all_items(found.map(resource).collect());
        if answer.get("more") == Some(&Json::Bool(true)) {
            list.next_cursor = list.resources.last().map(|last| last.name.clone());
        }
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let record = ResourceTemplate::new(TEMPLATE, "record")
            .with_description("A record of a collection: its text, uri and metadata; the id is percent-encoded")
            .with_mime_type(JSON);
        Ok(ListResourceTemplatesResult::with_all_items(vec![record]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let answer = self.resource(Request::Read { uri: request.uri.clone() }).await?;
        let contents = ResourceContents::text(answer.to_string(), request.uri).with_mime_type(JSON);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
