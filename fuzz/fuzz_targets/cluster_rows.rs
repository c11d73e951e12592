#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    huedb::fuzzing::run("cluster_rows", bytes);
});
