#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wattpool_fuzz::run("audit_openings", data));
