//! The explanations of connect, subscribe, publish and receive. Texts only.

use crate::diagnosis::Entry;

pub(crate) const IS_TLS: Entry = Entry {
    line: "the port speaks TLS, and `tls = off` is set",
    more: "The broker expects an encrypted connection on this port, and was spoken to in the clear. Nothing that was sent is readable to it, but others on the way can have read it.",
    causes: &["`tls = off`, or `mqtt://` in the URL, together with a TLS port such as 8883"],
    remedies: &[
        "set `tls = on`, or write `mqtts://` in the URL",
        "if a password was sent, change it",
    ],
};

pub(crate) const NOT_MQTT: Entry = Entry {
    line: "what answers on this port does not speak MQTT",
    more: "The connection stands, and the answer to the first MQTT message (CONNECT), or a later message, is something else.",
    causes: &[
        "the port belongs to another service: a web server, SSH, MQTT over WebSocket",
        "a proxy on the way changes the data, or adds a line of its own (the PROXY protocol)",
    ],
    remedies: &[
        "look at the first bytes in the message: `HTTP` is a web server, `SSH` is SSH",
        "check `port`: 8883 is usual with TLS, 1883 without; ports for WebSocket (8080, 8084, 9001) are not for this",
        "let the proxy pass TCP through unchanged",
    ],
};

pub(crate) const CLOSED: Entry = Entry {
    line: "the broker closed the connection at CONNECT",
    more: "CONNECT is the first MQTT message, with client id, user name and password. The broker hung up without the answer (CONNACK) that would say why.",
    causes: &[
        "user name or password is wrong or missing: some brokers hang up instead of saying so",
        "AWS IoT Core: the certificate is not active, has no policy, or its policy does not allow this client id",
        "the port is a TLS port, and `tls = off` is set",
        "the broker limits how many clients there are, or how often one comes",
    ],
    remedies: &[
        "check user name, password and client id",
        "read the broker's log, where the reason stands: `journalctl -u mosquitto -e`",
        "with `tls = off`, try `tls = on`",
        "AWS IoT Core: activate the certificate and attach a policy with `iot:Connect`",
    ],
};

