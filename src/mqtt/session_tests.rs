//! What shows only over time, against a broker of a few bytes.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;
use crate::config::Config;
use crate::testing::good;

/// A PINGRESP stands behind all that the broker sent before, and a slow reader may need longer for
/// that than the keep-alive. Here it never comes.
#[test]
fn whatever_comes_in_shows_that_the_broker_lives() {
    const KEEP_ALIVE: Duration = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
        keep_alive: KEEP_ALIVE,
        ..good("tls = off\n")
    };
    let broker = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let connect = client.read(&mut [0; 256]).unwrap();
        assert!(connect > 0);
        // CONNACK, and PUBLISH on the topic `t`.
        client.write_all(&[0x20, 2, 0, 0]).unwrap();
        while client.write_all(&[0x30, 3, 0, 1, b't']).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let stop = &Stop::default();
    let target = Target {
        config: &config,
        password: None,
        tls: None,
        stop,
        protocol: config.protocol,
    };
    let limit = Duration::from_secs(30);
    let opened = Session::open(target, Limits::ONE, &Unfinished::default(), limit);
    let (mut session, _) = opened.unwrap();
    let end = Deadline::after(KEEP_ALIVE * 7 / 2, stop);
    while !end.is_over() {
        session.next(end).unwrap();
    }
    drop(session);
    broker.join().unwrap();
}
