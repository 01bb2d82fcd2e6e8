//! A session of MQTT 5 that goes on where the broker allows less than it did before: what is in flight
//! keeps to what the CONNACK says now (MQTT 5 §3.2.2.3.3 to §3.2.2.3.6), and nothing of it is lost.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::codec::{self, PUBACK, PUBCOMP, PUBREC, PUBREL, Packet, Publish};
use crate::json;
use crate::lab::Lab;
use crate::run::{Outcome, Run};

/// Nothing more comes after so long without a packet.
const QUIET: Duration = Duration::from_millis(300);

/// What comes until nothing more does, and whether the client has closed.
fn batch(stream: &mut TcpStream) -> (Vec<Packet>, bool) {
    stream.set_read_timeout(Some(QUIET)).unwrap();
    let mut packets = Vec::new();
    loop {
        match codec::read_packet(stream, true) {
            Ok(Some(packet)) => packets.push(packet),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (packets, false),
            _ => return (packets, true),
        }
    }
}

fn published(packets: &[Packet]) -> Vec<Publish> {
    let publish = |packet: &Packet| match packet {
        Packet::Publish(message) => Some(message.clone()),
        _ => None,
    };
    packets.iter().filter_map(publish).collect()
}

/// Takes a connection, answers its CONNECT, and gives it back.
fn accept(listener: &TcpListener, present: bool, properties: &[u8]) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    let connect = codec::read_packet(&mut stream, true).unwrap();
    assert!(matches!(connect, Some(Packet::Connect(_))), "{connect:?}");
    let length = u8::try_from(properties.len()).unwrap();
    let body = [&[u8::from(present), 0, length], properties].concat();
    stream.write_all(&codec::packet(0x20, &body)).unwrap();
    stream
}

/// Answers batch after batch until the client closes; what came, batch by batch.
fn serve(mut stream: TcpStream) -> Vec<Vec<Packet>> {
    let mut batches = Vec::new();
    loop {
        let (packets, closed) = batch(&mut stream);
        for packet in &packets {
            let answer = match packet {
                Packet::Publish(message) if message.qos == 1 => codec::ack(PUBACK, message.id),
                Packet::Publish(message) if message.qos == 2 => codec::ack(PUBREC, message.id),
                Packet::Ack { kind: PUBREL, id } => codec::ack(PUBCOMP, *id),
                _ => continue,
            };
            stream.write_all(&answer).unwrap();
        }
        if !packets.is_empty() {
            batches.push(packets);
        }
        if closed {
            return batches;
        }
    }
}

/// The first connection takes six messages, of QoS 2 the first as far as PUBREC, and breaks; the second
/// goes on with these properties.
fn broken_session(
    listener: TcpListener,
    properties: &'static [u8],
) -> JoinHandle<Vec<Vec<Packet>>> {
    thread::spawn(move || {
        let mut stream = accept(&listener, false, &[]);
        let mut came = Vec::new();
        while came.len() < 6 {
            came.extend(published(&batch(&mut stream).0));
        }
        if came[0].qos == 2 {
            stream.write_all(&codec::ack(PUBREC, came[0].id)).unwrap();
            let (packets, _) = batch(&mut stream);
            let release = Packet::Ack {
                kind: PUBREL,
                id: came[0].id,
            };
            assert_eq!(packets, [release]);
        }
        drop(stream);
        serve(accept(&listener, true, properties))
    })
}

/// `pub` of six lines, one of them longer; what it says, and what came on the second connection.
fn go_on(
    lab: &Lab,
    qos: &str,
    flags: &[&str],
    properties: &'static [u8],
) -> (Outcome, Vec<Vec<Packet>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = broken_session(listener, properties);
    let config = format!(
        "host = 127.0.0.1\nport = {port}\ntls = off\nprotocol = 5\ntopic = a/b\n\
         client_id = me\nclean_session = off\n"
    );
    let args = [&["-l", "--json", "-q", qos], flags].concat();
    let mut run = Run::stream(lab, "pub", &config, &args).start();
    run.write(b"1\n2\n3\nfour is longer than the others\n5\n6\n");
    let run = run.finish();
    (run, broker.join().unwrap())
}

/// The report has so much of each.
#[track_caller]
fn expect_report(run: &Outcome, code: i32, expected: &[(&str, u64)]) {
    run.expect_code(code);
    let lines = json::lines(run);
    let report = lines.last().unwrap();
    for (name, count) in expected {
        assert_eq!(report[*name].as_u64(), Some(*count), "{name}: {run}");
    }
}

