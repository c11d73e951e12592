//! Other PostgreSQL servers that have shards: how this database reaches them, and how they are reached from here.
//!
//! This database knows them as foreign servers of `postgres_fdw`, through which rows are read and written. Tables and indexes
//! are made over connections of our own, by the same address. Invariant: a server is called by where it is, so that
//! collections share it.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use postgres::Client;
use postgres::config::Host;
use sha2::{Digest as _, Sha256};

use super::connect::Connector;
use super::fault::{Done, Fault};
use super::layout::FarTable;
use super::pool::Session;
use crate::backend::Place;
use crate::error::Error;
use crate::record::hexadecimal;

/// Parameters of an address that `postgres_fdw` understands as well.
const PASSED_ON: [&str; 4] = ["connect_timeout", "sslmode", "sslrootcert", "target_session_attrs"];
/// What is written as %XX in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How many candidates a graph on a shard looks at: no search can say so to another server.
const EF_SEARCH: usize = 200;
/// Rows read from a shard at once: what is read too much where a limit cannot be sent along stays small.
const ROWS_AT_ONCE: usize = 500;
/// Rows written to a shard at once.
const ROWS_WRITTEN: usize = 1000;

/// Makes a server known to this database by its address; returns the name it is known by.
pub(super) fn make(session: &mut Session, address: &str) -> Done<String> {
    let (name, options, user) = described(address)?;
    let hnsw = format!(
        "-c hnsw.iterative_scan=strict_order -c hnsw.ef_search={EF_SEARCH} -c hnsw.max_scan_tuples=200000 \
         -c hnsw.scan_mem_multiplier=4"
    );
    let sql = format!(
        "create extension if not exists postgres_fdw;
         create server if not exists {name} foreign data wrapper postgres_fdw options ({}, extensions 'vector',
           async_capable 'true', fetch_size '{ROWS_AT_ONCE}', batch_size '{ROWS_WRITTEN}', options '{hnsw}');
         drop user mapping if exists for current_user server {name};
         create user mapping for current_user server {name} options ({})",
        listed(&options),
        listed(&user)
    );
    session.client().batch_execute(&sql)?;
    Ok(name)
}

/// Reads an address: the name of its server, and the options of server and user that `postgres_fdw` takes.
#[expect(clippy::type_complexity, reason = "a name and two lists of options")]
fn described(address: &str) -> Done<(String, Vec<(&str, String)>, Vec<(&str, String)>)> {
    let connector = Connector::parse(address)?;
    let config = connector.config();
    let host = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    let hosts = config.get_hosts().iter().map(host).collect::<Vec<_>>().join(",");
    let ports = config.get_ports().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let user = config.get_user().unwrap_or("postgres").to_owned();
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    let name = Sha256::digest(format!("{hosts}:{ports}/{database}"));
    let name = format!("huedb_{}", hexadecimal(name.get(..8).unwrap_or_default()));
    let mut options = vec![("host", hosts), ("port", ports), ("dbname", database)];
    options.retain(|(_, value)| !value.is_empty());
    for parameter in address.split_once('?').map_or("", |(_, query)| query).split('&') {
        if let Some((key, value)) = parameter.split_once('=')
            && let Some(key) = PASSED_ON.iter().find(|known| **known == key)
        {
            options.push((*key, percent_decode_str(value).decode_utf8_lossy().into_owned()));
        }
    }
    let writes = ("target_session_attrs", "read-write".to_owned());
    if config.get_hosts().len() > 1 && !options.iter().any(|(key, _)| *key == writes.0) {
        options.push(writes);
    }
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let user = std::iter::once(("user", user)).chain(password.map(|password| ("password", password)));
    Ok((name, options, user.collect()))
}

fn listed(options: &[(&str, String)]) -> String {
    // A text of PostgreSQL with backslashes, whatever its settings say of them.
    let literal = |text: &str| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    options.iter().map(|(key, value)| format!("{key} {}", literal(value))).collect::<Vec<_>>().join(", ")
}

