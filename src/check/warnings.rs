//! What deserves a warning though the work goes on, told from what was seen on the way to the broker.
//! It finds nothing out.

use std::mem;

use crate::check::followup::Observed;
use crate::config::Transport;
use crate::failure::Warning;
use crate::mqtt::Target;
use crate::util::clock;
use crate::x509::Certificate;

/// The warnings about a target, after its first connection or the attempt at it.
pub(crate) fn about(observed: &mut Observed<'_>) -> Vec<Warning> {
    let Target {
        config,
        password,
        tls,
        ..
    } = observed.target;
    let plain = config.transport == Transport::Plain;
    let now = clock::now();
    let mut warnings = Vec::new();
    if let Some(facts) = &observed.facts {
        if facts.sni.is_none() {
            let host = config.host.clone();
            warnings.push(Warning::SniNotSent { host });
        }
        let leaf = facts.chain.first().and_then(|it| it.certificate.as_ref());
        if let Some(leaf) = leaf.filter(|leaf| ends_soon(leaf, now)) {
            warnings.push(Warning::CertExpiresSoon {
                subject: leaf.subject.short(),
                not_after: leaf.not_after,
                now,
            });
        }
    }
    let anchor = observed
        .facts
        .as_ref()
        .and_then(|it| it.ended_anchor.as_ref());
    warnings.extend(anchor.map(|anchor| Warning::CaExpired {
        subject: anchor.subject.short(),
        not_after: anchor.not_after,
        now,
    }));
    // Without TLS, or with a pin, no date was looked at. A handshake that fails by the clock has a
    // diagnosis that names it.
    let built = clock::build_date();
    if now < built && (observed.facts.is_some() || plain && observed.peer.is_some()) {
        warnings.push(Warning::ClockSuspect { now, built });
    }
    match tls.map_or(0, |tls| tls.skipped_roots()) {
        0 => {}
        count => warnings.push(Warning::RootsSkipped { count }),
    }
    let Some(peer) = observed.peer else {
        return warnings;
    };
    if plain && password.is_some() && !peer.ip().is_loopback() {
        warnings.push(Warning::PasswordInClear);
    }
    if !observed.failed.is_empty() {
        let failed = mem::take(&mut observed.failed);
        warnings.push(Warning::AddressFailed { failed, peer });
    }
    warnings
}

/// Less than 21 days and less than a third of its life left: a certificate for 7 days is not
/// reported on its first day, one for 90 days while there is time.
fn ends_soon(leaf: &Certificate, now: i64) -> bool {
    const SOON: i64 = 21 * 24 * 60 * 60;
    let left = leaf.not_after - now;
    left < SOON && left < (leaf.not_after - leaf.not_before) / 3
}
