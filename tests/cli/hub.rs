//! `huedb model pull` from a server on this machine that answers as Hugging Face's hub does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha1::Digest;

use crate::huedb::{Ran, World, finish};
use crate::server::serve;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/models/all-MiniLM-L6-v2");
/// The sha256 of the fixture's graph.
const GRAPH_SHA256: &str = "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1";

/// What a hub has and how it behaves.
#[derive(Default)]
struct State {
    /// Files of `lab/tiny` by path, and the etag of those that are stored elsewhere.
    files: BTreeMap<String, (Vec<u8>, Option<String>)>,
    /// The path, range and authorisation of every request.
    asked: Vec<[String; 3]>,
    /// How many answers with a graph end after their first half.
    breaks: usize,
    /// The address of the host that large files are on, where it is another.
    elsewhere: Option<String>,
    /// Whether answers with a graph stop, the first of them after its first half, and the connection stays.
    stalls: bool,
    stalled: usize,
}

/// A hub with one model, `lab/tiny`.
#[derive(Clone, Default)]
struct Hub(Arc<Mutex<State>>);

impl Hub {
    /// A hub whose model has the fixture's graph under these names.
    fn with(graphs: &[&str]) -> Self {
        let hub = Self::default();
        for file in ["tokenizer.json", "tokenizer_config.json", "config.json", "README.md"] {
            hub.put(file, fs::read(Path::new(FIXTURE).join(file)).unwrap(), None);
        }
        let pooling = br#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#;
        hub.put("1_Pooling/config.json", pooling.to_vec(), None);
        let prompts = br#"{"prompts": {"query": "query: ", "document": "passage: "}}"#;
        hub.put("config_sentence_transformers.json", prompts.to_vec(), None);
        hub.put("pytorch_model.bin", b"never fetched".to_vec(), None);
        for graph in graphs {
            hub.put(graph, fs::read(Path::new(FIXTURE).join("model_int8.onnx")).unwrap(), Some(GRAPH_SHA256));
        }
        hub
    }

    fn put(&self, path: &str, content: Vec<u8>, stored_elsewhere: Option<&str>) {
        let mut state = self.0.lock().unwrap();
        state.files.insert(path.to_owned(), (content, stored_elsewhere.map(str::to_owned)));
    }

    fn serve(&self) -> String {
        let hub = self.clone();
        serve(move |stream| hub.answer(stream))
    }

    /// Answers one request and closes the connection.
    fn answer(&self, mut stream: &TcpStream) {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let Some(first) = lines.next() else { return };
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
            .collect();
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        state.asked.push([path.clone(), header("range"), header("authorization")]);
        let (head, body) = respond(&mut state, &path, &header("range"), &header("host"));
        drop(state);
        let whole = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
        let mut state = self.0.lock().unwrap();
        let stalls = state.stalls && path.contains(".onnx") && body.len() > 1;
        state.stalled += usize::from(stalls);
        let sent = if !stalls {
            body.len()
        } else if state.stalled == 1 {
            body.len() / 2
        } else {
            0
        };
        drop(state);
        let _ = stream.write_all(whole.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
        if stalls {
            std::thread::sleep(Duration::from_mins(1));
        }
    }

    fn asked(&self) -> Vec<[String; 3]> {
        self.0.lock().unwrap().asked.clone()
    }
}

fn respond(state: &mut State, path: &str, range: &str, host: &str) -> (String, Vec<u8>) {
    let plain = |status: &str| (format!("{status}\r\ncontent-length: 0"), Vec::new());
    if let Some(model) = path.strip_prefix("/api/models/") {
        return match model {
            "lab/tiny/revision/main" | "lab/tiny/revision/v1" => {
                let siblings: Vec<_> = state.files.keys().map(|path| serde_json::json!({"rfilename": path})).collect();
                let body = serde_json::json!({"id": "lab/tiny", "sha": COMMIT, "siblings": siblings}).to_string();
                (format!("200 OK\r\ncontent-length: {}", body.len()), body.into_bytes())
            }
            "lab/gated/revision/main" => plain("403 Forbidden"),
            _ => plain("404 Not Found"),
        };
    }
    let elsewhere = path.strip_prefix("/elsewhere/");
    let file = elsewhere.or_else(|| path.strip_prefix(&format!("/lab/tiny/resolve/{COMMIT}/")));
    let Some((content, etag)) = file.and_then(|file| state.files.get(file)) else { return plain("404 Not Found") };
    if let (Some(etag), None) = (etag, elsewhere) {
        // Large files are elsewhere; what is known of them is told here.
        let host = state.elsewhere.clone().unwrap_or_else(|| format!("http://{host}"));
        let location = format!("{host}/elsewhere/{}", file.unwrap());
        return plain(&format!(
            "302 Found\r\nlocation: {location}\r\nx-linked-etag: \"{etag}\"\r\nx-repo-commit: {COMMIT}"
        ));
    }
    let (from, to) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).unwrap_or_default();
    let from: usize = from.parse().unwrap_or(0);
    let to = to.parse().map_or(content.len(), |to: usize| (to + 1).min(content.len()));
    if from >= to {
        return plain("416 Range Not Satisfiable");
    }
    let mut body = content[from..to].to_vec();
    let etag = etag.clone().unwrap_or_else(|| path.bytes().map(|byte| format!("{byte:02x}")).collect());
    let head = format!(
        "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}\r\ncontent-length: {}\r\netag: \"{etag}\"\r\n\
         x-repo-commit: {COMMIT}",
        to - 1,
        content.len(),
        body.len()
    );
    if path.rsplit('.').next() == Some("onnx") && body.len() > 1 && state.breaks > 0 {
        state.breaks -= 1;
        body.truncate(body.len() / 2);
    }
    (head, body)
}

