//! rumqttc's errors, by what happened on the wire. It explains none of them: that is a diagnosis's
//! task.

use std::io;
use std::time::Duration;

use rumqttc::mqttbytes::Error as CodecError;
use rumqttc::{ConnectionError, StateError, TlsError};

use crate::failure::{LinkError, TlsCause};
use crate::tls::cause_of;

/// What is half a packet to rumqttc when the connection ends.
const CUT_SHORT: &str = "the connection ended in the middle of a packet";

/// The same for a session that is open: whoever sent whole packets before speaks MQTT, and half a
/// packet is a link that was cut.
pub(crate) fn classify_open(error: ConnectionError, limit: Duration) -> LinkError {
    match classify(error, limit) {
        LinkError::Undecodable { words } if words == CUT_SHORT => {
            LinkError::Closed { reset: false }
        }
        error => error,
    }
}

/// Every error of rumqttc, by what happened on the wire. Its own words survive where ours end.
pub(crate) fn classify(error: ConnectionError, limit: Duration) -> LinkError {
    let undecodable = |error: &dyn std::fmt::Display| LinkError::Undecodable {
        words: error.to_string(),
    };
    match error {
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            LinkError::TimedOut { limit }
        }
        ConnectionError::Io(error) => classify_io(error),
        ConnectionError::Tls(TlsError::Io(error)) => classify_io(error),
        ConnectionError::Tls(TlsError::TLS(error)) => LinkError::Tls(TlsCause::Rustls(error)),
        ConnectionError::ConnectionRefused(code) => LinkError::Refused((code as u8).into()),
        ConnectionError::MqttState(error) => match error {
            StateError::Io(error) | StateError::Deserialization(CodecError::Io(error)) => {
                classify_io(error)
            }
            StateError::ConnectionAborted => LinkError::Closed { reset: false },
            StateError::AwaitPingResp => LinkError::NoPingResponse(None),
            StateError::Deserialization(error) => match error {
                CodecError::InvalidConnectReturnCode(code) => LinkError::Refused(code.into()),
                CodecError::InvalidSubscribeReasonCode(code) => LinkError::SubackCode(code.into()),
                CodecError::PayloadSizeLimitExceeded(size) => LinkError::TooLarge { size },
                error => undecodable(&error),
            },
            error => undecodable(&error),
        },
        // Its own words hold the packet: an echo's is our CONNECT, with the password.
        ConnectionError::NotConnAck(_) => undecodable(&"expected CONNACK, received another packet"),
        error => undecodable(&error),
    }
}

fn classify_io(error: io::Error) -> LinkError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut | Kind::WouldBlock => LinkError::Io(error),
        Kind::ConnectionRefused | Kind::HostUnreachable | Kind::NetworkUnreachable => {
            LinkError::Tcp(error)
        }
        _ => match cause_of(error) {
            TlsCause::Closed { reset } => LinkError::Closed { reset },
            TlsCause::Io(error) if error.to_string().contains("bytes remaining on stream") => {
                LinkError::Undecodable {
                    words: CUT_SHORT.to_owned(),
                }
            }
            TlsCause::Io(error) => LinkError::Io(error),
            cause => LinkError::Tls(cause),
        },
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
