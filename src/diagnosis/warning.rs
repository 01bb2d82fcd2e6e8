//! The warnings of the catalogue: their codes and words. They never change the exit code.

use crate::failure::Warning;
use crate::util::{clock, text};

/// Declares the codes once: variant of [`Warning`], name.
macro_rules! kinds {
    ($($variant:ident $name:literal)*) => {
        /// A warning without what was found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($variant,)* }

        impl Kind {
            /// All of them, in the order of the catalogue.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        /// Which warning it is.
        pub(crate) fn kind(warning: &Warning) -> Kind {
            match warning { $(Warning::$variant { .. } => Kind::$variant,)* }
        }
    };
}

kinds! {
    CertExpiresSoon "cert-expires-soon"
    SniNotSent "sni-not-sent"
    PasswordInClear "password-in-clear"
    ConfigWorldReadable "config-world-readable"
    AddressFailed "address-failed"
    ClockSuspect "clock-suspect"
    QosDowngraded "qos-downgraded"
    RootsSkipped "roots-skipped"
}

/// The stable code.
pub(crate) fn code(warning: &Warning) -> &'static str {
    kind(warning).name()
}

/// What it means, and what to change.
pub(crate) fn text(warning: &Warning) -> String {
    match warning {
        Warning::CertExpiresSoon {
            subject,
            not_after,
            now,
            ..
        } if not_after < now => format!(
            "the pinned certificate of `{subject}` expired on {}, {} ago; the pin does not look at dates, other clients do",
            clock::utc(*not_after),
            clock::distance(*not_after, *now)
        ),
        Warning::CertExpiresSoon {
            subject,
            not_after,
            now,
            ..
        } => format!(
            "the broker's certificate for `{subject}` expires on {}, in {}: renew it",
            clock::utc(*not_after),
            clock::distance(*now, *not_after)
        ),
        Warning::SniNotSent { host } => {
            format!(
                "no server name (SNI) was sent to `{host}`; this broker works without it; serverless clouds do not"
            )
        }
        Warning::PasswordInClear => {
            "the password went over the network unencrypted: use the broker's TLS port".to_owned()
        }
        Warning::ConfigWorldReadable { path } => {
            format!(
                "`{path}` holds a secret and every user of this machine can read it: `chmod 600 {}`",
                text::quoted(path)
            )
        }
        Warning::AddressFailed { failed, peer } => {
            let failed: Vec<_> = failed
                .iter()
                .map(|tried| format!("{} failed ({})", tried.address, tried.error))
                .collect();
            format!(
                "{}; {peer} was used: clients that try the first address alone will fail",
                failed.join(", ")
            )
        }
        Warning::ClockSuspect { now, built } => format!(
            "this machine's clock says {}, before this program was built ({}): set it",
            clock::utc(*now),
            clock::utc(*built)
        ),
        Warning::QosDowngraded { asked, granted } => {
            format!(
                "QoS {asked} was asked for and QoS {granted} granted: the broker delivers with QoS {granted} at most"
            )
        }
        Warning::RootsSkipped { count } => format!(
            "{} of this system's store could not be used",
            text::count(*count as u64, "CA certificate")
        ),
    }
}
