//! Brokers that misbehave, each in one way that has a name. What they do is here, as acts in answer
//! to what the client sent; carrying the acts out over TCP and TLS is `rogue_server`'s.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::codec::{self, PINGRESP, PUBACK, PUBCOMP, PUBREC, PUBREL, Packet, Publish};

/// How a broker misbehaves. In every other respect it is a good broker for one client.
#[derive(Clone, Debug)]
pub(crate) enum Rogue {
    /// Does everything right.
    Obedient,

    // Before a word of MQTT. Behind TLS, these come after the handshake.
    /// Accepts, reads, and never says a word.
    Silent,
    /// Closes as soon as it has accepted.
    ClosesAtOnce,
    /// Resets (RST) as soon as it has accepted.
    ResetsAtOnce,
    /// Closes when the first bytes have come: a ClientHello or a CONNECT.
    ClosesAtFirstBytes,
    /// Resets when the first bytes have come.
    ResetsAtFirstBytes,
    /// Greets as an SSH server does, on the wrong port.
    SpeaksSsh,
    /// Answers whatever comes with an HTTP page.
    SpeaksHttp,
    /// Answers an HTTP request with 426, as a server of WebSocket does where the upgrade is not to its
    /// liking; closes at anything else.
    WantsWebSocket,
    /// Answers with bytes of no protocol.
    SpeaksGarbage,
    /// Answers the ClientHello with a fatal TLS alert of this number (RFC 8446 §6), and no more.
    TlsAlert(u8),
    /// The same on the first connection, and on the others not a word.
    TlsAlertOnce(u8, Arc<AtomicUsize>),
    /// Sends back what it is sent.
    Echoes,
    /// Sends back what it is sent from the n-th byte on, a byte of its own before it.
    EchoesFrom(usize),
    /// Answers with bytes that never end, as fast as they are read.
    EndlessBytes,
    /// Answers with the first byte of a CONNACK and a remaining length of 256 MiB.
    GiantRemainingLength,

