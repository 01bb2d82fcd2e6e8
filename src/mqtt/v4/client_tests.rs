//! What a PUBLISH that came in becomes.

use super::*;

/// A copy of each payload would cost `sub` its speed.
#[test]
fn a_message_has_all_of_its_packet_and_shares_the_payload() {
    for (wire, qos) in [
        (QoS::AtMostOnce, Qos::AtMostOnce),
        (QoS::AtLeastOnce, Qos::AtLeastOnce),
        (QoS::ExactlyOnce, Qos::ExactlyOnce),
    ] {
        let mut publish = Publish::new("a/b", wire, b"payload".to_vec());
        publish.pkid = 7;
        publish.dup = qos == Qos::ExactlyOnce;
        publish.retain = qos == Qos::AtLeastOnce;
        let bytes = publish.payload.as_ptr();
        let message = message(publish);
        assert_eq!(message.topic(), "a/b");
        assert_eq!(message.payload(), b"payload");
        assert_eq!(message.payload().as_ptr(), bytes);
        assert_eq!((message.qos, message.id), (qos, 7));
        assert_eq!(message.dup, qos == Qos::ExactlyOnce);
        assert_eq!(message.retain(), qos == Qos::AtLeastOnce);
    }
}
