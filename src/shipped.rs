//! The config files that come with the program, for `mqtt-test new PROVIDER`. They are the very
//! files under `config/`.

/// Every provider with the text of its file.
const FILES: [(&str, &str); 5] = [
    ("hivemq", include_str!("../config/hivemq.conf")),
    ("emqx", include_str!("../config/emqx.conf")),
    ("aws", include_str!("../config/aws-iot.conf")),
    ("mosquitto", include_str!("../config/mosquitto.conf")),
    ("local", include_str!("../config/local.conf")),
];

/// The names that [`text`] knows.
pub const PROVIDERS: [&str; 5] = ["hivemq", "emqx", "aws", "mosquitto", "local"];

/// The commented config file for `provider`.
pub fn text(provider: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(name, _)| *name == provider)
        .map(|(_, text)| *text)
}
