//! Installing made-up runtimes from files, offline.

use std::io::Cursor;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::fake_runtime;
use super::*;

struct SetupFolders {
    dir: tempfile::TempDir,
    options: LoadOptions,
}

fn place() -> SetupFolders {
    let dir = tempfile::tempdir().unwrap();
    let options = LoadOptions { data_dir: Some(dir.path().join("data")), ..LoadOptions::default() };
    SetupFolders { dir, options }
}

impl SetupFolders {
    fn setup(&self, from: &Path) -> Result<Installed> {
        setup(Some(from), &self.options, &mut |_| {})
    }

    fn installed(&self) -> Vec<String> {
        let dir = runtime::installed_dir(self.options.data_dir.as_deref().unwrap());
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn wheel(&self, name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (entry, content) in entries {
            zip.start_file(*entry, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        let path = self.dir.path().join(name);
        fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
        path
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_library_is_installed_and_the_one_before_it_removed() {
    let place = place();
    for version in ["1.40.2", "1.31.0"] {
        let library = fake_runtime::compile(place.dir.path(), version, 99);
        let installed = place.setup(&library).unwrap();
        assert_eq!((installed.version.as_str(), installed.pinned), (version, false));
        assert_eq!(installed.sha256, digest::of_files([library.as_path()]).unwrap());
        assert_eq!(place.installed(), [file_name(&library)]);
    }
    let renamed = place.dir.path().join("mine");
    fs::rename(fake_runtime::compile(place.dir.path(), "1.33.0", 99), &renamed).unwrap();
    let installed = place.setup(&renamed).unwrap();
    assert!(runtime::is_library_name(&file_name(&installed.path)), "{installed:?}");
}

#[test]
fn a_wheel_or_a_folder_with_one_serves_too() {
    let place = place();
    let library = fake_runtime::compile(place.dir.path(), "1.31.0", 99);
    let name = file_name(&library);
    let content = fs::read(&library).unwrap();
    fs::remove_file(&library).unwrap();
    let other = format!("onnxruntime/capi/{}", name.replace("onnxruntime.", "onnxruntime_providers_shared."));
    let inside = format!("onnxruntime/capi/{name}");
    let wheel = place.wheel("onnxruntime-1.31.0-any.whl", &[(&other, b"x"), (&inside, &content)]);
    let mut steps = Vec::new();
    let installed = setup(Some(place.dir.path()), &place.options, &mut |step| steps.push(step)).unwrap();
    assert_eq!(fs::read(&installed.path).unwrap(), content);
    assert_eq!(steps, [SetupStep::Checking(wheel.clone()), SetupStep::Installing(wheel)]);
}

#[test]
fn what_cannot_be_used_leaves_the_runtime_as_it_was() {
    let place = place();
    let good = fake_runtime::compile(place.dir.path(), "1.31.0", 99);
    place.setup(&good).unwrap();
    let before = place.installed();
    let why = |from: &Path| place.setup(from).unwrap_err().to_string();

    let old = fake_runtime::compile(place.dir.path(), "1.17.3", 17);
    assert!(why(&old).contains("it is version 1.17.3; 1.18 or later is needed"), "{}", why(&old));
    let odd = fake_runtime::compile(place.dir.path(), "1.50.0", 17);
    assert!(why(&odd).contains("does not offer API 18"), "{}", why(&odd));
    let cut = place.dir.path().join("cut.so");
    fs::write(&cut, &fs::read(&good).unwrap()[..2000]).unwrap();
    assert!(why(&cut).contains("cut"), "{}", why(&cut));
    let text = place
        .wheel("a.whl", &[("onnxruntime/capi/libonnxruntime.so.1.32.0", b"text"), ("libonnxruntime.1.dylib", b"text")]);
    assert!(why(&text).contains("not a shared library"), "{}", why(&text));
    let empty = place.wheel("b.whl", &[("readme", b"")]);
    assert!(why(&empty).contains("no ONNX Runtime library for this system"), "{}", why(&empty));
    assert!(why(&place.dir.path().join("absent")).contains("absent"));
    let nothing = tempfile::tempdir().unwrap();
    assert!(why(nothing.path()).contains("neither an onnxruntime wheel"), "{}", why(nothing.path()));

    assert_eq!(place.installed(), before);
}

#[test]
fn a_wheel_of_a_pinned_name_must_have_the_pinned_content() {
    let place = place();
    let Ok(pinned) = PinnedWheel::of_this_system() else { return };
    let wheel = place.wheel(&pinned.file_name(), &[("readme", b"")]);
    let error = place.setup(&wheel).unwrap_err();
    assert!(error.to_string().contains(pinned.sha256), "{error}");
    assert!(place.installed().is_empty());
}

#[test]
fn without_a_data_directory_nothing_is_tried() {
    let error = setup(None, &LoadOptions::default(), &mut |_| {}).unwrap_err();
    assert!(error.hint().unwrap().contains("HUEDB_DATA_DIR"));
}
