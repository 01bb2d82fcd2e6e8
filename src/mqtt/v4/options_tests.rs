//! Random settings, and what the CONNECT packet holds of them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use proptest::prelude::*;

use super::*;
use crate::testing::good;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The CONNECT of a probe is the one that rumqttc sends, whatever was set.
    #[test]
    fn the_connect_packet_carries_what_was_set(
        user in "[a-z]{1,20}",
        password in "[a-z]{1,20}",
        id in "[a-z0-9]{1,23}",
        keep_alive in 5..=65_535_u16,
    ) {
        let lines = format!("username = {user}\npassword = {password}\nclient_id = {id}");
        let config = good(&format!("{lines}\nkeep_alive = {keep_alive}s"));
        let packet = connect_packet(&config, Some(&Secret::new(password.clone())));
        // MQTT 3.1.1 §3.1: name, level 4, flags (user name, password, clean session), keep-alive.
        let mut expected = b"\0\x04MQTT\x04\xc2".to_vec();
        expected.extend(keep_alive.to_be_bytes());
        for text in [&id, &user, &password] {
            expected.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            expected.extend(text.as_bytes());
        }
        prop_assert_eq!(packet[0], 0x10);
        prop_assert_eq!(usize::from(packet[1]), expected.len());
        prop_assert_eq!(&packet[2..], &expected[..]);
    }
}
