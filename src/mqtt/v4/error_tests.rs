//! Tables and random input: every error of rumqttc has its place among our own, and a diagnosis that
//! holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use io::ErrorKind as Kind;
use proptest::prelude::*;
use rumqttc::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, SubscribeReasonCode,
};
use rustls::pki_types::ServerName;

use super::*;
use crate::config::Qos;
use crate::diagnosis::diagnose;
use crate::failure::{Command, Failure, Stage};
use crate::testing::errors::{mqtt_error, rustls_errors};
use crate::testing::{SECRET, assert_sound, facts, good, leaf};

const LIMIT: Duration = Duration::from_secs(15);

fn codec(error: CodecError) -> ConnectionError {
    ConnectionError::MqttState(StateError::Deserialization(error))
}

fn io_error(kind: Kind) -> ConnectionError {
    ConnectionError::Io(kind.into())
}

/// `expected`: the Debug form of the [`LinkError`], or its beginning.
#[track_caller]
fn check(error: ConnectionError, expected: &str) {
    let shown = format!("{error:?}");
    let fault = format!("{:?}", classify(error, LIMIT));
    assert!(fault.starts_with(expected), "{shown}: {fault}");
}

fn refused_with(code: u8) -> String {
    format!("{:?}", LinkError::Refused(code.into()))
}

#[test]
fn the_broker_s_own_words_keep_their_code() {
    use ConnectReturnCode as Code;
    for (code, number) in [
        (Code::RefusedProtocolVersion, 1),
        (Code::BadClientId, 2),
        (Code::ServiceUnavailable, 3),
        (Code::BadUserNamePassword, 4),
        (Code::NotAuthorized, 5),
    ] {
        let expected = refused_with(number);
        check(ConnectionError::ConnectionRefused(code), &expected);
    }
    // rumqttc cannot name AWS's 7 and the codes of MQTT 5, but hands them on.
    for code in [6, 7, 0x80, 0x87, 0x9f, 0xff] {
        let refused = codec(CodecError::InvalidConnectReturnCode(code));
        check(refused, &refused_with(code));
        let denied = codec(CodecError::InvalidSubscribeReasonCode(code));
        check(denied, &format!("{:?}", LinkError::SubackCode(code.into())));
    }
}

#[test]
fn the_ends_of_a_connection_are_told_apart() {
    let timed_out = "TimedOut { limit: 15s }";
    check(ConnectionError::NetworkTimeout, timed_out);
    check(ConnectionError::FlushTimeout, timed_out);
    let aborted = ConnectionError::MqttState(StateError::ConnectionAborted);
    check(aborted, "Closed { reset: false }");
    let silent = ConnectionError::MqttState(StateError::AwaitPingResp);
    check(silent, "NoPingResponse(None)");
    for (kind, expected) in [
        (Kind::UnexpectedEof, "Closed { reset: false }"),
        (Kind::ConnectionReset, "Closed { reset: true }"),
        (Kind::ConnectionAborted, "Closed { reset: true }"),
        (Kind::BrokenPipe, "Closed { reset: true }"),
        (Kind::ConnectionRefused, "Tcp("),
        (Kind::HostUnreachable, "Tcp("),
        (Kind::NetworkUnreachable, "Tcp("),
        (Kind::TimedOut, "Io("),
        (Kind::WouldBlock, "Io("),
        (Kind::PermissionDenied, "Io("),
    ] {
        // The same error reaches us in four wrappings.
        check(io_error(kind), expected);
        check(ConnectionError::Tls(TlsError::Io(kind.into())), expected);
        check(
            ConnectionError::MqttState(StateError::Io(kind.into())),
            expected,
        );
        check(codec(CodecError::Io(kind.into())), expected);
    }
}

#[test]
fn what_is_no_mqtt_keeps_the_library_s_words() {
    let size = 268_435_455;
    let large = codec(CodecError::PayloadSizeLimitExceeded(size));
    check(large, &format!("TooLarge {{ size: {size} }}"));
    for error in [
        codec(CodecError::MalformedPacket),
        codec(CodecError::InvalidPacketType(0)),
        codec(CodecError::MalformedRemainingLength),
        ConnectionError::NotConnAck(Packet::PingResp),
        ConnectionError::MqttState(StateError::Unsolicited(7)),
        ConnectionError::MqttState(StateError::WrongPacket),
    ] {
        check(error, "Undecodable { words: \"");
    }
    let cut = io::Error::other("bytes remaining on stream");
    let expected = "Undecodable { words: \"the connection ended in the middle of a packet\" }";
    check(ConnectionError::Io(cut), expected);
}

#[test]
fn tls_comes_out_of_its_wrappings() {
    for error in rustls_errors("x") {
        let expected = format!("Tls(Rustls({error:?}))");
        let wrapped = || io::Error::new(Kind::InvalidData, error.clone());
        check(
            ConnectionError::Tls(TlsError::TLS(error.clone())),
            &expected,
        );
        check(ConnectionError::Tls(TlsError::Io(wrapped())), &expected);
        check(ConnectionError::Io(wrapped()), &expected);
        check(
            ConnectionError::MqttState(StateError::Io(wrapped())),
            &expected,
        );
        check(codec(CodecError::Io(wrapped())), &expected);
    }
}

