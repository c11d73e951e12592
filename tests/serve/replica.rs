//! A server whose reads are answered by a real standby: one that follows, one that is behind, one that is dead.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use serde_json::{Value as Json, json};

use crate::postgres_server::Postgres;
use crate::running::{DATABASE, Running};

const MOMENT: Duration = Duration::from_millis(20);

/// Adds records to a collection, from one number to another.
fn add(server: &Running, notes: &str, numbers: std::ops::Range<usize>) {
    let ids: Vec<String> = numbers.clone().map(|n| n.to_string()).collect();
    let embeddings: Vec<Json> = numbers.map(|n| json!([n, 1])).collect();
    let added = server.post(&format!("{notes}/add"), &json!({"ids": ids, "embeddings": embeddings}));
    assert_eq!(added.status, 201, "{}", added.text);
}

fn count(server: &Running, notes: &str) -> Json {
    let counted = server.get(&format!("{notes}/count"));
    assert_eq!(counted.status, 200, "{}", counted.text);
    counted.json()
}

/// Pauses or resumes what a standby does after its primary; it has done so when this returns.
fn replay(standby: &Postgres, what: &str) {
    let mut client = standby.client("postgres");
    client.batch_execute(&format!("select pg_wal_replay_{what}()")).unwrap();
    let is_done = |client: &mut Client| {
        let state: String = client.query_one("select pg_get_wal_replay_pause_state()", &[]).unwrap().get(0);
        (state == "paused") == (what == "pause")
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_done(&mut client) {
        assert!(Instant::now() < deadline, "the standby does not {what}");
        thread::sleep(MOMENT);
    }
}

/// Returns how many records a standby itself knows of.
fn known(standby: &Postgres, database: &str) -> i64 {
    let sql = "select coalesce(sum(records), 0)::bigint from huedb.collection";
    standby.client(database).query_one(sql, &[]).map_or(0, |row| row.get(0))
}

#[test]
fn reads_are_answered_by_a_standby_and_by_the_primary_while_it_is_down() {
    let test = "reads_are_answered_by_a_standby_and_by_the_primary_while_it_is_down";
    let Some(primary) = Postgres::start(test, &[]) else { return };
    let address = primary.database();
    let name = address.rsplit_once('/').unwrap().1.to_owned();
    let standby = primary.standby();
    let mut pod = Running::pod(&address, &["--read-from", &standby.address(&name)]);
    // Another server, whose reads are of the primary.
    let plain = Running::pod(&address, &[]);
    let notes = pod.collection("notes");
    add(&pod, &notes, 0..10);
    pod.until("ten records at the standby", |pod| known(&standby, &name) == 10 && count(pod, &notes) == 10);

    // A standby that is behind answers with what it has, so it is the standby that is asked.
    replay(&standby, "pause");
    add(&pod, &notes, 10..15);
    assert_eq!((count(&plain, &notes), count(&pod, &notes)), (json!(15), json!(10)));
    let asked = json!({"query_embeddings": [[14, 1]], "n_results": 1, "include": ["distances"]});
    let nearest = |server: &Running| server.post(&format!("{notes}/query"), &asked).json()["ids"][0][0].clone();
    assert_eq!((nearest(&plain), nearest(&pod)), (json!("14"), json!("9")));
    // Writes, and what is read to be written again, are of the primary.
    let update = json!({"ids": ["14"], "metadatas": [{"seen": true}]});
    assert_eq!(pod.post(&format!("{notes}/update"), &update).status, 200);
    let found = plain.post(&format!("{notes}/get"), &json!({"where": {"seen": true}})).json();
    assert_eq!(found["ids"], json!(["14"]), "{found}");
    let deleted = pod.post(&format!("{notes}/delete"), &json!({"where": {"seen": true}}));
    assert_eq!(deleted.json()["deleted"], 1, "{}", deleted.text);
    assert_eq!((count(&plain, &notes), count(&pod, &notes)), (json!(14), json!(10)));
    // What the standby has not heard of is asked of the primary.
    let more = pod.collection("more");
    add(&pod, &more, 0..3);
    assert_eq!(count(&pod, &more), 3);
    assert_eq!(pod.get(&format!("{DATABASE}/collections/more")).status, 200);
    // So is who may do what: a token that was made a moment ago is known, and one that was taken back is not.
    let admin = pod.token(&["admin", "--role", "admin"]);
    pod.until("an answer of 401", |pod| pod.get(&format!("{notes}/count")).status == 401);
    assert_eq!(pod.with(&admin, "GET", &format!("{notes}/count"), &Json::Null).json(), 10);
    pod.ok(&["token", "revoke", "admin"]);
    assert_eq!(pod.with(&admin, "GET", &format!("{notes}/count"), &Json::Null).status, 401);
    replay(&standby, "resume");
    let reader = pod.token(&["reader", "--role", "writer"]);
    let counted =
        |server: &Running, path: &str| server.with(&reader, "GET", &format!("{path}/count"), &Json::Null).json();
    pod.until("fourteen records at the standby", |pod| counted(pod, &notes) == 14);

    // A standby that is dead is done without, in reads that are under way as well.
    standby.kill();
    let body = json!({"ids": ["new"], "embeddings": [[1, 1]]});
    assert_eq!(pod.with(&reader, "POST", &format!("{notes}/add"), &body).status, 201);
    for _ in 0..5 {
        assert_eq!(counted(&pod, &notes), 15);
    }
    assert_eq!(pod.get("/readyz").status, 200);

    // One that comes back is asked again.
    standby.start_again();
    pod.until("reads at the standby again", |pod| {
        replay(&standby, "pause");
        let before = counted(&plain, &notes).as_u64().unwrap();
        let ids = [before.to_string() + "-a"];
        let body = json!({"ids": ids, "embeddings": [[2, 1]]});
        assert_eq!(pod.with(&reader, "POST", &format!("{notes}/add"), &body).status, 201);
        let is_behind = counted(pod, &notes) != counted(&plain, &notes);
        replay(&standby, "resume");
        is_behind
    });
    pod.signal("-TERM");
    let (status, said) = pod.wait();
    assert!(status.success(), "{said}");
    for words in ["reads go to the primary, for the replica failed", "reads go to the replica again"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
