//! A server that is killed under load loses nothing that it had answered.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::json;

use crate::running::{DATABASE, Running};

const WRITERS: usize = 8;

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let mut folder = None;
    for round in 0..3 {
        let server = match folder.take() {
            None => Running::start(&[]),
            Some(folder) => Running::over(folder, &[]),
        };
        let notes = if round == 0 {
            server.collection("notes")
        } else {
            let described = server.get(&format!("{DATABASE}/collections/notes")).json();
            format!("{DATABASE}/collections/{}", described["id"].as_str().unwrap())
        };
        let agent = || -> ureq::Agent { ureq::Agent::config_builder().http_status_as_error(false).build().into() };
        let acknowledged = Mutex::new(BTreeSet::new());
        let url = format!("http://{}{notes}", server.address);
        let killed = std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (url, acknowledged, agent) = (&url, &acknowledged, agent());
                scope.spawn(move || {
                    for n in 0.. {
                        let id = format!("{round}-{writer}-{n}");
                        let body = json!({"ids": [id], "embeddings": [[n, writer]], "documents": ["x"]}).to_string();
                        let sent =
                            agent.post(format!("{url}/add")).header("content-type", "application/json").send(body);
                        match sent {
                            Ok(answer) if answer.status() == 201 => drop(acknowledged.lock().unwrap().insert(id)),
                            Ok(answer) => panic!("{}", answer.status()),
                            Err(_) => break,
                        }
                    }
                });
            }
            while acknowledged.lock().unwrap().len() < 200 {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            server.kill()
        });
        let server = Running::over(killed, &[]);
        let ids = server.ok(&["get", "notes", "-o", "ids"]);
        let there: BTreeSet<&str> = ids.lines().collect();
        let acknowledged = acknowledged.into_inner().unwrap();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !there.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        server.ok(&["check", "--deep"]);
        folder = Some(server.kill());
    }
}