const KINDS: [Kind; 16] = [
    Kind::NotFound,
    Kind::PermissionDenied,
    Kind::ConnectionRefused,
    Kind::ConnectionReset,
    Kind::HostUnreachable,
    Kind::NetworkUnreachable,
    Kind::ConnectionAborted,
    Kind::NotConnected,
    Kind::AddrNotAvailable,
    Kind::BrokenPipe,
    Kind::WouldBlock,
    Kind::InvalidData,
    Kind::TimedOut,
    Kind::Interrupted,
    Kind::UnexpectedEof,
    Kind::OutOfMemory,
];

fn io_errors(text: &str, os: i32) -> Vec<io::Error> {
    let mut errors: Vec<_> = KINDS.map(Into::into).into();
    errors.extend(KINDS.map(|kind| io::Error::new(kind, text.to_owned())));
    errors.push(io::Error::from_raw_os_error(os));
    errors
}

fn packets(text: &str, bytes: &[u8]) -> Vec<Packet> {
    vec![
        Packet::ConnAck(ConnAck {
            session_present: true,
            code: ConnectReturnCode::Success,
        }),
        Packet::Publish(Publish::new(text, QoS::AtLeastOnce, bytes)),
        Packet::PubAck(PubAck::new(7)),
        Packet::SubAck(SubAck::new(7, vec![SubscribeReasonCode::Failure])),
        Packet::PingReq,
        Packet::PingResp,
        Packet::Disconnect,
    ]
}

fn codec_errors(number: u8, size: usize) -> Vec<CodecError> {
    vec![
        CodecError::NotConnect(rumqttc::PacketType::PingReq),
        CodecError::UnexpectedConnect,
        CodecError::InvalidConnectReturnCode(number),
        CodecError::InvalidProtocol,
        CodecError::InvalidProtocolLevel(number),
        CodecError::IncorrectPacketFormat,
        CodecError::InvalidPacketType(number),
        CodecError::InvalidPropertyType(number),
        CodecError::InvalidQoS(number),
        CodecError::InvalidSubscribeReasonCode(number),
        CodecError::PacketIdZero,
        CodecError::PayloadSizeIncorrect,
        CodecError::PayloadTooLong,
        CodecError::PayloadSizeLimitExceeded(size),
        CodecError::PayloadRequired,
        CodecError::TopicNotUtf8,
        CodecError::BoundaryCrossed(size),
        CodecError::MalformedPacket,
        CodecError::MalformedRemainingLength,
        CodecError::EmptySubscription,
        CodecError::InsufficientBytes(size),
        CodecError::OutgoingPacketTooLarge {
            pkt_size: size,
            max: 1,
        },
    ]
}

/// Every error of rumqttc that can be made without a server.
fn errors(text: &str, number: u8, size: usize, os: i32, bytes: &[u8]) -> Vec<ConnectionError> {
    let io = || io_errors(text, os).into_iter();
    let mut tls = vec![
        TlsError::NoValidCertInChain,
        TlsError::NoValidClientCertInChain,
        TlsError::NoValidKeyInChain,
        TlsError::Addr("x".parse::<std::net::IpAddr>().unwrap_err()),
        TlsError::DNSName(ServerName::try_from("-").unwrap_err()),
    ];
    tls.extend(io().map(TlsError::Io));
    tls.extend(rustls_errors(text).into_iter().map(TlsError::TLS));
    let wrapped = rustls_errors(text).into_iter();
    let wrapped = wrapped.map(|error| io::Error::new(Kind::InvalidData, error));
    let mut states = vec![
        StateError::InvalidState,
        StateError::Unsolicited(u16::from(number)),
        StateError::AwaitPingResp,
        StateError::WrongPacket,
        StateError::CollisionTimeout,
        StateError::EmptySubscription,
        StateError::ConnectionAborted,
    ];
    states.extend(io().map(StateError::Io));
    states.extend(
        codec_errors(number, size)
            .into_iter()
            .map(StateError::Deserialization),
    );
    states.extend(io().map(|error| StateError::Deserialization(CodecError::Io(error))));
    let mut errors = vec![
        ConnectionError::NetworkTimeout,
        ConnectionError::FlushTimeout,
        ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized),
        ConnectionError::RequestsDone,
    ];
    errors.extend(
        packets(text, bytes)
            .into_iter()
            .map(ConnectionError::NotConnAck),
    );
    errors.extend(io().chain(wrapped).map(ConnectionError::Io));
    errors.extend(tls.into_iter().map(ConnectionError::Tls));
    errors.extend(states.into_iter().map(ConnectionError::MqttState));
    errors
}

fn failure(stage: Stage, fault: LinkError) -> Failure {
    match fault {
        LinkError::Tls(cause) => Failure::Tls(Box::new(crate::failure::TlsError {
            cause,
            facts: facts(vec![leaf()]),
            late: Some(true),
        })),
        fault => {
            let error = mqtt_error(Command::Check, stage, Qos::AtLeastOnce, fault);
            Failure::Mqtt(Box::new(error))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 24,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_error_of_rumqttc_has_a_place_and_then_a_code(
        text in "\\PC{1,40}",
        number in any::<u8>(),
        size in any::<usize>(),
        os in 1..134_i32,
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        plain in any::<bool>(),
    ) {
        let tls = if plain { "tls = off\n" } else { "" };
        let config = good(&format!("{tls}username = me\npassword = {SECRET}"));
        for stage in [Stage::Connect, Stage::Subscribe, Stage::Publish, Stage::Receive] {
            for error in errors(&text, number, size, os, &bytes) {
                let failure = failure(stage, classify(error, LIMIT));
                let diagnosis = diagnose(&failure, &config, 0);
                prop_assert!((5..=9).contains(&diagnosis.exit_code()));
                assert_sound(&diagnosis);
            }
        }
    }
}
