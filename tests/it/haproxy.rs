//! HAProxy in front of a broker, as cloud brokers stand behind theirs: routing by the server name
//! in the ClientHello, or ending TLS itself and demanding ALPN.

use std::fs;
use std::process::Command;

use crate::certs::Files;
use crate::daemon::Daemon;
use crate::lab::{Lab, wait_until_listening};

pub(crate) struct Haproxy {
    pub(crate) port: u16,
    _daemon: Daemon,
}

/// Passes TLS on, unopened, to `backend` when the ClientHello names `name`, and closes every other
/// connection without a word.
pub(crate) fn sni_router(lab: &Lab, name: &str, backend: u16) -> Haproxy {
    start(lab, |port| {
        format!(
            "frontend sni\n bind 127.0.0.1:{port}\n tcp-request inspect-delay 5s\n \
             tcp-request content accept if {{ req.ssl_sni -i {name} }}\n \
             tcp-request content reject\n default_backend broker\n\
             backend broker\n server one 127.0.0.1:{backend}\n"
        )
    })
}

/// Ends TLS, offering the protocol `alpn`, and passes on to a plaintext `backend` only who chose
/// it; others are closed after the handshake, before any CONNACK.
pub(crate) fn alpn_terminator(lab: &Lab, server: &Files, alpn: &str, backend: u16) -> Haproxy {
    let bundle = lab.path("haproxy.pem");
    let part = |name: &str| fs::read_to_string(lab.path(name)).unwrap();
    fs::write(&bundle, part(&server.cert) + &part(&server.key)).unwrap();
    let bundle = bundle.display();
    start(lab, |port| {
        format!(
            "frontend tls\n bind 127.0.0.1:{port} ssl crt {bundle} alpn {alpn}\n \
             tcp-request inspect-delay 5s\n \
             tcp-request content reject unless {{ ssl_fc_alpn -m str {alpn} }}\n \
             default_backend broker\n\
             backend broker\n server one 127.0.0.1:{backend}\n"
        )
    })
}

/// Ends TLS with the certificate of the name that is asked for, as Traefik and nginx do: without one,
/// with `default`. It passes on to a plaintext `backend`.
pub(crate) fn terminator_by_name(
    lab: &Lab,
    default: &Files,
    named: &Files,
    backend: u16,
) -> Haproxy {
    let part = |name: &str| fs::read_to_string(lab.path(name)).unwrap();
    let bundles = [("default", default), ("named", named)].map(|(stem, files)| {
        lab.write(
            &format!("{stem}-bundle.pem"),
            part(&files.cert) + &part(&files.key),
        )
    });
    let [default, named] = bundles.map(|path| path.display().to_string());
    start(lab, |port| {
        format!(
            "frontend tls\n bind 127.0.0.1:{port} ssl crt {default} crt {named}\n \
             default_backend broker\n\
             backend broker\n server one 127.0.0.1:{backend}\n"
        )
    })
}

fn start(lab: &Lab, sections: impl Fn(u16) -> String) -> Haproxy {
    Daemon::retry(|| {
        let port = lab.port();
        let conf = format!(
            "global\n maxconn 100\n\
             defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n{}",
            sections(port)
        );
        let conf = lab.write(&format!("haproxy-{port}.cfg"), conf);
        let mut daemon = Daemon::start(Command::new("haproxy").arg("-db").arg("-f").arg(conf));
        if wait_until_listening(port, || daemon.is_running()) {
            return Ok(Haproxy {
                port,
                _daemon: daemon,
            });
        }
        Err(daemon.log().text())
    })
}
