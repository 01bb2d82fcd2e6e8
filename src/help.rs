//! The help text. It says nothing that the program does not do.

/// What `--help` prints: at most 45 lines of 80 columns.
pub const HELP: &str = "\
mqtt-test tells whether this machine can use an MQTT broker, and if not, which
layer fails, why, and what to change.

Usage:
  mqtt-test CONFIG [FLAGS]      check: dns, tcp, tls, connect, subscribe,
                                publish, receive; the first failure ends it
  mqtt-test new PROVIDER        print a commented config file to start from:
                                hivemq, emqx, aws, mosquitto, local
  mqtt-test explain [CODE]      what a code such as tls-expired means, and what
                                to do; without CODE: all of them in a list
  mqtt-test --help, -h | --version, -V

CONFIG is a file of `key = value` lines, or a URL: mqtts://user@host:8883/topic
(TLS) or mqtt://host (no TLS).

Settings, above those of the file:
  --set KEY=VALUE               any key; may be repeated
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
      --quiet                   the exit code alone says whether it worked
      --verbose                 more evidence
      --color WHEN              auto, always or never

Exit codes: 0 it works; 2 usage or configuration, nothing was contacted; 3 dns;
  4 tcp; 5 tls; 6 connect; 7 subscribe; 8 publish; 9 receive; 130 interrupted.

Examples:
  mqtt-test new hivemq > hivemq.conf          then fill it in, and
  MQTT_PASSWORD=… mqtt-test hivemq.conf
  mqtt-test mqtts://test.mosquitto.org:8886
  mqtt-test local.conf -t sensors/7 -m hello --json
";