/// Where the broker takes no more of QoS 2, what it has is released, what it may not have is published
/// anew with less: a PUBLISH above its maximum is forbidden (MQTT-3.2.2-11).
#[test]
fn a_lower_maximum_qos() {
    let lab = Lab::new();
    for (qos, maximum, done) in [("2", 1, "acknowledged"), ("2", 0, "sent"), ("1", 0, "sent")] {
        let properties: &[u8] = if maximum == 1 { &[0x24, 1] } else { &[0x24, 0] };
        let (run, batches) = go_on(&lab, qos, &[], properties);
        // What was acknowledged before counts as sent.
        expect_report(
            &run,
            0,
            &[("published", 6), (done, 6), ("unacknowledged", 0)],
        );
        assert_eq!(run.all().matches("qos-downgraded").count(), 1, "{run}");
        let packets = batches.concat();
        let messages = published(&packets);
        let payloads: Vec<_> = messages
            .iter()
            .map(|message| String::from_utf8(message.payload.clone()).unwrap())
            .collect();
        let all = ["1", "2", "3", "four is longer than the others", "5", "6"];
        // PUBREC came for the first.
        let again = if qos == "2" { &all[1..] } else { &all[..] };
        assert_eq!(payloads, again, "{packets:?}");
        for message in &messages {
            assert_eq!((message.qos, message.dup), (maximum, false), "{packets:?}");
        }
        // No id is used for another message before it is free (MQTT-2.2.1-3).
        let released: Vec<_> = packets
            .iter()
            .filter_map(|packet| match packet {
                Packet::Ack { kind: PUBREL, id } => Some(*id),
                _ => None,
            })
            .collect();
        let expected: &[u16] = if qos == "2" { &[1, 2, 3, 4, 5, 6] } else { &[] };
        assert_eq!(released, expected, "{packets:?}");
    }
}

/// What is sent again keeps to the receive maximum as what is sent first (MQTT-3.3.4-9).
#[test]
fn a_lower_receive_maximum() {
    let lab = Lab::new();
    for qos in ["1", "2"] {
        for properties in [&[0x21, 0, 1][..], &[0x21, 0, 2]] {
            let most = usize::from(properties[2]);
            let (run, batches) = go_on(&lab, qos, &[], properties);
            expect_report(&run, 0, &[("acknowledged", 6), ("unacknowledged", 0)]);
            let mut open = BTreeSet::new();
            for packets in &batches {
                for packet in packets {
                    match packet {
                        Packet::Publish(message) => {
                            assert!(message.dup, "{packets:?}");
                            open.insert(message.id);
                        }
                        // Its PUBCOMP follows at the end of the batch.
                        Packet::Ack { kind: PUBREL, .. } => {}
                        _ => continue,
                    }
                    assert!(open.len() <= most, "{batches:?}");
                }
                for packet in packets {
                    match packet {
                        Packet::Publish(message) if message.qos == 1 => open.remove(&message.id),
                        Packet::Ack { id, .. } => open.remove(id),
                        _ => continue,
                    };
                }
            }
        }
    }
}

#[test]
fn nothing_retained_any_more() {
    let lab = Lab::new();
    for qos in ["1", "2"] {
        let (run, batches) = go_on(&lab, qos, &["-r"], &[0x25, 0]);
        run.expect_code(8);
        assert!(run.all().contains("publish-denied"), "{run}");
        assert_eq!(published(&batches.concat()), [], "{run}");
    }
}

/// The others still go their way.
#[test]
fn a_lower_packet_size() {
    let lab = Lab::new();
    for (qos, had) in [("1", 0), ("2", 1)] {
        let (run, batches) = go_on(&lab, qos, &[], &[0x27, 0, 0, 0, 30]);
        expect_report(&run, 8, &[("acknowledged", 5), ("unacknowledged", 1)]);
        assert!(run.all().contains("publish-too-large"), "{run}");
        let messages = published(&batches.concat());
        assert_eq!(messages.len(), 5 - had, "{batches:?}");
        assert!(
            messages.iter().all(|message| message.payload.len() == 1),
            "{batches:?}"
        );
    }
}

/// A lower QoS from the beginning brings a larger window, but no packet id twice.
#[test]
fn packet_ids_of_a_lowered_qos_are_free() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = thread::spawn(move || serve(accept(&listener, false, &[0x24, 1])));
    let config = format!("host = 127.0.0.1\nport = {port}\ntls = off\nprotocol = 5\ntopic = a/b\n");
    let args = ["-l", "--json", "-q", "2"];
    let mut run = Run::stream(&lab, "pub", &config, &args).start();
    run.write("x\n".repeat(100).as_bytes());
    let run = run.finish();
    expect_report(&run, 0, &[("acknowledged", 100), ("unacknowledged", 0)]);
    for packets in broker.join().unwrap() {
        let messages = published(&packets);
        let ids: BTreeSet<_> = messages.iter().map(|message| message.id).collect();
        assert_eq!(ids.len(), messages.len(), "{messages:?}");
    }
}
