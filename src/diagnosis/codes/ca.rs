//! Faults of a CA certificate in the chain: it is the one to be issued anew, and not the broker's. The
//! code is `certificate`'s.

use rustls::CertificateError;

use crate::config::Key;
use crate::diagnosis::chain::{Evidence, holder};
use crate::diagnosis::codes::certificate::{BAD_CERTIFICATE, list};
use crate::diagnosis::{Diagnosis, origin};
use crate::x509::Certificate;

/// Which fault it is, by rustls's word for it. `None`: another one.
pub(crate) fn fault(shown: &Evidence<'_>, said: &CertificateError) -> Option<Diagnosis> {
    let CertificateError::Other(said) = said else {
        return None;
    };
    match said.to_string().as_str() {
        "EndEntityUsedAsCa" => no_ca(shown),
        "PathLenConstraintViolated" => too_long_path(shown),
        "NameConstraintViolation" => names_not_allowed(shown),
        "UnsupportedCriticalExtension" => unknown_extension(shown),
        _ => None,
    }
}

/// What makes a CA certificate issued anew no great work.
const SAME_KEY: &str = "; with the same key, what it signed stays good";
const REPLACE: &str =
    "put it into the broker's certificate file in place of the present one, and reload the broker";

/// The first certificate above the leaf of which this is true, with its place.
fn above<'a>(
    shown: &Evidence<'a>,
    test: impl Fn(usize, &Certificate) -> bool,
) -> Option<(usize, &'a Certificate)> {
    let mut certificates = shown.chain.certificates();
    certificates.find(|(at, it)| *at > 0 && test(*at, it))
}

fn no_ca(shown: &Evidence<'_>) -> Option<Diagnosis> {
    let (at, ca) = above(shown, |_, it| !it.is_ca)?;
    let (name, issuer) = (ca.subject.short(), ca.issuer.short());
    Some(Diagnosis::new(&BAD_CERTIFICATE, format!("`{name}` has issued a certificate of the broker's chain, and is no CA"))
        .notes(shown.chain.lines(at, "not marked as a CA (CA:TRUE)"))
        .note("what issues certificates must be marked as a CA: `basicConstraints = critical, CA:TRUE` (RFC 5280 §4.2.1.9)")
        .help(format!("have the certificate of `{name}` issued anew by `{issuer}`, marked as a CA{SAME_KEY}"))
        .help(REPLACE))
}

fn too_long_path(shown: &Evidence<'_>) -> Option<Diagnosis> {
    // RFC 5280 §4.2.1.9: so many CAs may stand between it and the leaf.
    let below = |at: usize| u32::try_from(at - 1).unwrap_or(u32::MAX);
    let too_many = |at, it: &Certificate| it.path_length.is_some_and(|most| below(at) > most);
    let (at, ca) = above(shown, too_many)?;
    let (name, issuer) = (ca.subject.short(), ca.issuer.short());
    let (most, found) = (ca.path_length.unwrap_or_default(), below(at));
    Some(Diagnosis::new(&BAD_CERTIFICATE, format!("the CA `{name}` may not have so many CAs below it (path length)"))
        .note(format!("its path length (pathLenConstraint) allows so many below it: {most}; found: {found}"))
        .notes(shown.chain.lines(at, &format!("path length {most}")))
        .help(format!("have the certificate of `{name}` issued anew by `{issuer}` with a larger `pathlen`, or without one{SAME_KEY}"))
        .help(REPLACE))
}

fn names_not_allowed(shown: &Evidence<'_>) -> Option<Diagnosis> {
    let above = shown
        .chain
        .certificates()
        .filter(|(at, _)| *at > 0)
        .map(|(at, it)| (Some(at), it));
    let mut limiting = above
        .chain(shown.signers().map(|it| (None, it)))
        .filter(|(_, it)| it.limits_names);
    let (at, ca) = limiting.next()?;
    // Of several, which one does not allow them is not known.
    if limiting.next().is_some() {
        return None;
    }
    let name = ca.subject.short();
    let names = shown.chain.leaf().map_or(&[][..], |leaf| &leaf.names);
    let place = match at {
        Some(_) => "it is presented with the broker's certificate".to_owned(),
        None => format!("it is in {}", origin(shown.config, Key::CaFile)),
    };
    Some(Diagnosis::new(&BAD_CERTIFICATE, format!("the CA `{name}` is not allowed to issue certificates for this broker's names"))
        .note(format!("its certificate has name constraints (RFC 5280 §4.2.1.10); {place}"))
        .note(format!("the broker's certificate is for {}", list(names)))
        .notes(shown.chain.lines(at.unwrap_or_default(), match at {
            Some(_) => "name constraints",
            None => "",
        }))
        .help(format!("see which names the certificate of `{name}` allows: `openssl x509 -in ca.crt -noout -ext nameConstraints`"))
        .help(format!("if `{name}` is your own CA, issue its certificate anew with name constraints that allow this name, or without them{SAME_KEY}"))
        .help("if not, have it issue the broker a certificate for a name that it allows, and set `host` to that name"))
}

fn unknown_extension(shown: &Evidence<'_>) -> Option<Diagnosis> {
    let mut certificates = shown.chain.certificates();
    let (at, extension, it) =
        certificates.find_map(|(at, it)| Some((at, it.critical.as_ref()?, it)))?;
    let (name, issuer) = (holder(it), it.issuer.short());
    let what = match at {
        0 => "the broker's certificate".to_owned(),
        _ => format!("the CA certificate `{name}`"),
    };
    Some(Diagnosis::new(&BAD_CERTIFICATE, format!("{what} has a critical extension that is not known here"))
        .note(format!("the extension {extension} is marked as critical: who does not know it must refuse the certificate (RFC 5280 §4.2)"))
        .notes(shown.chain.lines(at, &format!("critical: {extension}")))
        .help(format!("have the certificate of `{name}` issued anew by `{issuer}`, with this extension not marked as critical, or without it{}", if at > 0 { SAME_KEY } else { "" }))
        .help(REPLACE))
}
