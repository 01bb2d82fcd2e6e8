//! The real binary against real servers on loopback: one integration crate for all of it.
//!
//! The first group of modules is the harness, the `t_*` modules are the tests. Every server stands
//! on a port of its own, every certificate is made in the run, every wait ends at a condition or
//! at a deadline, and every child process dies with the test that started it. Nothing here needs
//! the internet, and no test depends on another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails with the reason"
)]

mod blackhole;
mod capture;
mod catalogue;
mod certs;
mod certs_openssl;
mod codec;
mod daemon;
mod golden;
mod haproxy;
mod hostile;
mod json;
mod lab;
mod mosquitto;
mod namespace;
mod openssl;
mod provoke;
mod proxy;
mod rogue;
mod rogue_server;
mod run;
mod witness;

mod t_allowance;
mod t_certificate;
mod t_check;
mod t_clock;
mod t_config;
mod t_ends;
mod t_explain;
mod t_harness;
mod t_hostile;
mod t_hostile_tls;
mod t_limits;
mod t_mosquitto;
mod t_mqtt;
mod t_mqtt5;
mod t_packaging;
mod t_packets;
mod t_properties;
mod t_providers;
mod t_pub;
mod t_reasons;
mod t_request;
mod t_resumed;
mod t_second;
mod t_secrets;
mod t_stream_codes;
mod t_stream_promises;
mod t_streams_faults;
mod t_structure;
mod t_sub;
mod t_tcp;
mod t_terminal;
mod t_tls;