    // CONNECT.
    /// Answers CONNECT with this code, then closes (MQTT 3.1.1 §3.2.2.3).
    RefusesConnect(u8),
    /// Answers a CONNECT of any version with a CONNACK in the form of MQTT 5 and this code.
    RefusesInFormOf5(u8),
    /// Never answers CONNECT.
    NeverConnack,
    /// Accepts every second CONNECT, and never answers the others.
    EverySecondConnack {
        in_form_of_5: bool,
        connects: Arc<AtomicUsize>,
    },
    /// Accepts, and closes so much later: another client has taken the client id over.
    TakenOver(Duration),
    /// The same for one client id; others are left alone.
    TakesOver(&'static str, Duration),
    /// Accepts, and closes so much later, whoever it is; every fifth connection is left alone.
    SparesEveryFifth {
        after: Duration,
        connects: Arc<AtomicUsize>,
    },

    // SUBSCRIBE.
    /// Accepts, and closes when SUBSCRIBE comes; a client that only waits is left alone.
    ClosesAtSubscribe,

    /// Answers SUBSCRIBE with 0x80 (MQTT 3.1.1 §3.9.3).
    DeniesSubscribe,
    /// The same, and in MQTT 5 its CONNACK has these properties.
    DeniesSubscribeAllows(&'static [u8]),
    /// Never answers SUBSCRIBE.
    NeverSuback,
    /// Grants QoS 0 whatever was asked for.
    GrantsQos0,

    // PUBLISH.
    /// Closes when PUBLISH comes.
    ClosesAtPublish,
    /// Acknowledges the first of so many PUBLISH when all have come, and the others when one more has:
    /// how a broker looks whose kernel has Nagle's algorithm on.
    HoldsBackAcks(usize),
    /// Never acknowledges PUBLISH (nor delivers it).
    NeverPuback,
    /// Takes QoS 2 as far as PUBREC, and never sends PUBCOMP.
    NeverPubcomp,
    /// Acknowledges, and delivers nothing: what an ACL does in MQTT 3.1.1.
    NeverDelivers,
    /// Another one, which answers a CONNECT of MQTT 5 as a broker does that has never heard of it.
    SpeaksNo5(To5, &'static Self),
    /// Acknowledges, and closes in place of delivering.
    ClosesAtDelivery,
    /// Delivers the message with its first byte changed.
    AltersPayload,
    /// Delivers a message of this many bytes on the same topic in place of the right one.
    DeliversTooLarge(usize),
    /// Delivers this many foreign messages on the same topic, and then the right one.
    FloodsForeign(usize),
    /// Delivers a foreign message whose topic and payload drive a terminal, and not the right one.
    TerminalEscapes,

    /// Says that it has the session, and does everything right.
    KeepsSession,
    /// The same, but it closes the first connection at the first PUBREL, without having taken it.
    KeepsSessionLosesRelease(Arc<AtomicUsize>),
    /// Delivers a message of QoS 2 at SUBSCRIBE, and sends its PUBREL when DISCONNECT has come.
    ReleasesAfterDisconnect,

    /// Answers such a packet with one of its own making.
    Says(To, Saying),
    /// Closes at the first CONNECT, and says why at those that follow.
    SaysLater(Arc<AtomicUsize>, Saying),

    // Throughout.
    /// Good, but every write is a single byte.
    OneByteAtATime,
    /// Good, but every packet comes so much later.
    Slow(Duration),
}

/// What [`Rogue::Says`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Connect,
    Subscribe,
    /// A SUBSCRIBE, after it was granted.
    Granted,
    Unsubscribe,
    Publish,
    Pubrel,
    /// A PUBLISH, after it was acknowledged, in place of delivering it.
    Delivery,
}

/// With what. Where the type has a packet id, it is that of what is answered. After a DISCONNECT, and
/// where a CONNECT is not accepted, it closes.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    /// The packet type of MQTT 5 §2.1.2.
    pub(crate) kind: u8,
    /// What follows the id.
    pub(crate) rest: Vec<u8>,
}

impl To {
    /// The id of such a packet, or 0.
    fn hears(self, packet: &Packet) -> Option<u16> {
        match (self, packet) {
            (Self::Connect, Packet::Connect(_)) => Some(0),
            (Self::Subscribe | Self::Granted, Packet::Subscribe { id, .. })
            | (Self::Unsubscribe, Packet::Unsubscribe { id, .. })
            | (Self::Pubrel, Packet::Ack { kind: PUBREL, id }) => Some(*id),
            (Self::Publish | Self::Delivery, Packet::Publish(message)) => Some(message.id),
            _ => None,
        }
    }
}

impl Saying {
    fn acts(&self, id: u16) -> Vec<Act> {
        let has_id = matches!(self.kind, 3..=12);
        let id = id.to_be_bytes();
        let id = if has_id { &id[..] } else { &[] };
        let bytes = codec::packet(self.kind << 4, &[id, &self.rest].concat());
        let accepts = self.kind == 2 && self.rest.get(1) == Some(&0);
        let mut acts = vec![Act::Send(bytes)];
        if matches!(self.kind, 2 | 14 | 15) && !accepts {
            acts.push(Act::Close);
        }
        acts
    }
}

/// The answer to a CONNECT of MQTT 5 of a broker that speaks 3.1.1 alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To5 {
    Refusal,
    Close,
    Silence,
}

/// What a broker does next on a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Lets so much time pass. Not for waiting on something: the delay itself is what is tested.
    Delay(Duration),
    /// Sends close_notify (over TLS) and FIN.
    Close,
    /// Sends FIN and listens on: what the client says last, and how it closes, is still seen. (A
    /// close_notify to a client that has gone would bring a reset in place of its last words.)
    HangUp,
    /// Sends RST.
    Reset,
    SendWithoutEnd(&'static [u8]),
}

/// The state of one client's connection.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) v5: bool,
    subscribed: bool,
    /// Messages that came, to be acknowledged in the end.
    published: usize,
    held_back: Vec<u16>,
}

/// When the rogue looks at what the client sends.
pub(crate) enum Ear {
    /// Reads MQTT packets.
    Mqtt,
    /// Takes the first bytes as they come, whatever they are.
    FirstBytes,
    /// Acts at once.
    Deaf,
}