/// Returns the address of a server that this database knows.
pub(super) fn address(session: &mut Session, server: &str) -> Done<String> {
    let sql = "select s.srvoptions, m.umoptions from pg_foreign_server s
        left join pg_user_mappings m on m.srvid = s.oid and m.usename = current_user where s.srvname = $1";
    let unknown = || Error::Server {
        url: server.to_owned(),
        why: "this database does not say how the server of a shard is reached".into(),
        hint: Some("work as the role that made the collection".into()),
    };
    let row = session.row(sql, &[&server])?.ok_or_else(unknown)?;
    let (of_server, of_user): (Option<Vec<String>>, Option<Vec<String>>) = (row.try_get(0)?, row.try_get(1)?);
    let (of_server, of_user) = (of_server.unwrap_or_default(), of_user.ok_or_else(unknown)?);
    let option = |of: &[String], key: &str| {
        of.iter().find_map(|option| Some(option.strip_prefix(key)?.strip_prefix('=')?.to_owned()))
    };
    let encoded = |text: String| utf8_percent_encode(&text, ENCODED).to_string();
    let of = |key: &str| option(&of_server, key).unwrap_or_default();
    let (hosts, ports) = (of("host"), of("port"));
    let ports: Vec<&str> = ports.split(',').collect();
    let host = |(at, host): (usize, &str)| {
        let port = ports.get(at).or(ports.first()).filter(|port| !port.is_empty());
        format!("{}{}", encoded(host.to_owned()), port.map(|port| format!(":{port}")).unwrap_or_default())
    };
    let hosts: Vec<String> = hosts.split(',').enumerate().map(host).collect();
    let user = encoded(option(&of_user, "user").unwrap_or_default());
    let password = option(&of_user, "password").map(|word| format!(":{}", encoded(word))).unwrap_or_default();
    let parameters = PASSED_ON.iter().filter_map(|key| Some(format!("{key}={}", encoded(option(&of_server, key)?))));
    let parameters: Vec<String> = parameters.collect();
    Ok(format!("postgresql://{user}{password}@{}/{}?{}", hosts.join(","), encoded(of("dbname")), parameters.join("&")))
}

/// Returns a server as people write it.
pub(super) fn place(session: &mut Session, server: &str) -> Done<String> {
    let address = Place::Postgres(address(session, server)?).to_string();
    Ok(address.trim_end_matches('?').to_owned())
}

/// Connects to a server.
pub(super) fn connect(session: &mut Session, server: &str) -> Done<Client> {
    let address = address(session, server)?;
    let client = Connector::parse(&address).map_err(Fault::Ours).and_then(|connector| connector.connect());
    client.map_err(|fault| Fault::Ours(fault.at(&Place::Postgres(address), Duration::ZERO)))
}

/// Does work over a connection to a server; what goes wrong names that server.
pub(super) fn work<T>(session: &mut Session, server: &str, work: impl FnOnce(&mut Client) -> Done<T>) -> Done<T> {
    let mut client = connect(session, server)?;
    work(&mut client).map_err(|fault| match address(session, server) {
        Ok(address) => Fault::Ours(fault.at(&Place::Postgres(address), Duration::ZERO)),
        Err(unknown) => unknown,
    })
}

/// Drops tables of shards that no collection has; returns what could not be dropped, and why.
pub(super) fn clear(session: &mut Session, tables: &[FarTable]) -> Vec<(FarTable, Fault)> {
    let mut left = Vec::new();
    for far in tables {
        let sql = format!("drop table if exists {}", far.table);
        if let Err(fault) = work(session, &far.server, |client| Ok(client.batch_execute(&sql)?)) {
            left.push((far.clone(), fault));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_options_and_its_server_is_called_by_where_it_is() {
        let (name, options, user) = described("postgresql://ann:it's@h1:5433,h2/db?sslmode=require").unwrap();
        let listed_options = listed(&options);
        assert_eq!(
            listed_options,
            "host E'h1,h2', port E'5433,5432', dbname E'db', sslmode E'require', target_session_attrs E'read-write'"
        );
        assert_eq!(listed(&user), "user E'ann', password E'it''s'");
        assert_eq!(described("postgresql://bob@h1:5433,h2/db").unwrap().0, name);
        assert_ne!(described("postgresql://ann@h1:5434,h2/db").unwrap().0, name);
        assert!(described("postgresql://h:x/d").is_err());
    }
}
