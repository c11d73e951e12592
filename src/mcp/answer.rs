//! One request of a session, answered from a catalogue.
//!
//! Both are plain data, so that a server hands them to its own threads. Invariant: whatever is sent is answered.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::catalogue::{Catalogue, Refusal};
use super::told::{Told, told};
use super::tool::{NoInput, Tool};
use super::{read, resource, write};

/// What a session wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// A tool, with its arguments.
    Call {
        /// Its name.
        tool: String,
        /// What it is given.
        arguments: Map<String, Json>,
    },
    /// The collections, as resources.
    Resources {
        /// The last one that was listed before.
        after: Option<String>,
    },
    /// A resource.
    Read {
        /// Its address, `huedb://COLLECTION` or `huedb://COLLECTION/ID`.
        uri: String,
    },
}

impl Request {
    /// Returns the name of the collection that it is about.
    #[must_use]
    pub fn collection(&self) -> Option<&str> {
        match self {
            Self::Call { arguments, .. } => arguments.get("collection")?.as_str(),
            Self::Resources { .. } => None,
            Self::Read { uri } => uri.strip_prefix(resource::SCHEME)?.split('/').next(),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The answer.
    Done(Json),
    /// It was not done, with what a model is told.
    Failed(String),
    /// There is no such tool or resource.
    Unknown(String),
}

impl Response {
    /// Returns how many records were read or written.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        let Self::Done(answer) = self else { return None };
        let read = ["hits", "records"].iter().find_map(|key| Some(answer.get(key)?.as_array()?.len() as u64));
        read.or_else(|| ["added", "updated", "deleted"].iter().find_map(|key| answer.get(key)?.as_u64()))
    }
}

/// Answers a request.
#[must_use]
pub fn answer(catalogue: &dyn Catalogue, request: Request) -> Response {
    let told = match request {
        Request::Call { tool, arguments } => {
            let Some(tool) = Tool::offered(&tool, catalogue.offer()) else {
                let known: Vec<_> = Tool::all_offered(catalogue.offer()).map(Tool::as_str).collect();
                return Response::Unknown(format!("no tool is named {tool:?}; there are {}", known.join(", ")));
            };
            call(catalogue, tool, arguments)
        }
        Request::Resources { after } => resource::list(catalogue, after.as_deref()),
        Request::Read { uri } => {
            let Some(address) = resource::Address::parse(&uri) else {
                return Response::Unknown(format!("{uri} is not huedb://COLLECTION or huedb://COLLECTION/ID"));
            };
            address.read(catalogue)
        }
    };
    match told {
        Ok(answer) => Response::Done(answer),
        Err(Refusal(why)) => Response::Failed(why),
    }
}

fn call(catalogue: &dyn Catalogue, tool: Tool, arguments: Map<String, Json>) -> Told {
    match tool {
        Tool::ListCollections => read_input(arguments).and_then(|NoInput {}| read::list(catalogue)),
        Tool::DescribeCollection => read::describe(catalogue, &read_input(arguments)?),
        Tool::Search => read::search(catalogue, read_input(arguments)?),
        Tool::Get => read::get(catalogue, read_input(arguments)?),
        Tool::Add => write::add(catalogue, read_input(arguments)?),
        Tool::Update => write::update(catalogue, read_input(arguments)?),
        Tool::Delete => write::delete(catalogue, read_input(arguments)?),
        Tool::Sync => {
            let said = catalogue.sync(&read_input(arguments)?)?;
            told(Json::from_iter([("said", said)]), Vec::new())
        }
    }
}

fn read_input<T: DeserializeOwned>(arguments: Map<String, Json>) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Json::Object(arguments)).map_err(|error| Refusal(error.to_string()))
}
