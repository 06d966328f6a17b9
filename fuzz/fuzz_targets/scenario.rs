#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cliqueclique_fuzz::scenario::run(bytes));
