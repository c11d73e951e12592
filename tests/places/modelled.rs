//! The random operations of the model on PostgreSQL, in one piece and in shards, and on a server, compared with the contract in plain memory.

use std::sync::Arc;
use std::time::Duration;

use huedb::backend::{Backend, PostgresBackend, ServerBackend, Shards};
use huedb::input::ServerOptions;
use huedb::record::Scope;
use huedb::serve::{ServeOptions, Server};
use huedb::store::{Access, Store};
use tempfile::TempDir;

use crate::model::place::ModelPlace;
use crate::model::{OPERATIONS, every_operation_does_what_the_contract_says};
use crate::open::options;
use crate::postgres_server::Postgres;

struct PostgresPlace(String);

impl ModelPlace for PostgresPlace {
    fn holds_all(&self) -> bool {
        false
    }

    fn open(&mut self, scope: Scope) -> Arc<dyn Backend> {
        Arc::new(PostgresBackend::connect(&self.0, scope, Duration::from_secs(30)).unwrap())
    }
}

/// Collections of three shards on two servers.
struct SpreadPlace {
    address: String,
    servers: Vec<String>,
}

impl ModelPlace for SpreadPlace {
    fn holds_all(&self) -> bool {
        false
    }

    fn open(&mut self, scope: Scope) -> Arc<dyn Backend> {
        let shards = Shards::new(Some(3), self.servers.clone()).unwrap();
        let place = PostgresBackend::connect(&self.address, scope, Duration::from_secs(30)).unwrap();
        place.spread_over(shards).unwrap()
    }
}

struct ServerPlace {
    server: Server,
    _folder: TempDir,
}

impl ServerPlace {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open_with(folder.path().join("served.redb"), Access::Create, &options()).unwrap();
        let server = Server::start(store, "127.0.0.1:0".parse().unwrap(), ServeOptions::of_process().unwrap());
        Self { server: server.unwrap(), _folder: folder }
    }
}

impl ModelPlace for ServerPlace {
    fn open(&mut self, scope: Scope) -> Arc<dyn Backend> {
        let address = format!("http://{}", self.server.address());
        Arc::new(ServerBackend::connect(&address, scope, &ServerOptions::default()).unwrap())
    }
}

#[test]
fn every_operation_on_postgresql_does_what_the_contract_says() {
    let test = "every_operation_on_postgresql_does_what_the_contract_says";
    let Some(server) = Postgres::shared(test) else { return };
    every_operation_does_what_the_contract_says(OPERATIONS, || Box::new(PostgresPlace(server.database())));
}

#[test]
fn every_operation_on_shards_does_what_the_contract_says() {
    let test = "every_operation_on_shards_does_what_the_contract_says";
    let Some(server) = Postgres::shared(test) else { return };
    let servers = || vec![server.database(), server.database()];
    // Each write is some twenty messages between servers.
    every_operation_does_what_the_contract_says(OPERATIONS / 5, || {
        Box::new(SpreadPlace { address: server.database(), servers: servers() })
    });
}

#[test]
fn every_operation_on_a_server_does_what_the_contract_says() {
    every_operation_does_what_the_contract_says(OPERATIONS, || Box::new(ServerPlace::new()));
}
