//! How it starts and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::json;

use crate::running::{DATABASE, Running, huedb};

#[test]
fn it_ends_once_what_came_is_answered() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Running::start(&[]);
        let collection = server.collection("notes");
        // A request whose body has not come whole when the signal comes.
        let body = json!({"ids": ["a"], "embeddings": [[1.0, 2.0]]}).to_string();
        let (first, rest) = body.split_at(10);
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "POST {collection}/add HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        server.signal(signal);
        while TcpStream::connect(&server.address).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        stream.write_all(rest.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{signal}: {answer}");
        let (status, said) = server.wait();
        assert!(status.success(), "{signal}: {said}");
        assert!(said.contains("serving ") && said.contains("stopped serving"), "{said}");
        assert_eq!(server.ok(&["count", "notes"]).trim(), "1");
    }
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    use std::os::unix::net::UnixDatagram;

    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(std::time::Duration::from_mins(1))).unwrap();
    let mut command = huedb(&folder.path().join("test.redb"));
    let mut child =
        command.args(["serve", "--port", "0"]).env("NOTIFY_SOCKET", &socket).stderr(Stdio::null()).spawn().unwrap();
    let heard = || {
        let mut buffer = [0; 100];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(heard(), "READY=1");
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(heard(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Running::start(&["--drain", "100"]);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!("POST {DATABASE}/collections HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    server.signal("-TERM");
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(server.child.try_wait().unwrap().is_none());
    server.signal("-TERM");
    assert_eq!(server.wait().0.code(), Some(130));
}

#[test]
fn other_machines_are_not_served() {
    let folder = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let output = huedb(&folder.path().join("f.redb")).args(["serve", "--listen", listen]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("can be reached by other machines"));
        assert!(!folder.path().join("f.redb").exists());
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_and_so_is_a_host_that_is_not() {
    let server = Running::start(&[]);
    for (listen, why) in [(server.address.as_str(), "listen on 127.0.0.1"), ("no-such-host.invalid:1", "--listen")] {
        let mut command = huedb(&server.path("other.redb"));
        let output = command.args(["serve", "--listen", listen]).stdout(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    }
}

#[test]
fn ping_says_whether_a_server_is_ready() {
    let mut server = Running::start(&[]);
    server.collection("notes");
    let url = format!("http://{}", server.address);
    let said = server.ok(&["ping", &url, "-o", "json"]);
    assert!(said.contains("\"ready\"") && said.contains("\"collections\""), "{said}");
    server.signal("-TERM");
    server.wait();
    let output = server.command(&["ping", &url]);
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn a_server_that_only_reads_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("test.redb");
    assert!(huedb(&db).args(["create", "notes"]).status().unwrap().success());
    let server = Running::over(folder, &["--read-only"]);
    assert_eq!(server.get(&format!("{DATABASE}/collections_count")).text, "1");
    let refused = server.post(&format!("{DATABASE}/collections"), &json!({"name": "more"}));
    assert_eq!(refused.status, 403, "{}", refused.text);
    // Others may write, and it sees that.
    server.ok(&["create", "more"]);
    assert_eq!(server.get(&format!("{DATABASE}/collections_count")).text, "2");
}

#[test]
fn requests_beyond_the_queue_are_told_to_come_back() {
    let server = Running::start(&["--threads", "1", "--queue", "1"]);
    let notes = server.collection("notes");
    let count = 3000;
    let ids: Vec<String> = (0..count).map(|n| format!("r{n}")).collect();
    let embeddings: Vec<Vec<u32>> = (0..count).map(|n| vec![n; 32]).collect();
    assert_eq!(server.post(&format!("{notes}/add"), &json!({"ids": ids, "embeddings": embeddings})).status, 201);
    let get = format!("{notes}/get");
    let all = json!({"include": ["embeddings"]});
    let answers: Vec<_> = std::thread::scope(|scope| {
        let client = || (0..10).map(|_| server.post(&get, &all)).collect::<Vec<_>>();
        let clients: Vec<_> = (0..16).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let (answered, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(!answered.is_empty() && !refused.is_empty(), "{} {}", answered.len(), refused.len());
    for answer in refused {
        assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("1")), "{}", answer.text);
        assert_eq!(answer.json()["error"], "Backoff");
    }
    // Nobody waits any longer, and all is as before.
    assert_eq!(server.get(&format!("{notes}/count")).text, count.to_string());
}
