#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mqtt_test::fuzzing::peer5(data));
