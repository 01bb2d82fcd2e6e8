//! What this machine tells of its own network, in /proc, and whether it looks like a container. That
//! there is no such file is no error: then nothing is known. It contacts nothing.

use std::fs::{self, File};
use std::io::Read;

use crate::failure::Network;
use crate::os;

/// A table that has more bytes is not looked at: half of it could lack the default route.
const LIMIT: usize = 256 * 1024;

/// RTF_UP and RTF_REJECT of route(8); a route with the latter says that there is no way.
const UP: u128 = 0x1;
const REJECT: u128 = 0x200;

/// The routes of the main table; `None`: the system does not show them.
pub(crate) fn network() -> Option<Box<Network>> {
    let ipv4 = read("/proc/net/route")?;
    // A kernel without IPv6 has no such file.
    let ipv6 = read("/proc/net/ipv6_route").unwrap_or_default();
    Some(Box::new(network_of(&ipv4, &ipv6)))
}

/// The file by which this machine looks like a container: of Podman, of Docker, or the control group.
/// What was made from the image of a container may have it too.
pub(crate) fn container() -> Option<&'static str> {
    const CGROUP: &str = "/proc/self/cgroup";
    let marks = ["/run/.containerenv", "/.dockerenv"];
    let is_there = |mark: &&str| os::HAS_SYSTEM_FILES && fs::metadata(mark).is_ok();
    let mark = marks.into_iter().find(is_there);
    mark.or_else(|| is_container(&read(CGROUP)?).then_some(CGROUP))
}

/// The control groups of Docker, Kubernetes, LXC and Podman.
fn is_container(cgroup: &str) -> bool {
    let known = ["/docker/", "/docker-", "/kubepods", "/lxc", "/libpod-"];
    known.iter().any(|name| cgroup.contains(name))
}

fn read(path: &str) -> Option<String> {
    let mut file = os::HAS_SYSTEM_FILES.then(|| File::open(path))?.ok()?;
    let (mut text, mut length) = (vec![0; LIMIT], 0);
    // Where nothing is left to read into, there may be more.
    while length < LIMIT {
        match file.read(&mut text[length..]) {
            Ok(0) => {
                text.truncate(length);
                return String::from_utf8(text).ok();
            }
            Ok(count) => length += count,
            Err(_) => return None,
        }
    }
    None
}

/// Of the two tables in the forms of proc(5).
fn network_of(ipv4: &str, ipv6: &str) -> Network {
    const ANY: &str = "00000000";
    let mut network = Network::default();
    for (table, is_ipv6) in [(ipv4, false), (ipv6, true)] {
        for line in table.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (name, flags, is_default) = match fields[..] {
                [_, length, .., flags, name] if is_ipv6 => (name, flags, length == "00"),
                [name, to, _, flags, _, _, _, mask, ..] => (name, flags, to == ANY && mask == ANY),
                _ => continue,
            };
            // The headline has no number there.
            let flags = u128::from_str_radix(flags, 16).unwrap_or_default();
            if name == "lo" || flags & (UP | REJECT) != UP {
                continue;
            }
            if !network.up.iter().any(|known| known == name) {
                network.up.push(name.to_owned());
            }
            let family = match is_ipv6 {
                true => &mut network.ipv6,
                false => &mut network.ipv4,
            };
            if is_default && family.is_none() {
                *family = Some(name.to_owned());
            }
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADLINE: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const ZERO: &str = "00000000000000000000000000000000";

    #[track_caller]
    fn check(ipv4: &str, ipv6: &str, up: &[&str], defaults: [Option<&str>; 2]) {
        let found = network_of(&format!("{HEADLINE}{ipv4}"), ipv6);
        assert_eq!(found.up, up);
        assert_eq!([found.ipv4.as_deref(), found.ipv6.as_deref()], defaults);
    }

    #[test]
    fn the_routes_tell_what_is_up_and_where_the_rest_goes() {
        let default = "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
        let near = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let both = format!("{default}{near}");
        check(&both, "", &["wlan0", "eth0"], [Some("wlan0"), None]);
        check(near, "", &["eth0"], [None, None]);
        check("", "", &[], [None, None]);
        // A route of no use, `unreachable default`.
        let reject = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n";
        check(reject, "", &[], [None, None]);
        check("eth0\t00000000\n", "x\n\0", &[], [None, None]);

        let line = |to: &str, length: &str, flags: &str, name: &str| {
            format!("{to} {length} {ZERO} 00 {ZERO} 00000400 00000002 00000000 {flags} {name}\n")
        };
        // Of loopback, and what every kernel has without any network.
        let own = line("00000000000000000000000000000001", "80", "80200001", "lo")
            + &line(ZERO, "00", "00200200", "lo");
        check("", &own, &[], [None, None]);
        let near = line("fe800000000000000000000000000000", "40", "00000001", "eth0");
        check("", &format!("{near}{own}"), &["eth0"], [None, None]);
        let ipv6 = line(ZERO, "00", "00000003", "eth0") + &own;
        check("", &ipv6, &["eth0"], [None, Some("eth0")]);
    }

    #[test]
    fn a_container_is_known_by_its_control_group() {
        assert!(is_container("0::/system.slice/docker-0f.scope\n"));
        assert!(is_container("1:cpu:/docker/0f\n"));
        assert!(is_container("0::/kubepods.slice/kubepods-pod0f.slice\n"));
        assert!(!is_container("0::/system.slice/docker.service\n"));
        assert!(!is_container("0::/user.slice/session-1.scope\n"));
        assert!(!is_container("0::/\n"));
    }

    #[test]
    fn a_file_that_is_missing_or_endless_says_nothing() {
        assert_eq!(read("/proc/net/no-such-file"), None);
        assert_eq!(read("/dev/zero"), None);
    }
}
