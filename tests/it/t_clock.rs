//! A clock that is wrong: the verdict names the clock, and not the certificate that it makes look
//! bad. A clock that can be right leaves it to the certificate.

use crate::certs_openssl as forms;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::provoke::{plain_config, provoke, tls_config, trusting_lab};

/// A board without a battery, five seconds after it got its power.
const WAKES_UP: &str = "1970-01-01 00:00:05";

/// No certificate of this run lasts until three years before.
const YEARS_AHEAD: &str = "2045-06-01 12:00:00";

#[test]
fn tls_clock_wrong() {
    let (lab, root) = trusting_lab();
    let intermediate = root.intermediate("Test Intermediate");
    for (issuer, variant) in [(&root, "leaf-alone"), (&intermediate, "chain")] {
        let broker = with_certificate(&lab, issuer.server(&["localhost"]));
        for (moment, year, more) in [
            (WAKES_UP, "1970", "this program was built on "),
            (YEARS_AHEAD, "2045", "ended years before that"),
        ] {
            let found = provoke(&lab, tls_config(broker.port, ""))
                .variant(&format!("{year}.{variant}"))
                .at(moment)
                .fails("tls-clock-wrong");
            let clock = format!("this machine's clock says {year}-");
            found.says(&[&clock, more, "timedatectl set-ntp true"]);
        }
        // The broker is right in every way, as the right clock shows.
        provoke(&lab, tls_config(broker.port, "")).passes();
    }
}

/// Where no date is looked at, a wrong clock does no harm, and is said all the same.
#[test]
fn a_suspect_clock_is_a_warning() {
    let (lab, root) = trusting_lab();
    let broker = mosquitto(&lab).start();
    let found = provoke(&lab, plain_config(broker.port, ""))
        .variant("warning.clock-suspect.plain")
        .at(WAKES_UP)
        .passes();
    found.warns("clock-suspect");

    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let pinned = format!("pin_sha256 = {}\n", forms::fingerprint(&lab, "server.pem"));
    let found = provoke(&lab, tls_config(broker.port, &pinned))
        .variant("warning.clock-suspect.pinned")
        .at(WAKES_UP)
        .passes();
    found.warns("clock-suspect");
    // With the right clock there is nothing to say.
    let found = provoke(&lab, tls_config(broker.port, &pinned)).passes();
    found.warns_of_nothing();
}
