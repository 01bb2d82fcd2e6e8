//! Runs the program where the machine looks otherwise: no network, other host names, a name server
//! of our own. Linux namespaces do it, through `unshare` of util-linux and `ip` of iproute2, and
//! without privileges where users may make namespaces of their own. Nothing outside changes.

use std::net::UdpSocket;
use std::process::Command;

use crate::blackhole;
use crate::lab::Lab;

#[derive(Clone, Copy)]
pub(crate) enum Namespace {
    /// No network but a loopback that is down: nothing has a route, and so the only name server,
    /// 192.0.2.53, cannot be asked.
    NoNetwork,
    /// This machine's network, with this text for `/etc/hosts`.
    Hosts(&'static str),
    /// This machine's network, and a `/run` that is empty but for the mark of a container.
    Container,
    /// This machine's network, with an `/etc/ssl` and an `/opt` that are empty but for what this shell
    /// script puts there. No variable names a file of certificates.
    SystemRoots(&'static str),
    /// A network of its own whose only name server says that no name exists.
    NoSuchName,
    /// A network of its own whose only name server never answers.
    SilentNameServer,
    /// A network of its own with mosquitto on an address that is not loopback: 192.0.2.1, ports
    /// 1883 and 8883, in the clear, for any user.
    RemoteBroker,
    /// The same, and 192.0.2.1 drops what comes to its ports 1833 and 8883, as a firewall does; its
    /// port 8884 takes connections and says nothing.
    FilteredPorts,
    /// A network of its own that is up: `lan0` with 192.0.2.10/24, without a default route, where
    /// 192.0.2.1 takes every packet and answers none, and nobody else is. This shell script adds to it.
    SilentLan(&'static str),
    /// A network of its own with a TLS server on 192.0.2.1, port 8883, and a way from there that loses
    /// packets of full size without a word, as with the MTU of a tunnel.
    SmallPackets,
    /// A network of its own with a proxy on 192.0.2.1, port 8883, that passes on nothing but TLS for
    /// a name that it knows, and closes everything else without a word.
    RemoteProxy,
}

/// The environment variable that turns `name_server` into one.
const ROLE: &str = "MQTT_IT_NAME_SERVER";
const READY: &str = "name-server-is-ready";

impl Namespace {
    /// A command that runs `program` inside; its arguments are still to be added.
    pub(crate) fn command(&self, lab: &Lab, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        match self {
            Self::NoNetwork => {
                lab.write("resolv.conf", "nameserver 192.0.2.53\n");
                let script = "mount --bind resolv.conf /etc/resolv.conf && exec \"$@\"";
                command.args(["--net", "sh", "-c", script, "sh", program])
            }
            Self::Hosts(text) => {
                lab.write("hosts", text);
                let script = "mount --bind hosts /etc/hosts && exec \"$@\"";
                command.args(["sh", "-c", script, "sh", program])
            }
            Self::SmallPackets => with_lossy_way(&mut command, program),
            Self::Container => {
                let script = "mount -t tmpfs none /run && : >/run/.containerenv && exec \"$@\"";
                command.args(["sh", "-c", script, "sh", program])
            }
            Self::SystemRoots(script) => {
                let script = format!(
                    "mount -t tmpfs none /etc/ssl && mount -t tmpfs none /opt || exit 1\n\
                     mkdir /etc/ssl/certs; unset SSL_CERT_FILE\n{script}\nexec \"$@\""
                );
                command.args(["sh", "-c", &script, "sh", program])
            }
            Self::NoSuchName => with_name_server(&mut command, lab, "no-such-name", program),
            Self::RemoteBroker => with_broker(&mut command, lab, "", program),
            Self::FilteredPorts => {
                let server = std::env::current_exe().unwrap();
                let holes = format!(
                    "rm -f {READY}\n\
                     {ADDRESSES}='192.0.2.1:1833 192.0.2.1:8883' '{}' --exact \
                     blackhole::in_a_namespace >black-holes.log 2>&1 </dev/null &\n\
                     while [ ! -e {READY} ]; do sleep 0.01; done\n",
                    server.display(),
                    ADDRESSES = blackhole::ADDRESSES,
                    READY = blackhole::READY,
                );
                with_broker(&mut command, lab, &holes, program)
            }
            Self::SilentLan(script) => {
                lab.write("resolv.conf", "nameserver 192.0.2.1\n");
                // Other addresses of it are given up soon; IPv6 would come up in its own time.
                let script = format!(
                    "mount --bind resolv.conf /etc/resolv.conf && ip link set lo up || exit 1\n\
                     echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null\n\
                     ip link add lan0 type veth peer name lan1 || exit 1\n\
                     ip link set lan0 up && ip link set lan1 up || exit 1\n\
                     ip address add 192.0.2.10/24 dev lan0 || exit 1\n\
                     ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev lan0 || exit 1\n\
                     echo 100 >/proc/sys/net/ipv4/neigh/lan0/retrans_time_ms || exit 1\n\
                     {script}\nexec \"$@\""
                );
                command.args(["--net", "sh", "-c", &script, "sh", program])
            }
            Self::RemoteProxy => with_proxy(&mut command, lab, program),
            Self::SilentNameServer => with_name_server(&mut command, lab, "silent", program),
        };
        command
    }
}

/// The name server is this very test program, told so by a variable. It ends with the namespace of
/// processes, whose first process becomes the program under test.
fn with_name_server<'a>(
    command: &'a mut Command,
    lab: &Lab,
    role: &str,
    program: &str,
) -> &'a mut Command {
    lab.write("resolv.conf", "nameserver 127.0.0.1\n");
    let server = std::env::current_exe().unwrap();
    let script = format!(
        "mount --bind resolv.conf /etc/resolv.conf && ip link set lo up || exit 1\n\
         rm -f {READY}\n\
         {ROLE}={role} '{}' --exact namespace::name_server >name-server.log 2>&1 </dev/null &\n\
         while [ ! -e {READY} ]; do sleep 0.01; done\n\
         exec \"$@\"",
        server.display()
    );
    command
        .args(["--net", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", &script, "sh", program])
}

/// mosquitto, in the namespace and ending with it.
fn with_broker<'a>(
    command: &'a mut Command,
    lab: &Lab,
    more: &str,
    program: &str,
) -> &'a mut Command {
    // What else there is may hold the port.
    let second = if more.is_empty() {
        "listener 8883 192.0.2.1\n"
    } else {
        ""
    };
    let conf = format!(
        "user root\nlog_dest stderr\nallow_anonymous true\nlistener 1883 192.0.2.1\n{second}"
    );
    lab.write("remote.conf", conf);
    let script = format!(
        "ip link set lo up && ip address add 192.0.2.1/32 dev lo || exit 1\n\
        : >remote.log\n\
        mosquitto -c remote.conf >remote.log 2>&1 </dev/null &\n\
        until grep -q ' running$' remote.log; do sleep 0.01; done\n\
        {more}exec \"$@\""
    );
    command
        .args(["--net", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", &script, "sh", program])
}

/// OpenSSL with a large certificate, in a namespace beside this one. What is larger than the MTU of
/// `lan0` gets lost there; of the route the server hears that it may send more.
fn with_lossy_way<'a>(command: &'a mut Command, program: &str) -> &'a mut Command {
    let server = "until ip link show lan1; do sleep 0.01; done\n\
        ip link set lo up && ip link set lan1 gso_max_segs 1 || exit 1\n\
        ip address add 192.0.2.1/24 dev lan1 && ip link set lan1 up || exit 1\n\
        openssl s_server -accept 192.0.2.1:8883 -cert large.pem -key large.pem -quiet &\n\
        until ss -Hltn | grep -q :8883; do sleep 0.01; done\n\
        : >server-is-ready; wait";
    let script = format!(
        "rm -f server-is-ready; names=$(seq -s, -f 'DNS:a-name-of-this-server-%g.example' 40)\n\
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=a \
        -addext subjectAltName=$names -keyout key.pem -out cert.pem 2>/dev/null || exit 1\n\
        cat key.pem cert.pem >large.pem\n\
        echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null\n\
        ip link set lo up && ip link add lan0 type veth peer name lan1 || exit 1\n\
        ip link set lan0 mtu 1200 || exit 1\n\
        unshare --net sh -c '{server}' >server.log 2>&1 </dev/null & server=$!\n\
        until ip link set lan1 netns $server && ! ip link show lan1; do sleep 0.01; done \
        >link.log 2>&1\n\
        ip address add 192.0.2.10/24 dev lan0 && ip link set lan0 up || exit 1\n\
        ip route change 192.0.2.0/24 dev lan0 advmss 1460 || exit 1\n\
        while [ ! -e server-is-ready ]; do sleep 0.01; done\n\
        exec \"$@\""
    );
    command
        .args(["--net", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", &script, "sh", program])
}

/// HAProxy, in the namespace and ending with it. It goes into the background once it listens.
fn with_proxy<'a>(command: &'a mut Command, lab: &Lab, program: &str) -> &'a mut Command {
    let conf = "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
        frontend sni\n bind 192.0.2.1:8883\n tcp-request inspect-delay 5s\n \
        tcp-request content accept if { req.ssl_sni -i broker.example }\n \
        tcp-request content reject\n";
    lab.write("proxy.cfg", conf);
    let script = "ip link set lo up && ip address add 192.0.2.1/32 dev lo || exit 1\n\
        haproxy -D -f proxy.cfg >proxy.log 2>&1 </dev/null || exit 1\n\
        exec \"$@\"";
    command
        .args(["--net", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", script, "sh", program])
}

/// Not a test of its own: the name server inside a namespace. Elsewhere it does nothing.
#[test]
fn name_server() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    std::fs::write(READY, "").unwrap();
    let mut query = [0; 512];
    loop {
        let (length, asker) = socket.recv_from(&mut query).unwrap();
        if role == "no-such-name" {
            socket
                .send_to(&no_such_name(&query[..length]), asker)
                .unwrap();
        }
    }
}

/// The answer NXDOMAIN (RFC 1035 §4.1.1) to a query: its header and its question.
fn no_such_name(query: &[u8]) -> Vec<u8> {
    const HEADER: usize = 12;
    let mut end = HEADER;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    let mut answer = query[..end + 5].to_vec();
    // An answer, recursion wanted and had, name error; one question and nothing else.
    answer[2..HEADER].copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
    answer
}
