//! The name that was probably meant. It only compares; what to do with the guess is up to the caller.

/// The candidate nearest to `given`, if one is near enough to be worth naming.
pub(crate) fn nearest<'a>(given: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let given: Vec<char> = given.chars().take(256).collect();
    // One typing error in three letters, three at most: beyond that a guess is only noise.
    let limit = (given.len() / 3).clamp(1, 3);
    candidates
        .iter()
        .map(|name| (distance(&given, name), *name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, substitutions and swaps of neighbours between the two
/// (optimal string alignment).
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = substituted.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: Option<&str>) {
        let names = ["host", "port", "password", "username", "topic"];
        assert_eq!(nearest(given, &names), expected, "{given}");
    }

    #[test]
    fn names_what_was_meant() {
        check("hots", Some("host"));
        check("hst", Some("host"));
        check("pasword", Some("password"));
        check("pssswrd", Some("password"));
        check("topics", Some("topic"));
        check("usrename", Some("username"));
        check("colour", None);
        check("x", None);
        check("", None);
        check(&"h".repeat(100_000), None);
    }
}
