//! Holds the README's table of codes to the catalogue, which `mqtt-test explain` shows. With
//! `UPDATE_GOLDEN=1` it writes the table anew; it changes nothing outside the two markers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails with the reason"
)]

use std::path::Path;

use mqtt_test::catalogue;

const BEGIN: &str = "<!-- codes -->\n";
const END: &str = "<!-- /codes -->";

/// What stands before the table, the table, and what stands behind it.
fn parts(readme: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (table, after) = rest.split_once(END)?;
    Some((before, table, after))
}

#[test]
fn the_readme_lists_every_code_as_the_catalogue_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md");
    let (before, found, after) = parts(&readme).expect("the two markers of the table in README.md");
    assert!(
        !after.contains(END) && !after.contains(BEGIN),
        "markers twice"
    );
    // Blank lines set the table apart from the markers, which are HTML, in every Markdown.
    let expected = format!("\n{}\n", catalogue::table());
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    let rows = |table: &str| table.trim().lines().map(str::to_owned).collect::<Vec<_>>();
    let (found, expected) = (rows(found), rows(&expected));
    let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
    let wrong: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
    assert_eq!(
        found, expected,
        "UPDATE_GOLDEN=1 rewrites the table.\nmissing: {missing:#?}\nwrong: {wrong:#?}"
    );
}