pub(crate) const TIMEOUT: Entry = Entry {
    line: "the broker does not answer CONNECT",
    more: "CONNECT is the first MQTT message, and its answer (CONNACK) did not come in time.",
    causes: &[
        "the port is not MQTT's, and its server waits for something else",
        "the port is a TLS port, and `tls = off` is set",
        "the broker is overloaded, or the database of its users is slow",
    ],
    remedies: &[
        "check `port` and `tls`: 8883 is usual with TLS, 1883 without",
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) const BAD_CREDENTIALS: Entry = Entry {
    line: "user name or password is wrong",
    more: "The broker answered that it does not accept the two (CONNACK 4).",
    causes: &[
        "a slip in the user name or the password",
        "a space or a line end at the end of the password",
        "the login of the cloud's web console was taken: devices have credentials of their own",
        "the account was made on another broker or cluster",
    ],
    remedies: &[
        "type both once more; make new credentials in the broker's console (access management)",
        "keep the password free of shells and quotes: `password_file = password.txt`",
        "on your own mosquitto: `mosquitto_passwd FILE USER`, then `systemctl reload mosquitto`",
    ],
};

pub(crate) const NOT_AUTHORIZED: Entry = Entry {
    line: "the broker does not let this user connect",
    more: "The broker answered: not authorized (CONNACK 5). Some brokers, mosquitto among them, also give this answer for a wrong password.",
    causes: &[
        "no user name is set, and the broker lets nobody in without one",
        "user name or password is wrong",
        "the user may not connect with this client id, or from this address",
        "`sni = off` with a cloud that finds the account by the server name",
    ],
    remedies: &[
        "set `username`, and a password by `password_file` or `password_env`",
        "if they are set, check both",
        "allow the user and client id in the broker's access rules",
        "on your own mosquitto without users: `allow_anonymous true`, or better a `password_file`",
    ],
};

pub(crate) const CLIENT_ID_REJECTED: Entry = Entry {
    line: "the broker rejects the client id",
    more: "Each client gives the broker a name of its own, the client id, and this one is not accepted (CONNACK 2).",
    causes: &[
        "it is longer than the broker allows, or has characters that it does not",
        "the broker ties the client id to the user or the certificate",
        "it is empty, and the broker gives none",
    ],
    remedies: &[
        "set `client_id` to at most 23 letters and digits, which are accepted everywhere",
        "if the broker ties it to the user or the certificate, use that very id",
    ],
};

pub(crate) const SERVER_UNAVAILABLE: Entry = Entry {
    line: "the broker is up, but MQTT is not available now",
    more: "The broker answered so itself (CONNACK 3): it starts, stops, is overloaded, or cannot reach what it needs.",
    causes: &[
        "the broker is just starting, or is being updated",
        "too many clients, or a quota that is used up",
    ],
    remedies: &[
        "try again in a minute",
        "if it stays so, read the broker's log, or its provider's status page",
    ],
};

pub(crate) const VERSION: Entry = Entry {
    line: "the broker does not accept this version of MQTT",
    more: "MQTT has several versions, and the broker does not take the one that was offered.",
    causes: &[
        "the broker is limited to another version by its configuration",
        "the broker is very old, or speaks MQTT-SN or a dialect",
    ],
    remedies: &["allow MQTT 3.1.1 on the broker", "update the broker"],
};

pub(crate) const REFUSED: Entry = Entry {
    line: "the broker refuses the connection for another reason",
    more: "The broker answered CONNECT with a code that is none of the common ones; the message shows it with its name.",
    causes: &[
        "the client is banned, comes too often, or a quota is used up",
        "the broker, or a plug-in of it, has a code of its own",
    ],
    remedies: &[
        "read the broker's log, where the reason stands",
        "look the code up in the broker's documentation",
        "wait some minutes, then try again once",
    ],
};

pub(crate) const TAKEN_OVER: Entry = Entry {
    line: "another client uses the same client id",
    more: "A client id is for one connection at a time. When a second one comes with the same id, the broker closes the first; two such devices throw each other out, again and again.",
    causes: &[
        "a config file with `client_id` was copied to a second device",
        "the device's own program is running while the check uses its id",
    ],
    remedies: &[
        "give each device its own `client_id`",
        "for the check, remove `client_id`: a fresh one is made up each time",
        "or stop the other program meanwhile",
    ],
};

pub(crate) const SUBSCRIBE_DENIED: Entry = Entry {
    line: "the user may not read this topic",
    more: "Topics are the addresses of messages, and whoever wants to receive subscribes to one. The broker refused the subscription.",
    causes: &[
        "the broker's access rules (ACL) do not give this user the topic",
        "the topic is not of the form that the broker wants, such as one that begins with the user's name",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's access rules",
        "or set `topic` to one that the user may both read and write: `-t NAME`",
    ],
};

pub(crate) const SUBSCRIBE_CLOSED: Entry = Entry {
    line: "the broker closed the connection at SUBSCRIBE",
    more: "Login worked, and the broker hung up when a subscription to the topic was asked for. Some brokers do so instead of refusing.",
    causes: &[
        "the user may not read the topic",
        "AWS IoT Core: the policy lacks `iot:Subscribe` on `topicfilter/…`",
        "the broker restarted, or the network failed just then",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's access rules",
        "or take another topic: `-t NAME`",
        "run the check again: if it fails at another stage, it is the network or the broker itself",
    ],
};

pub(crate) const SUBSCRIBE_TIMEOUT: Entry = Entry {
    line: "the broker does not answer SUBSCRIBE",
    more: "Login worked, and the answer to the subscription (SUBACK) did not come in time.",
    causes: &[
        "the broker is overloaded, or waits for the database of its access rules",
        "the link is slow, or lost its data",
    ],
    remedies: &[
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) const PUBLISH_CLOSED: Entry = Entry {
    line: "the broker closed the connection at PUBLISH",
    more: "Login worked, and the broker hung up when a message was sent. Some brokers do so instead of refusing the message.",
    causes: &[
        "the user may not write to the topic",
        "the message is larger than the broker's limit",
        "the broker has no QoS 2, or keeps no retained messages",
        "AWS IoT Core: the policy lacks `iot:Publish` on `topic/…`",
    ],
    remedies: &[
        "allow this user to publish to the topic, in the broker's access rules",
        "try the smallest message: `-q 0 -m hello`, without `-r`",
        "read the broker's log, where the reason stands",
    ],
};

pub(crate) const PUBLISH_TIMEOUT: Entry = Entry {
    line: "the broker does not acknowledge the message",
    more: "With QoS 1 and 2 the broker confirms each message (PUBACK, or PUBREC and PUBCOMP), and the confirmation did not come in time.",
    causes: &[
        "the broker has no QoS 2, as AWS IoT Core",
        "the broker is overloaded",
        "the link is slow, or lost its data",
    ],
    remedies: &[
        "with `qos = 2`, try `-q 1`",
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) const PUBLISH_TOO_LARGE: Entry = Entry {
    line: "the message is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines; it was not sent.",
    causes: &["`message` is longer than `max_packet_size` (1 MiB unless set)"],
    remedies: &[
        "send a smaller message",
        "or raise the limit: `--set max_packet_size=4MiB`; the broker has limits of its own, too",
    ],
};

pub(crate) const RECEIVE_TIMEOUT: Entry = Entry {
    line: "our own message never came back",
    more: "The check subscribes to a topic, publishes to it, and waits for its own message. Everything was confirmed, and the message did not arrive. MQTT 3.1.1 has no way to refuse a message, so brokers such as mosquitto confirm what they then drop.",
    causes: &[
        "the user may not write to the topic, or may not read it",
        "the broker renames topics for each user or tenant",
        "a rule on the broker keeps or changes the message",
        "with QoS 0, the message was lost on the way",
    ],
    remedies: &[
        "allow this user both to publish to the topic and to read it, in the broker's access rules",
        "try a topic that the user certainly has: `-t NAME`",
        "try with a confirmation: `-q 1`",
        "read the broker's log, which names denied messages (mosquitto: `log_type all`)",
    ],
};

pub(crate) const RECEIVE_TOO_LARGE: Entry = Entry {
    line: "a message came in that is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines. The message is someone else's, or a retained one.",
    causes: &[
        "others publish large messages on the topic",
        "a large message is retained there, and every new subscriber gets it",
    ],
    remedies: &[
        "take a topic on which nobody else publishes, or none at all: then the check makes one up",
        "or raise the limit: `--set max_packet_size=16MiB`",
    ],
};

pub(crate) const RECEIVE_ALTERED: Entry = Entry {
    line: "our message came back changed",
    more: "The check's own message arrived, known by its mark, and its content is not what was sent.",
    causes: &[
        "a rule, bridge or plug-in on the broker rewrites messages of this topic",
        "a program that listens on the topic sends messages back on it",
    ],
    remedies: &[
        "look for rules, bridges and plug-ins on the broker that touch the topic",
        "try another topic: `-t NAME`",
    ],
};

pub(crate) const RECEIVE_CLOSED: Entry = Entry {
    line: "the connection was lost while waiting",
    more: "Login, subscription and message were confirmed, and the connection ended before the message came back.",
    causes: &[
        "the broker closes the connection of a user who breaks an access rule",
        "the broker restarted, or the network failed just then",
        "another client connected with the same client id",
    ],
    remedies: &[
        "run the check again: if it fails elsewhere, it is the network or the broker itself",
        "read the broker's log at that time",
        "give each device its own `client_id`",
    ],
};

pub(crate) const CONNECTION_LOST: Entry = Entry {
    line: "the connection was lost and not re-established",
    more: "`pub` or `sub` had a connection, lost it, and gave up trying to have it again. The last cause stands in the notes, and has a code of its own.",
    causes: &[
        "the broker was stopped or restarted for longer than `--give-up` allows",
        "the network or the way to the broker failed",
        "`--no-reconnect` was given",
    ],
    remedies: &[
        "run `mqtt-test CONFIG` now: it says whether the broker can be used again, and if not, why",
        "raise `--give-up` if outages may be longer",
        "publish again what was not acknowledged: the notes say how many messages that is",
    ],
};
