//! Models found, added and removed in a data directory of their own.

use super::super::{ModelOverrides, install};
use super::*;

fn options(data: &Path) -> LoadOptions {
    LoadOptions { data_dir: Some(data.into()), ..LoadOptions::default() }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/all-MiniLM-L6-v2")
}

#[test]
#[cfg(feature = "bundled-model")]
fn a_model_is_added_found_verified_and_removed() {
    use crate::record::Pooling;

    let names = |options| models(options).unwrap().into_iter().map(|model| model.name).collect::<Vec<_>>();
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path());
    assert_eq!(names(&options), [builtin::DEFAULT_MODEL]);
    let overrides = ModelOverrides {
        pooling: Some(Pooling::Cls),
        max_tokens: Some(64),
        query_prefix: Some("query: ".into()),
        ..ModelOverrides::default()
    };
    let added = install(&fixture(), "mine", &overrides, &options).unwrap();
    assert_eq!(names(&options), [builtin::DEFAULT_MODEL, "mine"]);
    let found = resolve("mine", &options).unwrap();
    assert_eq!(found.fingerprint, added.fingerprint);
    assert_eq!(found.fingerprint.sha256, builtin::fingerprint().sha256);
    assert_eq!((found.fingerprint.dimension, found.fingerprint.pooling), (384, Pooling::Cls));
    assert_eq!((found.fingerprint.max_tokens, found.fingerprint.query_prefix.as_str()), (64, "query: "));
    assert!(found.source.unwrap().quantized_by_batch);

    verify("mine", &options).unwrap();
    let error = install(&fixture(), "mine", &overrides, &options).unwrap_err();
    assert!(error.to_string().contains("already is a model"), "{error}");
    let ModelOrigin::Installed(dir) = found.origin else { panic!("{:?}", found.origin) };
    fs::write(dir.join("tokenizer.json"), "{}").unwrap();
    assert!(verify("mine", &options).unwrap_err().to_string().contains("tokenizer.json"));

    remove("mine", &options).unwrap();
    assert_eq!(names(&options), [builtin::DEFAULT_MODEL]);
    assert!(!dir.exists());
    assert!(remove("mine", &options).is_err());
    assert!(remove(builtin::DEFAULT_MODEL, &options).is_err());
    verify(builtin::DEFAULT_MODEL, &options).unwrap();
}

#[test]
fn a_model_that_does_not_run_is_not_installed() {
    let (data, model) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = options(data.path());
    fs::write(model.path().join("model.onnx"), "no graph").unwrap();
    fs::copy(fixture().join("tokenizer.json"), model.path().join("tokenizer.json")).unwrap();
    assert!(install(model.path(), "broken", &ModelOverrides::default(), &options).is_err());
    assert_eq!(fs::read_dir(data.path().join("models")).unwrap().count(), 0);
}

#[test]
fn names_cannot_leave_the_data_directory_or_hide_another_model() {
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path());
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a b", builtin::DEFAULT_MODEL, "hash-8", &"x".repeat(129)] {
        let error = install(&fixture(), name, &ModelOverrides::default(), &options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{name:?}: {error}");
    }
}

#[test]
fn a_folder_is_a_model_by_its_path() {
    let spec = resolve(fixture().to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!(spec.name, "all-MiniLM-L6-v2");
    assert_eq!(spec.fingerprint.sha256, builtin::fingerprint().sha256);
    assert_eq!((spec.fingerprint.dimension, spec.fingerprint.max_tokens), (384, 512));
    assert!(matches!(spec.origin, ModelOrigin::Folder(_)));
}

#[test]
fn an_unknown_name_lists_those_that_are_known() {
    let error = resolve("minilm", &LoadOptions::default()).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Input);
    assert!(error.hint().unwrap().contains(builtin::DEFAULT_MODEL), "{error}");
    assert_eq!(resolve("hash-8", &LoadOptions::default()).unwrap().fingerprint.dimension, 8);
}

#[test]
#[cfg(feature = "bundled-model")]
fn what_a_killed_process_left_is_removed_by_the_next_and_what_a_running_one_makes_is_not() {
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path());
    let models = data.path().join("models");
    let long_ago = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
    let [killed, running, new] = [".adding-killed", ".adding-running", ".adding-new"].map(|name| models.join(name));
    for folder in [&killed, &running, &new] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("model.onnx"), "half of it").unwrap();
    }
    let of_running = fs::File::open(&running).unwrap();
    of_running.try_lock().unwrap();
    for folder in [&killed, &running] {
        fs::File::open(folder).unwrap().set_times(long_ago).unwrap();
    }
    install(&fixture(), "mine", &ModelOverrides::default(), &options).unwrap();
    assert_eq!([&killed, &running, &new].map(|folder| folder.exists()), [false, true, true]);
}