fn pull(world: &World, hub: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
    finish(begin_pull(world, hub, args, env))
}

fn begin_pull(world: &World, hub: &str, args: &[&str], env: &[(&str, &str)]) -> Child {
    let args = [&["model", "pull"], args].concat();
    let mut command = world.command(&args);
    command.env("HUEDB_RUNTIME", "rten").env("HF_ENDPOINT", hub).env("HF_HOME", world.path("hf"));
    command.env("HUEDB_DATA_DIR", world.path("data")).env("HUEDB_CACHE_DIR", world.path("cache"));
    for name in ["HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_HUB_DOWNLOAD_TIMEOUT"] {
        command.env_remove(name);
    }
    command.envs(env.iter().copied()).spawn().unwrap()
}

fn with_data(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.env("HUEDB_RUNTIME", "rten").env("HUEDB_DATA_DIR", world.path("data"));
    finish(command.env("HUEDB_CACHE_DIR", world.path("cache")).spawn().unwrap())
}

/// The names in the folder of installed models.
fn installed(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("data/models")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_model_is_pulled_used_and_verified() {
    let world = World::new();
    let hub = Hub::with(&["onnx/model.onnx", "onnx/model_quantized.onnx"]);
    let address = hub.serve();
    let ran = pull(&world, &address, &["lab/tiny", "-o", "json"], &[("HF_TOKEN", "hf_secret")]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("fetching lab/tiny with onnx/model.onnx"), "{}", ran.stderr);
    for said in ["\"name\":\"tiny\"", "\"pooling\":\"cls\"", GRAPH_SHA256, "\"dimension\":384"] {
        assert!(ran.stdout.replace(": ", ":").contains(said), "{said} in {}", ran.stdout);
    }
    assert_eq!(installed(&world), ["tiny"]);
    assert!(!world.path("cache/hub/models--lab--tiny").exists(), "the cache is empty again");
    let asked = hub.asked();
    assert!(asked.iter().all(|[_, _, token]| token == "Bearer hf_secret"), "{asked:?}");
    assert!(!asked.iter().any(|[path, ..]| path.contains("pytorch") || path.contains("quantized")), "{asked:?}");

    let ran = with_data(&world, &["model", "verify", "tiny"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(with_data(&world, &["create", "notes", "--model", "tiny"]).status, Some(0));
    assert_eq!(with_data(&world, &["add", "notes", "--id", "a", "--document", "a red fox"]).status, Some(0));
    let ran = with_data(&world, &["query", "notes", "which animal", "-o", "ids"]);
    assert_eq!((ran.stdout.as_str(), ran.status), ("a\n", Some(0)), "{}", ran.stderr);
    let shown = with_data(&world, &["show", "notes", "-o", "table"]).stdout;
    assert!(shown.contains(" query:") && shown.contains(" passage:"), "{shown}");

    let again = pull(&world, &address, &["lab/tiny"], &[]);
    assert_eq!(again.status, Some(2), "{}", again.stderr);
    assert!(again.stderr.contains("already is a model named \"tiny\""), "{}", again.stderr);
    let graph = world.path("data/models/tiny/model.onnx");
    fs::write(&graph, "damaged").unwrap();
    let ran = with_data(&world, &["model", "verify", "tiny"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("model.onnx is not the file"), "{}", ran.stderr);
}

#[test]
fn what_is_to_be_converted_comes_without_its_graph() {
    let world = World::new();
    let hub = Hub::with(&["onnx/model.onnx"]);
    for (file, content) in crate::convert::files() {
        hub.put(file, content, None);
    }
    let ran = pull(&world, &hub.serve(), &["lab/tiny", "--precision", "int8", "-o", "json"], &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("fetching lab/tiny with model.safetensors"), "{}", ran.stderr);
    assert!(ran.stdout.replace(": ", ":").contains("\"dimension\":64"), "{}", ran.stdout);
    assert!(!hub.asked().iter().any(|[path, ..]| path.contains("onnx")), "{:?}", hub.asked());
    // One that is not recognised is refused before its weights are fetched.
    let hub = Hub::with(&[]);
    hub.put("config.json", br#"{"model_type": "modernbert"}"#.to_vec(), None);
    hub.put("model.safetensors", vec![0; 100], None);
    let ran = pull(&world, &hub.serve(), &["lab/tiny", "--name", "other", "--precision", "int8"], &[]);
    assert!(ran.status == Some(5) && ran.stderr.contains("\"modernbert\" is none of bert"), "{ran:?}");
    let asked = hub.asked();
    assert_eq!(asked.iter().filter(|[path, ..]| path.contains("safetensors")).count(), 1, "{asked:?}");
}

#[test]
fn the_graph_the_name_and_the_settings_can_be_chosen() {
    let world = World::new();
    let address = Hub::with(&["onnx/a.onnx", "onnx/b.onnx"]).serve();
    let unclear = pull(&world, &address, &["lab/tiny"], &[]);
    assert_eq!(unclear.status, Some(5));
    assert!(unclear.stderr.contains("--file: onnx/a.onnx, onnx/b.onnx"), "{}", unclear.stderr);
    let missing = pull(&world, &address, &["lab/tiny", "--file", "onnx/c.onnx"], &[]);
    assert!(
        missing.status == Some(2) && missing.stderr.contains("has no ONNX graph onnx/c.onnx"),
        "{}",
        missing.stderr
    );
    let args = ["lab/tiny", "--file", "onnx/b.onnx", "--name", "b", "--pooling", "mean", "--revision", "v1"];
    let args =
        [&args[..], &["--max-tokens", "64", "--query-prefix", "", "--normalize", "false", "-o", "json"]].concat();
    let ran = pull(&world, &address, &args, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(world.path("data/models/b/huedb-model.json")).unwrap()).unwrap();
    let fingerprint = &manifest["fingerprint"];
    assert_eq!(manifest["graph"], "b.onnx");
    assert_eq!(manifest["files"]["b.onnx"], GRAPH_SHA256);
    assert_eq!((&fingerprint["pooling"], &fingerprint["max_tokens"]), (&"mean".into(), &64.into()));
    assert_eq!((&fingerprint["query_prefix"], &fingerprint["document_prefix"]), (&"".into(), &"passage: ".into()));
    assert_eq!(fingerprint["normalize"], false);
}

#[test]
fn what_cannot_be_pulled_is_told_and_installs_nothing() {
    let world = World::new();
    let hub = Hub::with(&[]);
    let address = hub.serve();
    for (args, status, says) in [
        (&["lab/unknown"][..], 2, "the hub shows no model lab/unknown"),
        (&["lab/tiny", "--revision", "gone"], 2, "lab/tiny at \"gone\""),
        (&["lab/gated"], 2, "consent to terms"),
        (&["lab/tiny"], 5, "it contains no ONNX graph"),
        (&["../../etc"], 2, "cannot be the name of a model on the hub"),
        (&["lab/tiny", "--name", "hash-8"], 2, "already is a model named \"hash-8\""),
    ] {
        let ran = pull(&world, &address, args, &[]);
        assert_eq!(ran.status, Some(status), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says) && ran.stderr.contains("hint: "), "{args:?}: {}", ran.stderr);
    }
    let nobody = pull(&world, "http://127.0.0.1:1", &["lab/tiny"], &[]);
    assert!(nobody.status == Some(5) && nobody.stderr.contains("could not be reached"), "{}", nobody.stderr);
    let nonsense = pull(&world, "no address", &["lab/tiny"], &[]);
    assert!(nonsense.status == Some(5) && nonsense.stderr.contains("HF_ENDPOINT"), "{}", nonsense.stderr);
    assert!(installed(&world).is_empty());
}

#[test]
fn offline_only_the_cache_of_the_hubs_own_tools_is_asked() {
    let world = World::new();
    let hub = Hub::with(&["onnx/model.onnx"]);
    let address = hub.serve();
    let offline = [("HF_HUB_OFFLINE", "1")];
    let ran = pull(&world, &address, &["lab/tiny"], &offline);
    assert!(ran.status == Some(5) && ran.stderr.contains("HF_HUB_OFFLINE"), "{}", ran.stderr);
    let folder = world.path("hf/hub/models--lab--tiny");
    let snapshot = folder.join("snapshots").join(COMMIT);
    fs::create_dir_all(snapshot.join("onnx")).unwrap();
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), COMMIT).unwrap();
    fs::copy(Path::new(FIXTURE).join("tokenizer.json"), snapshot.join("tokenizer.json")).unwrap();
    fs::copy(Path::new(FIXTURE).join("model_int8.onnx"), snapshot.join("onnx/model.onnx")).unwrap();
    let ran = pull(&world, &address, &["lab/tiny"], &offline);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(installed(&world), ["tiny"]);
    assert_eq!(hub.asked(), [[""; 3]; 0]);
}

#[test]
fn a_pull_that_breaks_off_installs_nothing_and_goes_on_when_run_again() {
    let world = World::new();
    let hub = Hub::with(&["model.onnx"]);
    let address = hub.serve();
    // More often than a connection is made anew.
    hub.0.lock().unwrap().breaks = 5;
    let broken = pull(&world, &address, &["lab/tiny"], &[]);
    assert_eq!(broken.status, Some(5), "{}", broken.stderr);
    assert!(broken.stderr.contains("model.onnx could not be fetched"), "{}", broken.stderr);
    assert!(installed(&world).is_empty());
    let before = hub.asked().len();
    hub.0.lock().unwrap().breaks = 0;
    let ran = pull(&world, &address, &["lab/tiny"], &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(installed(&world), ["tiny"]);
    let asked = hub.asked().split_off(before);
    let graph: Vec<&str> =
        asked.iter().filter(|[path, ..]| path == "/elsewhere/model.onnx").map(|[_, range, _]| range.as_str()).collect();
    let [.., last] = graph.as_slice() else { panic!("{asked:?}") };
    let from: usize = last.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap().parse().unwrap();
    assert!(from > 1 << 20, "it went on at {from}");
}

#[test]
fn bytes_that_are_not_those_of_the_hub_are_refused() {
    let world = World::new();
    let hub = Hub::with(&[]);
    let mut damaged = fs::read(Path::new(FIXTURE).join("model_int8.onnx")).unwrap();
    damaged[1000] ^= 1;
    hub.put("model.onnx", damaged, Some(GRAPH_SHA256));
    let address = hub.serve();
    let ran = pull(&world, &address, &["lab/tiny"], &[]);
    assert_eq!(ran.status, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("did not arrive as it is on the hub"), "{}", ran.stderr);
    assert!(installed(&world).is_empty());
    hub.put("model.onnx", fs::read(Path::new(FIXTURE).join("model_int8.onnx")).unwrap(), Some(GRAPH_SHA256));
    assert_eq!(pull(&world, &address, &["lab/tiny"], &[]).status, Some(0));
}

#[test]
fn the_token_goes_to_no_other_host() {
    let world = World::new();
    let (hub, other) = (Hub::with(&["model.onnx"]), Hub::with(&["model.onnx"]));
    let address = other.serve();
    for elsewhere in [address.clone(), address.replace("127.0.0.1", "localhost")] {
        hub.0.lock().unwrap().elsewhere = Some(elsewhere);
        let ran = pull(&world, &hub.serve(), &["lab/tiny"], &[("HF_TOKEN", "hf_secret")]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(with_data(&world, &["model", "remove", "tiny"]).status, Some(0));
    }
    assert!(hub.asked().iter().all(|[_, _, token]| token == "Bearer hf_secret"), "{:?}", hub.asked());
    let asked = other.asked();
    assert!(asked.len() >= 4 && asked.iter().all(|[_, _, token]| token.is_empty()), "{asked:?}");
}

#[test]
fn a_file_that_arrived_broken_is_fetched_again() {
    let world = World::new();
    let hub = Hub::with(&["model.onnx"]);
    let address = hub.serve();
    let whole = fs::read(Path::new(FIXTURE).join("tokenizer.json")).unwrap();
    let broken = whole[..whole.len() - 2].to_vec();
    // As git names it; and by a name that says nothing of its content, where only its use shows what is wrong.
    let mut sha1 = sha1::Sha1::new();
    sha1.update(format!("blob {}\0", whole.len()));
    sha1.update(&whole);
    let named: String = sha1.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    for (etag, says) in [(Some(named.as_str()), "did not arrive as it is on the hub"), (None, "tokenizer.json: ")] {
        let mut broken = broken.clone();
        broken.resize(whole.len(), b' ');
        hub.put("tokenizer.json", broken, etag);
        for _ in 0..2 {
            let ran = pull(&world, &address, &["lab/tiny"], &[]);
            assert!(ran.status == Some(5) && ran.stderr.contains(says), "{}", ran.stderr);
        }
        hub.put("tokenizer.json", whole.clone(), etag);
        let ran = pull(&world, &address, &["lab/tiny"], &[]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(with_data(&world, &["model", "remove", "tiny"]).status, Some(0));
    }
}

#[test]
fn two_pulls_at_once_end_with_one_model() {
    let world = World::new();
    let address = Hub::with(&["model.onnx"]).serve();
    let pulls: Vec<Child> = (0..3).map(|_| begin_pull(&world, &address, &["lab/tiny"], &[])).collect();
    let mut ended: Vec<Ran> = pulls.into_iter().map(finish).collect();
    ended.sort_by_key(|ran| ran.status);
    assert_eq!(ended.iter().map(|ran| ran.status.unwrap()).collect::<Vec<_>>(), [0, 2, 2], "{ended:?}");
    assert!(ended[1].stderr.contains("already is a model named \"tiny\""), "{}", ended[1].stderr);
    assert_eq!(installed(&world), ["tiny"]);
    assert_eq!(with_data(&world, &["model", "verify", "tiny"]).status, Some(0));
}

#[test]
fn a_server_that_stalls_is_not_waited_for_without_end() {
    let world = World::new();
    let hub = Hub::with(&["model.onnx"]);
    hub.0.lock().unwrap().stalls = true;
    let address = hub.serve();
    let patience = [("HF_HUB_DOWNLOAD_TIMEOUT", "1")];
    let ran = pull(&world, &address, &["lab/tiny"], &patience);
    assert_eq!(ran.status, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("model.onnx could not be fetched: timeout"), "{}", ran.stderr);
    assert!(installed(&world).is_empty());
    hub.0.lock().unwrap().stalls = false;
    assert_eq!(pull(&world, &address, &["lab/tiny"], &[]).status, Some(0));
    let asked = hub.asked();
    assert!(asked.last().unwrap()[1].strip_prefix("bytes=").unwrap().len() > 4, "it goes on where it was: {asked:?}");
}
