//! The explanations of dns and tcp. Texts only.

use crate::diagnosis::Entry;

pub(crate) const DNS_NOT_FOUND: Entry = Entry {
    line: "the broker's name does not exist, or has no address",
    more: "A name such as `broker.example.com` is first looked up to get an address (DNS). The look-up was answered, and the answer is: there is none.",
    causes: &[
        "the name is misspelt, or was not copied whole",
        "the broker in the cloud was stopped or deleted, and lost its name with it",
        "the name is known only inside another network (a company's, a container's, a VPN's)",
    ],
    remedies: &[
        "copy the host name once more from the broker's console or from its operator",
        "ask for it by hand: `getent hosts broker.example.com`",
        "look in the cloud's console whether the broker is running",
        "for a machine of the local network, write its full name or its IP address",
    ],
};

pub(crate) const DNS_UNAVAILABLE: Entry = Entry {
    line: "names cannot be looked up on this machine now",
    more: "The name server, which turns names into addresses (DNS), could not be asked or did not answer in time. Whether the broker's name is right is not known yet.",
    causes: &[
        "this machine is not on the network, or not yet: a board just after its start",
        "the name server that is set does not answer",
        "a firewall lets no DNS through",
    ],
    remedies: &[
        "see whether there is a network: `ip route` must show a default route",
        "see which name servers are set: `cat /etc/resolv.conf`, or `resolvectl status`",
        "try another name: `getent hosts example.com`; if that fails too, mend this machine's network first",
        "for a service that starts with the machine, add `After=network-online.target` and `Wants=network-online.target`",
    ],
};

pub(crate) const TCP_REFUSED: Entry = Entry {
    line: "the machine is there, and refuses the connection",
    more: "The address answered at once with a no: nothing takes connections on this port, or a firewall says no in its place. The network between works.",
    causes: &[
        "the broker is not running",
        "the port is wrong: 8883 is usual with TLS, 1883 without",
        "the broker listens for its own machine only (loopback), as mosquitto 2 does without a `listener` line",
        "`localhost` inside a container, which is the container itself",
    ],
    remedies: &[
        "on the broker's machine, see whether it runs and where it listens: `systemctl status mosquitto` and `ss -ltn`",
        "check `host` and `port` in the config file",
        "give mosquitto a listener for the network: `listener 8883` with its certificate, in its configuration",
    ],
};

pub(crate) const TCP_TIMEOUT: Entry = Entry {
    line: "nothing answers at the broker's address",
    more: "The connection was asked for, and neither a yes nor a no came back in time.",
    causes: &[
        "a firewall on the way drops connections to this port without a word; many networks let only web traffic out",
        "the broker's machine is switched off, or has another address by now",
        "in a cloud, the security group or the list of allowed addresses does not have this one",
    ],
    remedies: &[
        "try from another network, such as a phone's hotspot: if it works there, this network blocks the port",
        "let outbound TCP to the port (usually 8883) through the firewall",
        "AWS IoT Core also takes MQTT on port 443: `port = 443` and `alpn = x-amzn-mqtt-ca`",
        "check `host` and `port`, and that the broker's machine is up",
    ],
};

pub(crate) const TCP_UNREACHABLE: Entry = Entry {
    line: "there is no route from this machine to the broker",
    more: "This machine's own network, or a router on the way, says that the address cannot be reached.",
    causes: &[
        "the network is down: no cable, no Wi-Fi, no VPN",
        "there is no default route",
        "the broker has IPv6 addresses only, and this machine has no IPv6",
    ],
    remedies: &[
        "see what there is: `ip address` and `ip route`",
        "connect the network or the VPN, and try again",
        "see which addresses the name has: `getent ahosts broker.example.com`",
    ],
};
