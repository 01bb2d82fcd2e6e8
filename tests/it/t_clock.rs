//! A clock that is wrong: the verdict names the clock, and not the certificate that it makes look
//! bad. A clock that can be right leaves it to the certificate.

use std::time::Duration;

use crate::certs_openssl as forms;
use crate::lab::Lab;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::provoke::{BRIEF, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::run::Run;

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
    provoke(&lab, plain_config(broker.port, ""))
        .at(WAKES_UP)
        .streams_warn("clock-suspect");

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

/// With one certificate that is good at that date, it is the other that is too old.
#[test]
fn a_clock_that_fits_one_certificate_is_not_blamed() {
    let (lab, root) = trusting_lab();
    let chain = root.intermediate_valid("Test Intermediate", -100, 10_000);
    let broker = with_certificate(&lab, chain.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("2045")
        .at(YEARS_AHEAD)
        .fails("tls-expired");
    found.says(&["<- expired"]);
}

/// A time limit is a span, whatever the date is.
#[test]
fn time_limits_hold_with_any_clock() {
    let lab = Lab::new();
    let silent = Rogue::NeverDelivers.start(&lab);
    for moment in [WAKES_UP, YEARS_AHEAD] {
        Run::check(&lab, &plain_config(silent.port, BRIEF))
            .at(moment)
            .go()
            .expect_code(9)
            .expect_within(Duration::from_secs(3));
    }
}
