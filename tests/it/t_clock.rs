//! A clock that is wrong: the verdict names the clock, and not the certificate that it makes look
//! bad. A clock that can be right leaves it to the certificate.

use std::time::Duration;

use crate::certs::Authority;
use crate::certs_openssl as forms;
use crate::lab::{Lab, SYSTEM_ROOTS};
use crate::mosquitto::{mosquitto, with_certificate};
use crate::provoke::{BRIEF, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::run::Run;

/// A board without a battery, five seconds after it got its power.
const WAKES_UP: &str = "1970-01-01 00:00:05";

/// No certificate of this run lasts until then.
const YEARS_AHEAD: &str = "2045-06-01 12:00:00";

/// The system's store, as large as a store is at least.
fn write_system_roots(lab: &Lab) {
    let roots = (0..12).map(|n| Authority::root(&format!("System Root {n}")).pem());
    lab.write(SYSTEM_ROOTS, roots.collect::<String>());
}

#[test]
fn tls_clock_wrong() {
    let (lab, root) = trusting_lab();
    let intermediate = root.intermediate("Test Intermediate");
    write_system_roots(&lab);
    for (issuer, variant) in [(&root, "leaf-alone"), (&intermediate, "chain")] {
        let broker = with_certificate(&lab, issuer.server(&["localhost"]));
        for (moment, year, more) in [
            (WAKES_UP, "1970", "this program was built on "),
            (
                YEARS_AHEAD,
                "2045",
                "by this clock 12 of this system's 12 CA certificates have ended",
            ),
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

/// That all of a chain ended long ago says nothing of the clock: nobody may have renewed it.
#[test]
fn a_clock_that_can_be_right_is_not_blamed() {
    let (lab, root) = trusting_lab();
    write_system_roots(&lab);
    let chain = root.intermediate_valid("Test Intermediate", -3000, -1800);
    let broker = with_certificate(&lab, chain.server(&["localhost"]).valid(-2100, -1830));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("years-ago")
        .fails("tls-expired");
    found.says(&[
        "days ago <- expired",
        "if the date of the clock above is wrong",
    ]);
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
