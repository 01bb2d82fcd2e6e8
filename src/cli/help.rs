//! The help texts. They say nothing that the program does not do.

/// The text for a command; for none, or one without a text of its own, the text for all.
pub(crate) fn text(command: Option<&str>) -> &'static str {
    match command {
        Some("pub") => PUB,
        Some("sub") => SUB,
        _ => HELP,
    }
}

/// What `--help` prints: at most 45 lines of 80 columns, as the others here.
pub(crate) const HELP: &str = "\
mqtt-test tells whether this machine can use an MQTT broker, and if not, which
layer fails, why, and what to change.

Usage:
  mqtt-test CONFIG [FLAGS]      check: dns, tcp, tls, connect, subscribe,
                                publish, receive; the first failure ends it
  mqtt-test pub CONFIG [FLAGS]  publish a message, a file, or lines
  mqtt-test sub CONFIG [FLAGS]  print messages as they arrive
  mqtt-test new PROVIDER        print a commented config file to start from:
                                hivemq, emqx, aws, mosquitto, local
  mqtt-test explain [CODE]      what a code such as tls-expired means, and what
                                to do; without CODE: all of them in a list
  mqtt-test pub --help, sub --help; --help, -h; --version, -V

CONFIG is a file of `key = value` lines, or a URL: mqtts://user@host:8883/topic
(TLS) or mqtt://host (no TLS).

Settings, overriding the file:
      --set KEY=VALUE           any key; may be repeated
  -t, --topic TOPIC             where to publish and listen
  -m, --message TEXT            what to publish
  -q, --qos 0|1|2               quality of service
  -r, --retain                  ask the broker to keep the message
  -i, --client-id ID            who we are to the broker
  -u, --username NAME           the password comes from password_env or
                                password_file, never from a flag
      --timeout TIME            for each stage: 500ms, 15s, 2m

Output:
      --json                    one JSON object on standard output
      --quiet                   nothing when it works
      --verbose                 more evidence
      --color WHEN              auto, always or never

Exit codes: 0 it works; 2 usage or configuration, nothing was contacted; 3 dns;
  4 tcp; 5 tls; 6 connect; 7 subscribe; 8 publish; 9 receive; 10 a connection
  was lost and could not be re-established; 130 interrupted.

Examples:
  mqtt-test new hivemq > hivemq.conf          then fill it in, and
  MQTT_PASSWORD=… mqtt-test hivemq.conf
  mqtt-test local.conf -t sensors/7 -m hello --json
";

/// What `pub --help` prints.
pub(crate) const PUB: &str = "\
mqtt-test pub publishes. With QoS 1 and 2 it keeps each message until the broker
has acknowledged it, over as many connections as that takes.

Usage: mqtt-test pub CONFIG [FLAGS]

What is published (one of these; else `message` of CONFIG):
  -m, --message TEXT            this text
  -f, --file PATH               the bytes of a file
  -n, --null                    nothing: an empty message
  -s, --stdin                   standard input as one message
  -l, --lines                   each line of standard input, as it comes

How:
  -t, --topic TOPIC             where to
  -q, --qos 0|1|2               quality of service
  -r, --retain                  ask the broker to keep the message
      --repeat N                the message N times (not with -l)
      --interval TIME           minimum time between messages
      --rate N                  at most N messages a second
      --no-reconnect            end when the connection is lost
      --give-up TIME            how long to keep trying to reconnect (5m)
  -i, --client-id ID, -u, --username NAME, --timeout TIME, --set KEY=VALUE: as
                                for the check, see mqtt-test --help

What is told: what was lost and came back, and totals, on standard error.
      --json                    as JSON lines on standard output
      --quiet                   only what ends it
      --color WHEN              auto, always or never

Exit codes as for the check; 10 when the connection was lost and could not be
re-established. The totals say how many messages are not acknowledged. Ctrl-C
waits for those in flight, for `timeout` at most, and ends with 130; a second
one ends at once.

Examples:
  mqtt-test pub local.conf -t sensors/7 -m 21.5 -q 1
  tail -f app.log | mqtt-test pub local.conf -t logs -q 1 -l
";

/// What `sub --help` prints.
pub(crate) const SUB: &str = "\
mqtt-test sub prints messages as they arrive, and subscribes again when the
connection was lost.

Usage: mqtt-test sub CONFIG [FLAGS]

Which messages:
  -t, --topic FILTER            may be repeated, with + and #; else `topic`
      --retained only|skip      only those that the broker kept, or none of them
  -C, --count N                 end after N messages
      --for TIME                end after this time

How they are printed (else the payload and a line end):
  -v, --topics                  the topic before the payload
      --json                    JSON lines: topic, qos, retain, time, payload
      --raw                     the bytes and nothing else
      --hex                     the payload in hexadecimal

How:
  -q, --qos 0|1|2               at most this quality of service
      --no-reconnect            end when the connection is lost
      --give-up TIME            how long to keep trying (forever)
      --quiet                   no totals; only what ends it
      --color WHEN              auto, always or never
  -i, --client-id ID, -u, --username NAME, --timeout TIME, --set KEY=VALUE: as
                                for the check, see mqtt-test --help

With `clean_session = off` and a `client_id` the broker keeps what comes while
you are away. Ctrl-C ends it with exit code 0.

Examples:
  mqtt-test sub local.conf -t 'sensors/#' -v
  mqtt-test sub local.conf -t alarms -q 1 -C 1 --for 10s
";
