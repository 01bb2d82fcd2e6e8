//! What every code means, for people who meet it for the first time: `mqtt-test explain` and the
//! table of the README are made of this. It knows no single failure; what was found in one run is
//! put into words by `diagnose`, and the two agree.
//!
//! Both matches are exhaustive: a new code does not compile until it is explained.

use crate::config::{UsageError, url};
use crate::diagnosis::entry::Entry;
use crate::util::nearest;

use crate::diagnosis::catalogue_warning as warning;
use crate::diagnosis::code::Code;
use crate::diagnosis::codes::{
    catalogue_config as config, catalogue_mqtt as mqtt, catalogue_net as net, catalogue_tls as tls,
};
use crate::diagnosis::diagnose::INTERRUPTED;
use crate::diagnosis::warning::Kind;

/// Anything that has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Failure(Code),
    /// SIGINT or SIGTERM, in whatever stage.
    Interrupted,
    Warning(Kind),
}

impl Topic {
    /// Every one: the failures in the order of their stages, then the rest.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let failures = Code::ALL.iter().copied().map(Self::Failure);
        let warnings = Kind::ALL.iter().copied().map(Self::Warning);
        failures.chain([Self::Interrupted]).chain(warnings)
    }

    /// The one of this name, in whatever case it was typed.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|topic| topic.name().eq_ignore_ascii_case(name))
    }

    /// What the user of `explain` meant.
    ///
    /// # Errors
    /// [`UsageError::UnknownCode`], with the nearest one.
    pub(crate) fn find(given: &str) -> Result<Self, UsageError> {
        Self::named(given).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(Self::name).collect();
            let nearest = nearest(&given.to_ascii_lowercase(), &names);
            let given = url::redact(given);
            UsageError::UnknownCode { given, nearest }
        })
    }

    /// The code itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failure(code) => code.name(),
            Self::Interrupted => "interrupted",
            Self::Warning(kind) => kind.name(),
        }
    }

    /// The stage of a failure; `any` and `warning` stand where there is none.
    pub(crate) fn stage(self) -> &'static str {
        match self {
            Self::Failure(code) => code.stage().name(),
            Self::Interrupted => "any",
            Self::Warning(_) => "warning",
        }
    }

    /// `None`: a warning, which leaves the exit code as it is.
    pub(crate) fn exit_code(self) -> Option<u8> {
        match self {
            Self::Failure(code) => Some(code.stage().exit_code()),
            Self::Interrupted => Some(INTERRUPTED),
            Self::Warning(_) => None,
        }
    }

    pub(crate) fn entry(self) -> Entry {
        match self {
            Self::Failure(code) => failure(code),
            Self::Interrupted => warning::INTERRUPTED,
            Self::Warning(kind) => of_warning(kind),
        }
    }

    /// What the code means, in whole sentences.
    pub(crate) fn meaning(self) -> String {
        let Entry { line, more, .. } = self.entry();
        let mut line = line.chars();
        let capital = line.next().map(|first| first.to_ascii_uppercase());
        let sentence: String = capital.into_iter().chain(line).collect();
        format!("{sentence}. {more}")
    }
}

fn failure(code: Code) -> Entry {
    match code {
        Code::UsageInvalid => config::USAGE_INVALID,
        Code::ConfigUnreadable => config::CONFIG_UNREADABLE,
        Code::ConfigInvalid => config::CONFIG_INVALID,
        Code::HostInvalid => config::HOST_INVALID,
        Code::PasswordUnavailable => config::PASSWORD_UNAVAILABLE,
        Code::CaFileInvalid => config::CA_FILE_INVALID,
        Code::ClientCertInvalid => config::CLIENT_CERT_INVALID,
        Code::ClientKeyInvalid => config::CLIENT_KEY_INVALID,
        Code::ClientKeyEncrypted => config::CLIENT_KEY_ENCRYPTED,
        Code::ClientKeyMismatch => config::CLIENT_KEY_MISMATCH,
        Code::NoTrustRoots => config::NO_TRUST_ROOTS,
        Code::QosUnsupported => config::QOS_UNSUPPORTED,
        Code::AlpnRequired => config::ALPN_REQUIRED,
        Code::DnsNotFound => net::DNS_NOT_FOUND,
        Code::DnsUnavailable => net::DNS_UNAVAILABLE,
        Code::TcpRefused => net::TCP_REFUSED,
        Code::TcpTimeout => net::TCP_TIMEOUT,
        Code::TcpUnreachable => net::TCP_UNREACHABLE,
        Code::TlsNotTls => tls::NOT_TLS,
        Code::TlsClosed => tls::CLOSED,
        Code::TlsTimeout => tls::TIMEOUT,
        Code::TlsUnknownIssuer => tls::UNKNOWN_ISSUER,
        Code::TlsMissingIntermediate => tls::MISSING_INTERMEDIATE,
        Code::TlsSelfSigned => tls::SELF_SIGNED,
        Code::TlsPinMismatch => tls::PIN_MISMATCH,
        Code::TlsCaAsLeaf => tls::CA_AS_LEAF,
        Code::TlsExpired => tls::EXPIRED,
        Code::TlsNotYetValid => tls::NOT_YET_VALID,
        Code::TlsClockWrong => tls::CLOCK_WRONG,
        Code::TlsNameMismatch => tls::NAME_MISMATCH,
        Code::TlsNoSan => tls::NO_SAN,
        Code::TlsV1Certificate => tls::V1_CERTIFICATE,
        Code::TlsBadCertificate => tls::BAD_CERTIFICATE,
        Code::TlsVersion => tls::VERSION,
        Code::TlsNoCommonCipher => tls::NO_COMMON_CIPHER,
        Code::TlsUnrecognisedName => tls::UNRECOGNISED_NAME,
        Code::TlsNoSni => tls::NO_SNI,
        Code::TlsAlpn => tls::ALPN,
        Code::TlsClientCertRequired => tls::CLIENT_CERT_REQUIRED,
        Code::TlsClientCertRejected => tls::CLIENT_CERT_REJECTED,
        Code::TlsAlert => tls::ALERT,
        Code::MqttIsTls => mqtt::IS_TLS,
        Code::MqttNotMqtt => mqtt::NOT_MQTT,
        Code::MqttClosed => mqtt::CLOSED,
        Code::MqttTimeout => mqtt::TIMEOUT,
        Code::MqttBadCredentials => mqtt::BAD_CREDENTIALS,
        Code::MqttNotAuthorized => mqtt::NOT_AUTHORIZED,
        Code::MqttClientIdRejected => mqtt::CLIENT_ID_REJECTED,
        Code::MqttServerUnavailable => mqtt::SERVER_UNAVAILABLE,
        Code::MqttVersion => mqtt::VERSION,
        Code::MqttRefused => mqtt::REFUSED,
        Code::MqttTakenOver => mqtt::TAKEN_OVER,
        Code::SubscribeDenied => mqtt::SUBSCRIBE_DENIED,
        Code::SubscribeClosed => mqtt::SUBSCRIBE_CLOSED,
        Code::SubscribeTimeout => mqtt::SUBSCRIBE_TIMEOUT,
        Code::PublishClosed => mqtt::PUBLISH_CLOSED,
        Code::PublishTimeout => mqtt::PUBLISH_TIMEOUT,
        Code::PublishTooLarge => mqtt::PUBLISH_TOO_LARGE,
        Code::ReceiveTimeout => mqtt::RECEIVE_TIMEOUT,
        Code::ReceiveTooLarge => mqtt::RECEIVE_TOO_LARGE,
        Code::ReceiveAltered => mqtt::RECEIVE_ALTERED,
        Code::ReceiveClosed => mqtt::RECEIVE_CLOSED,
        Code::ConnectionLost => mqtt::CONNECTION_LOST,
    }
}

