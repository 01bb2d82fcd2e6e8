//! Every code of the catalogue. A code is a promise: scripts match on it, so a name here never
//! changes its meaning. What each says to people is `diagnose`'s.

use crate::failure::Stage;

/// Declares the codes once: variant, name, stage.
macro_rules! codes {
    ($($stage:ident { $($variant:ident $name:literal)* })*) => {
        /// The stable name of a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code { $($($variant,)*)* }

        impl Code {
            /// All of them, in the order of the stages.
            pub(crate) const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// The name, as `--json` and the exit-code table show it.
            pub(crate) fn name(self) -> &'static str {
                match self { $($(Self::$variant => $name,)*)* }
            }

            /// The stage that the name begins with, which tells the exit code.
            pub(crate) fn stage(self) -> Stage {
                match self { $($(Self::$variant => Stage::$stage,)*)* }
            }
        }
    };
}

codes! {
    Config {
        UsageInvalid "usage-invalid"
        ConfigUnreadable "config-unreadable"
        ConfigInvalid "config-invalid"
        HostInvalid "host-invalid"
        PasswordUnavailable "password-unavailable"
        CaFileInvalid "ca-file-invalid"
        ClientCertInvalid "client-cert-invalid"
        ClientKeyInvalid "client-key-invalid"
        ClientKeyEncrypted "client-key-encrypted"
        ClientKeyMismatch "client-key-mismatch"
        NoTrustRoots "no-trust-roots"
        QosUnsupported "qos-unsupported"
        AlpnRequired "alpn-required"
    }
    Dns {
        DnsNotFound "dns-not-found"
        DnsUnavailable "dns-unavailable"
    }
    Tcp {
        TcpRefused "tcp-refused"
        TcpTimeout "tcp-timeout"
        TcpUnreachable "tcp-unreachable"
    }
    Tls {
        TlsNotTls "tls-not-tls"
        TlsClosed "tls-closed"
        TlsTimeout "tls-timeout"
        TlsUnknownIssuer "tls-unknown-issuer"
        TlsMissingIntermediate "tls-missing-intermediate"
        TlsSelfSigned "tls-self-signed"
        TlsPinMismatch "tls-pin-mismatch"
        TlsCaAsLeaf "tls-ca-as-leaf"
        TlsExpired "tls-expired"
        TlsNotYetValid "tls-not-yet-valid"
        TlsClockWrong "tls-clock-wrong"
        TlsNameMismatch "tls-name-mismatch"
        TlsNoSan "tls-no-san"
        TlsV1Certificate "tls-v1-certificate"
        TlsBadCertificate "tls-bad-certificate"
        TlsVersion "tls-version"
        TlsNoCommonCipher "tls-no-common-cipher"
        TlsUnrecognisedName "tls-unrecognised-name"
        TlsNoSni "tls-no-sni"
        TlsAlpn "tls-alpn"
        TlsClientCertRequired "tls-client-cert-required"
        TlsClientCertRejected "tls-client-cert-rejected"
        TlsAlert "tls-alert"
    }
    Connect {
        MqttIsTls "mqtt-is-tls"
        MqttNotMqtt "mqtt-not-mqtt"
        MqttClosed "mqtt-closed"
        MqttTimeout "mqtt-timeout"
        MqttBadCredentials "mqtt-bad-credentials"
        MqttNotAuthorized "mqtt-not-authorized"
        MqttClientIdRejected "mqtt-client-id-rejected"
        MqttServerUnavailable "mqtt-server-unavailable"
        MqttVersion "mqtt-version"
        MqttRefused "mqtt-refused"
        MqttTakenOver "mqtt-taken-over"
    }
    Subscribe {
        SubscribeDenied "subscribe-denied"
        SubscribeClosed "subscribe-closed"
        SubscribeTimeout "subscribe-timeout"
    }
    Publish {
        PublishClosed "publish-closed"
        PublishTimeout "publish-timeout"
        PublishTooLarge "publish-too-large"
    }
    Receive {
        ReceiveTimeout "receive-timeout"
        ReceiveTooLarge "receive-too-large"
        ReceiveAltered "receive-altered"
        ReceiveClosed "receive-closed"
    }
    Connection {
        ConnectionLost "connection-lost"
    }
}
