//! The servers of the tests themselves.

use crate::postgres_server::Postgres;

#[test]
fn a_server_has_vectors_and_survives_its_death() {
    let Some(server) = Postgres::start("a_server_has_vectors_and_survives_its_death", &[]) else { return };
    server.client("postgres").batch_execute("create extension vector; create table t (e vector(2))").unwrap();
    server.client("postgres").execute("insert into t values ('[1,2]')", &[]).unwrap();
    let standby = server.standby();
    server.kill();
    server.start_again();
    for (of, follows) in [(&server, false), (&standby, true)] {
        let row = of.client("postgres").query_one("select e::text, pg_is_in_recovery() from t", &[]).unwrap();
        assert_eq!((row.get(0), row.get(1)), ("[1,2]", follows));
    }
    standby.promote();
    standby.client("postgres").execute("insert into t values ('[3,4]')", &[]).unwrap();
}

#[test]
fn an_older_server_runs_too() {
    let Some(server) = Postgres::start_older("an_older_server_runs_too") else { return };
    let version = "select installed_version from pg_available_extensions where name = 'vector'";
    let mut client = server.client("postgres");
    client.batch_execute("create extension vector").unwrap();
    assert_eq!(client.query_one(version, &[]).unwrap().get::<_, String>(0), "0.8.5");
}