impl Rogue {
    pub(crate) fn ear(&self) -> Ear {
        match self {
            Self::ClosesAtOnce | Self::ResetsAtOnce | Self::SpeaksSsh => Ear::Deaf,
            Self::ClosesAtFirstBytes
            | Self::ResetsAtFirstBytes
            | Self::SpeaksHttp
            | Self::SpeaksGarbage
            | Self::WantsWebSocket
            | Self::TlsAlert(_)
            | Self::TlsAlertOnce(..)
            | Self::EndlessBytes
            | Self::Echoes
            | Self::EchoesFrom(_)
            | Self::Silent => Ear::FirstBytes,
            _ => Ear::Mqtt,
        }
    }

    /// The answer to a connection, or to its first bytes, without regard to MQTT.
    pub(crate) fn raw_acts(&self, heard: &[u8]) -> Vec<Act> {
        const HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\
            Content-Type: text/html\r\nConnection: close\r\n\r\n<html>Bad Request</html>\r\n";
        const UPGRADE_REQUIRED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\n\
            Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n";
        match self {
            Self::ClosesAtOnce | Self::ClosesAtFirstBytes => vec![Act::Close],
            Self::ResetsAtOnce | Self::ResetsAtFirstBytes => vec![Act::Reset],
            Self::SpeaksSsh => vec![Act::Send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".into())],
            Self::WantsWebSocket if heard.starts_with(b"GET ") => {
                vec![Act::Send(UPGRADE_REQUIRED.into()), Act::Close]
            }
            Self::WantsWebSocket => vec![Act::Close],
            Self::SpeaksHttp => vec![Act::Send(HTTP.into()), Act::Close],
            Self::SpeaksGarbage => {
                vec![Act::Send(b"\xde\xad\x1b[2J\x07 not a protocol\r\n".into())]
            }
            // A record of type alert (21), fatal (2).
            Self::TlsAlert(number) => {
                vec![Act::Send(vec![21, 3, 3, 0, 2, 2, *number]), Act::Close]
            }
            Self::TlsAlertOnce(number, connections)
                if connections.fetch_add(1, Ordering::Relaxed) == 0 =>
            {
                Self::TlsAlert(*number).raw_acts(heard)
            }
            Self::Echoes => vec![Act::Send(heard.into())],
            Self::EchoesFrom(n) => {
                let mut bytes = vec![b'>'];
                bytes.extend_from_slice(&heard[*n..]);
                vec![Act::Send(bytes)]
            }
            Self::EndlessBytes => vec![Act::SendWithoutEnd(&[b'A'; 4096])],
            _ => Vec::new(),
        }
    }

    /// The answer to a packet: this rogue's own, or that of a good broker.
    pub(crate) fn answer(&self, packet: &Packet, client: &mut Client) -> Vec<Act> {
        if let Packet::Connect(connect) = packet {
            client.v5 = connect.level == 5;
        }
        let v5 = client.v5;
        let acts = match (self, packet) {
            (Self::RefusesConnect(code), Packet::Connect(_)) => {
                vec![Act::Send(codec::connack(*code, v5)), Act::Close]
            }
            (Self::RefusesInFormOf5(code), Packet::Connect(_)) => {
                vec![Act::Send(codec::connack(*code, true)), Act::Close]
            }
            (Self::Says(to, saying), packet) if to.hears(packet).is_some() => {
                let mut acts = match packet {
                    Packet::Publish(message) if *to == To::Delivery => acknowledge(message),
                    packet if *to == To::Granted => obey(packet, client),
                    _ => Vec::new(),
                };
                acts.extend(saying.acts(to.hears(packet).unwrap_or_default()));
                acts
            }
            (Self::SaysLater(connects, saying), Packet::Connect(_)) => {
                match connects.fetch_add(1, Ordering::Relaxed) {
                    0 => vec![Act::Close],
                    _ => saying.acts(0),
                }
            }
            (Self::NeverConnack, Packet::Connect(_)) => Vec::new(),
            (
                Self::EverySecondConnack {
                    in_form_of_5,
                    connects,
                },
                Packet::Connect(_),
            ) => match connects.fetch_add(1, Ordering::Relaxed) % 2 {
                0 => Vec::new(),
                _ => vec![Act::Send(codec::connack(0, v5 || *in_form_of_5))],
            },
            (Self::GiantRemainingLength, Packet::Connect(_)) => {
                vec![Act::Send(vec![0x20, 0xff, 0xff, 0xff, 0x7f, 0, 0])]
            }
            (Self::TakenOver(after), Packet::Connect(_)) => vec![
                Act::Send(codec::connack(0, v5)),
                Act::Delay(*after),
                Act::Close,
            ],
            (Self::TakesOver(id, after), Packet::Connect(connect)) if connect.client_id == *id => {
                Self::TakenOver(*after).answer(packet, client)
            }
            (Self::SparesEveryFifth { after, connects }, Packet::Connect(_))
                if connects.fetch_add(1, Ordering::Relaxed) % 5 != 4 =>
            {
                Self::TakenOver(*after).answer(packet, client)
            }
            (Self::SpeaksNo5(how, _), Packet::Connect(connect)) if connect.level == 5 => {
                match how {
                    // Unacceptable protocol version (MQTT 3.1.1 §3.2.2.3).
                    To5::Refusal => vec![Act::Send(codec::connack(1, false)), Act::Close],
                    To5::Close => vec![Act::Close],
                    To5::Silence => Vec::new(),
                }
            }
            (Self::SpeaksNo5(_, other), packet) => return other.answer(packet, client),
            (Self::KeepsSessionLosesRelease(connects), Packet::Connect(_)) => {
                connects.fetch_add(1, Ordering::Relaxed);
                Self::KeepsSession.answer(packet, client)
            }
            (Self::KeepsSessionLosesRelease(connects), Packet::Ack { kind: PUBREL, .. })
                if connects.load(Ordering::Relaxed) == 1 =>
            {
                vec![Act::Reset]
            }
            (Self::KeepsSession, Packet::Connect(_)) => {
                // Session present (MQTT 3.1.1 §3.2.2.2); MQTT 5 has properties behind it.
                let bytes: &[u8] = if v5 {
                    &[0x20, 3, 1, 0, 0]
                } else {
                    &[0x20, 2, 1, 0]
                };
                vec![Act::Send(bytes.to_vec())]
            }
            (Self::ReleasesAfterDisconnect, Packet::Subscribe { id, filters }) => {
                let delivered = Publish {
                    topic: "kept".to_owned(),
                    payload: b"once".to_vec(),
                    qos: 2,
                    id: 7,
                    ..Publish::default()
                };
                vec![
                    Act::Send(codec::suback(*id, &vec![2; filters.len()], v5)),
                    Act::Send(codec::publish_packet(&delivered, v5)),
                ]
            }
            (Self::ReleasesAfterDisconnect, Packet::Ack { kind: PUBREC, .. }) => Vec::new(),
            (Self::ReleasesAfterDisconnect, Packet::Disconnect) => {
                vec![Act::Send(codec::ack(PUBREL, 7)), Act::HangUp]
            }
            (Self::ClosesAtSubscribe, Packet::Subscribe { .. }) => vec![Act::Close],
            (Self::DeniesSubscribe, Packet::Subscribe { id, filters }) => {
                vec![Act::Send(codec::suback(
                    *id,
                    &vec![0x80; filters.len()],
                    v5,
                ))]
            }
            (Self::DeniesSubscribeAllows(properties), Packet::Connect(_)) if v5 => {
                let length = u8::try_from(properties.len()).unwrap();
                let body = [&[0, 0, length], *properties].concat();
                vec![Act::Send(codec::packet(0x20, &body))]
            }
            (Self::DeniesSubscribeAllows(_), Packet::Subscribe { .. }) => {
                Self::DeniesSubscribe.answer(packet, client)
            }
            (Self::NeverSuback, Packet::Subscribe { .. }) => Vec::new(),
            (Self::GrantsQos0, Packet::Subscribe { id, filters }) => {
                client.subscribed = true;
                vec![Act::Send(codec::suback(*id, &vec![0; filters.len()], v5))]
            }
            (Self::ClosesAtPublish, Packet::Publish(_)) => vec![Act::Close],
            (Self::HoldsBackAcks(count), Packet::Publish(message)) => {
                client.published += 1;
                client.held_back.push(message.id);
                let due = match client.published.cmp(count) {
                    Less => 0,
                    Equal => 1,
                    Greater => client.held_back.len(),
                };
                let ids = client.held_back.drain(..due);
                ids.map(|id| Act::Send(codec::ack(PUBACK, id))).collect()
            }
            (Self::NeverPuback, Packet::Publish(_)) => Vec::new(),
            (Self::NeverPubcomp, Packet::Ack { kind: PUBREL, .. }) => Vec::new(),
            (Self::NeverDelivers, Packet::Publish(message)) => acknowledge(message),
            (Self::ClosesAtDelivery, Packet::Publish(message)) => {
                let mut acts = acknowledge(message);
                acts.push(Act::Close);
                acts
            }
            (Self::AltersPayload, Packet::Publish(message)) => {
                let mut altered = message.payload.clone();
                if let Some(first) = altered.first_mut() {
                    *first ^= 0x20;
                }
                deliver_also(message, v5, [(message.topic.clone(), altered)], false)
            }
            (Self::DeliversTooLarge(size), Packet::Publish(message)) => {
                let large = (message.topic.clone(), vec![b'x'; *size]);
                deliver_also(message, v5, [large], false)
            }
            (Self::FloodsForeign(count), Packet::Publish(message)) => {
                let foreign = |n| (message.topic.clone(), format!("foreign {n}").into_bytes());
                deliver_also(message, v5, (0..*count).map(foreign), true)
            }
            (Self::TerminalEscapes, Packet::Publish(message)) => {
                let title = "\x1b]0;owned\x07".to_owned();
                let clear = b"\x1b[2J\x1b[31mred\r\n".to_vec();
                deliver_also(message, v5, [(title, clear)], false)
            }
            _ => obey(packet, client),
        };
        match self {
            Self::Slow(delay) => acts
                .into_iter()
                .flat_map(|act| [Act::Delay(*delay), act])
                .collect(),
            _ => acts,
        }
    }
}

/// What a good broker does: it grants all, and serves a subscriber its own messages.
fn obey(packet: &Packet, client: &mut Client) -> Vec<Act> {
    let v5 = client.v5;
    match packet {
        Packet::Connect(_) => vec![Act::Send(codec::connack(0, v5))],
        Packet::Subscribe { id, filters } => {
            client.subscribed = true;
            // MQTT 5 §3.8.3.1: the QoS is the low two bits of the options.
            let codes: Vec<u8> = filters.iter().map(|(_, options)| options & 3).collect();
            vec![Act::Send(codec::suback(*id, &codes, v5))]
        }
        Packet::Publish(message) if client.subscribed => deliver_also(message, v5, [], true),
        Packet::Publish(message) => acknowledge(message),
        Packet::Ack { kind: PUBREC, id } => vec![Act::Send(codec::ack(PUBREL, *id))],
        Packet::Ack { kind: PUBREL, id } => vec![Act::Send(codec::ack(PUBCOMP, *id))],
        Packet::Unsubscribe { id, filters } => {
            client.subscribed = false;
            vec![Act::Send(codec::unsuback(*id, filters.len(), v5))]
        }
        Packet::Pingreq => vec![Act::Send(PINGRESP.into())],
        Packet::Disconnect => vec![Act::HangUp],
        Packet::Ack { .. } | Packet::Other(_) => Vec::new(),
    }
}

fn acknowledge(message: &Publish) -> Vec<Act> {
    match message.qos {
        1 => vec![Act::Send(codec::ack(PUBACK, message.id))],
        2 => vec![Act::Send(codec::ack(PUBREC, message.id))],
        _ => Vec::new(),
    }
}

/// Acknowledges, delivers `foreign` (topic, payload), and the message itself if `itself`.
fn deliver_also(
    message: &Publish,
    v5: bool,
    foreign: impl IntoIterator<Item = (String, Vec<u8>)>,
    itself: bool,
) -> Vec<Act> {
    let mut acts = acknowledge(message);
    let own = itself.then(|| (message.topic.clone(), message.payload.clone()));
    for (topic, payload) in foreign.into_iter().chain(own) {
        // At QoS 0, so that no rogue has to keep the books of QoS 1 and 2 for what it delivers.
        let delivered = Publish {
            topic,
            payload,
            ..Publish::default()
        };
        acts.push(Act::Send(codec::publish_packet(&delivered, v5)));
    }
    acts
}