fn of_warning(kind: Kind) -> Entry {
    match kind {
        Kind::CertExpiresSoon => warning::CERT_EXPIRES_SOON,
        Kind::SniNotSent => warning::SNI_NOT_SENT,
        Kind::PasswordInClear => warning::PASSWORD_IN_CLEAR,
        Kind::ConfigWorldReadable => warning::CONFIG_WORLD_READABLE,
        Kind::AddressFailed => warning::ADDRESS_FAILED,
        Kind::ClockSuspect => warning::CLOCK_SUSPECT,
        Kind::QosDowngraded => warning::QOS_DOWNGRADED,
        Kind::RootsSkipped => warning::ROOTS_SKIPPED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the longest code before it, a terminal's width.
    const LINE: usize = 52;

    #[test]
    fn every_code_is_explained_in_full() {
        for topic in Topic::all() {
            let name = topic.name();
            let Entry {
                line,
                more,
                causes,
                remedies,
            } = topic.entry();
            assert!(line.chars().count() <= LINE, "{name}: {line}");
            assert!(!line.ends_with('.') && !line.contains('|'), "{name}");
            assert!(
                line.starts_with(|c: char| c.is_ascii_lowercase() || c == '`'),
                "{name}"
            );
            assert!(more.ends_with('.'), "{name}: {more}");
            assert!(!causes.is_empty() && !remedies.is_empty(), "{name}");
            for text in [line, more].iter().chain(causes).chain(remedies) {
                assert!(text.len() > 10, "{name}: {text}");
                assert_eq!(text.trim(), *text, "{name}");
                assert!(!text.contains("  ") && !text.contains('\n'), "{name}");
                assert_eq!(text.matches('`').count() % 2, 0, "{name}: {text}");
                crate::testing::assert_sound_advice(text);
            }
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        for (at, topic) in Topic::all().enumerate() {
            assert_eq!(Topic::named(topic.name()), Some(topic));
            assert_eq!(Topic::named(&topic.name().to_uppercase()), Some(topic));
            let same = Topic::all().filter(|other| other.name() == topic.name());
            assert_eq!(same.count(), 1, "{at}");
            let same = Topic::all().filter(|other| other.entry().line == topic.entry().line);
            assert_eq!(same.count(), 1, "{}", topic.name());
        }
        assert_eq!(
            Topic::find("TLS-Expired"),
            Ok(Topic::Failure(Code::TlsExpired))
        );
        for (given, shown, nearest) in [
            ("tls-expird", "tls-expird", Some("tls-expired")),
            ("Interupted", "Interupted", Some("interrupted")),
            ("5", "5", None),
            ("mqtts://me:hunter2@h", "mqtts://me@h", None),
        ] {
            let given = Topic::find(given);
            let shown = shown.to_owned();
            let unknown = UsageError::UnknownCode {
                given: shown,
                nearest,
            };
            assert_eq!(given, Err(unknown));
        }
        assert_eq!(Topic::named("tls"), None);
        assert_eq!(Topic::named(""), None);
    }

    #[test]
    fn the_meaning_is_whole_sentences() {
        let meaning = Topic::Failure(Code::TlsExpired).meaning();
        assert!(meaning.starts_with("The broker's certificate has expired. Every "));
    }
}
