//! The config files that come with the program, for `mqtt-test new PROVIDER`: those of the folder
//! `config/`, built in.

/// Every provider with the text of its file.
const FILES: [(&str, &str); 7] = [
    ("hivemq", include_str!("../../config/hivemq.conf")),
    ("emqx", include_str!("../../config/emqx.conf")),
    ("aws", include_str!("../../config/aws-iot.conf")),
    ("azure", include_str!("../../config/azure-iot.conf")),
    ("thingsboard", include_str!("../../config/thingsboard.conf")),
    ("mosquitto", include_str!("../../config/mosquitto.conf")),
    ("local", include_str!("../../config/local.conf")),
];

/// The names that [`text`] knows.
pub(crate) const PROVIDERS: [&str; 7] = [
    "hivemq",
    "emqx",
    "aws",
    "azure",
    "thingsboard",
    "mosquitto",
    "local",
];

/// The commented config file for `provider`.
pub(crate) fn text(provider: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(name, _)| *name == provider)
        .map(|(_, text)| *text)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]
mod tests {
    use super::*;
    use crate::config::types::Key;
    use crate::testing::{file, said};

    #[test]
    fn shipped_files_want_only_their_placeholders() {
        for provider in PROVIDERS {
            let text = text(provider).unwrap();
            match file(text) {
                Ok(_) => assert!(!text.contains("YOUR-")),
                Err(problems) => {
                    let (_, said) = said(Err(problems));
                    let first = said.lines().next().unwrap();
                    let one = first.contains("still holds the placeholder");
                    let several = first.contains("values are still placeholders");
                    assert!(one || several, "{said}");
                }
            }
            let filled = file(&text.replace("YOUR-", "my-")).expect(provider);
            assert!(filled.is_set(Key::Host));
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{provider}"
            );
            // What is commented out must be right as well, key by key.
            for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
                let Some((key, value)) = line.split_once(" = ") else {
                    continue;
                };
                if key.contains(' ') {
                    continue;
                }
                assert!(Key::named(key).is_some(), "{provider}: {line}");
                assert!(!value.is_empty());
            }
        }
        assert_eq!(text("nobody"), None);
    }
}
