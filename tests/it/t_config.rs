//! Everything that is wrong before anything is contacted: exit code 2, the code, the line at fault,
//! and what would be right.

use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::namespace::Namespace;
use crate::provoke::{provoke, trusting_lab};
use crate::rogue::Rogue;
use crate::run::{CONFIG, Run};
use crate::{catalogue, certs_openssl as forms, golden, json};

/// A configuration with a fault: the name of the golden file, the text, the code, the lines that
/// must be named, and words that must be there.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [usize],
    &'static [&'static str],
);

#[track_caller]
fn check((variant, config, code, lines, words): Case) {
    let lab = Lab::new();
    let found = provoke(&lab, config.to_owned())
        .variant(variant)
        .fails(code);
    found.says(words);
    for line in lines {
        found.says(&[&format!("{CONFIG}:{line}")]);
    }
    assert_eq!(
        found.human.stdout, "",
        "a configuration that is wrong has no results"
    );
}

#[test]
fn config_invalid() {
    const CODE: &str = "config-invalid";
    let cases: [Case; 20] = [
        (
            "no-equals",
            "host = localhost\nport 8883\n",
            CODE,
            &[2],
            &[],
        ),
        (
            "unknown-key",
            "host = localhost\nprot = 8883\n",
            CODE,
            &[2],
            &["port"],
        ),
        (
            "duplicate",
            "host = a\nport = 1883\nhost = b\n",
            CODE,
            &[1, 3],
            &[],
        ),
        (
            "port",
            "host = localhost\nport = 99999\n",
            CODE,
            &[2],
            &["65535"],
        ),
        ("no-host", "port = 8883\n", CODE, &[], &["host"]),
        (
            "wildcard",
            "host = localhost\ntopic = rooms/#\n",
            CODE,
            &[2],
            &[],
        ),
        (
            "will",
            "host = localhost\nwill_message = gone\n",
            CODE,
            &[2],
            &["will_topic"],
        ),
        (
            "tls-off",
            "host = localhost\ntls = off\nca_file = ca.pem\n",
            CODE,
            &[2, 3],
            &["ca_file"],
        ),
        (
            "no-key",
            "host = localhost\ncert_file = me.pem\n",
            CODE,
            &[2],
            &["key_file"],
        ),
        (
            "two-passwords",
            "host = localhost\nusername = a\npassword_env = A\npassword_file = b\n",
            CODE,
            &[4],
            &["password_env", "password_file"],
        ),
        (
            "no-user",
            "host = localhost\npassword_env = A\n",
            CODE,
            &[2],
            &["username"],
        ),
        (
            "session",
            "host = localhost\nclean_session = off\nclient_id =\n",
            CODE,
            &[2],
            &["client_id"],
        ),
        (
            "keep-alive",
            "host = localhost\nkeep_alive = 3s\n",
            CODE,
            &[2],
            &["5s"],
        ),
        (
            "switch",
            "host = localhost\nretain = maybe\n",
            CODE,
            &[2],
            &["on", "off"],
        ),
        (
            "duration",
            "host = localhost\ntimeout = 5 parsecs\n",
            CODE,
            &[2],
            &["15s"],
        ),
        (
            "protocol-3.1",
            "host = localhost\nprotocol = 3.1\n",
            CODE,
            &[2],
            &["3.1.1"],
        ),
        (
            "tls-version",
            "host = localhost\ntls_version = 1.1\n",
            CODE,
            &[2],
            &["1.2"],
        ),
        (
            "check",
            "host = localhost\ncheck = ping\n",
            CODE,
            &[2],
            &["echo"],
        ),
        (
            "filter",
            "host = localhost\ncheck = subscribe\ntopic = rooms#\n",
            CODE,
            &[3],
            &["filter"],
        ),
        (
            "several",
            "hst = localhost\nport = one\nqos = 3\ntls = off\nsni = on\n",
            CODE,
            &[1, 2, 3, 5],
            &["host"],
        ),
    ];
    for case in cases {
        check(case);
    }
}

#[test]
fn host_invalid() {
    const CODE: &str = "host-invalid";
    let cases: [Case; 7] = [
        (
            "one-slash",
            "host = mqtt:/broker.example:1883\n",
            CODE,
            &[1],
            &["host = broker.example`", "port = 1883", "tls = off"],
        ),
        (
            "websocket",
            "host = wss://abc123.s1.eu.hivemq.cloud:8884/mqtt\n",
            CODE,
            &[1],
            &["port = 8883"],
        ),
        (
            "scheme",
            "host = mqtts://broker.example\n",
            CODE,
            &[1],
            &["tls"],
        ),
        (
            "port",
            "host = broker.example:1883\n",
            CODE,
            &[1],
            &["port = 1883"],
        ),
        ("path", "host = broker.example/mqtt\n", CODE, &[1], &[]),
        ("blank", "host = broker example\n", CODE, &[1], &[]),
        ("comma", "host = a.example,b.example\n", CODE, &[1], &[]),
    ];
    for case in cases {
        check(case);
    }
}

#[test]
fn limits_of_a_known_broker() {
    const AWS: &str = "host = a1b2c3-ats.iot.eu-west-1.amazonaws.com\n";
    let lab = Lab::new();
    provoke(&lab, format!("{AWS}qos = 2\n")).fails("qos-unsupported");
    let azure = "host = contoso.azure-devices.net\nqos = 2\n";
    provoke(&lab, azure.to_owned())
        .variant("azure")
        .fails("qos-unsupported")
        .says(&["Azure IoT Hub"]);
    provoke(&lab, format!("{AWS}port = 443\n"))
        .fails("alpn-required")
        .says(&["alpn = x-amzn-mqtt-ca"]);
}

#[test]
fn config_unreadable() {
    let lab = Lab::new();
    lab.write("hivemq.conf", "host = localhost\n");
    lab.write("large.conf", "#".repeat((1 << 20) + 1));
    lab.write("latin.conf", b"host = localhost\n# caf\xe9\n");
    std::fs::create_dir(lab.path("folder")).unwrap();
    for (file, words) in [
        ("hivmq.conf", "hivemq.conf"),
        ("large.conf", "1048576"),
        ("latin.conf", "UTF-8"),
        ("folder", "folder"),
    ] {
        let variant = file.split('.').next().unwrap();
        check_args(&lab, "config-unreadable", variant, &[file], words);
    }
    for command in ["pub", "sub"] {
        let args = [command, "hivmq.conf"];
        check_args(&lab, "config-unreadable", command, &args, "hivemq.conf");
    }
}

#[test]
fn usage_invalid() {
    let lab = Lab::new();
    lab.write(CONFIG, "host = localhost\n");
    for (variant, args, words) in [
        ("nothing", &[][..], CONFIG),
        ("flag", &[CONFIG, "--jsn"], "--json"),
        ("left-over", &[CONFIG, "extra"], "extra"),
        ("no-value", &[CONFIG, "--set"], "--set"),
        ("set", &[CONFIG, "--set", "qos"], "--set"),
        ("provider", &["new", "hivmq"], "hivemq"),
        ("insecure", &[CONFIG, "--insecure"], "ca_file"),
        ("password", &[CONFIG, "-P", "hunter2-word"], "password_env"),
        ("pub", &["pub", CONFIG, "--count", "3"], "`pub`"),
        ("sub", &["sub", CONFIG, "-m", "hello"], "`sub`"),
    ] {
        check_args(&lab, "usage-invalid", variant, args, words);
    }
}

/// A run with these arguments: words, golden file and JSON.
#[track_caller]
fn check_args(lab: &Lab, code: &str, variant: &str, args: &[&str], words: &str) {
    // The golden file shows the arguments, this one too; the program must not.
    let outcome = Run::args(lab, args).secret("hunter2-word").go();
    outcome.expect_code(catalogue::exit_code(code, "config"));
    assert!(
        outcome.stderr.contains(words),
        "no `{words}` in:\n{outcome}"
    );
    golden::check(&format!("{code}.{variant}"), lab, &outcome);
    let json = Run::args(lab, args).arg("--json").go();
    let report = match args.first() {
        Some(&("pub" | "sub")) => json::lines(&json).pop().unwrap(),
        _ => json::report(&json),
    };
    assert_eq!(report["failure"]["code"], code, "in:\n{report:#}");
}

#[test]
fn password_unavailable() {
    let lab = Lab::new();
    lab.write_private("empty.txt", "\n");
    for (variant, line) in [
        ("variable", "password_env = NO_SUCH_VARIABLE"),
        ("missing", "password_file = nowhere.txt"),
        ("empty", "password_file = empty.txt"),
    ] {
        let named = line.split("= ").last().unwrap();
        provoke(&lab, format!("host = localhost\nusername = ann\n{line}\n"))
            .variant(variant)
            .fails("password-unavailable")
            .says(&[named]);
    }
}

/// So is one that `pub` shall publish.
#[test]
fn a_pipe_to_publish_without_a_writer_is_given_up() {
    let lab = Lab::new();
    let made = std::process::Command::new("mkfifo")
        .arg(lab.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    lab.write(CONFIG, "host = localhost\ntls = off\ntimeout = 300ms\n");
    let args = ["pub", CONFIG, "-t", "t", "-f", "pipe"];
    let outcome = Run::args(&lab, &args).go();
    outcome
        .expect_code(2)
        .expect_within(std::time::Duration::from_secs(5));
    for said in [
        "error[usage-invalid]: `pipe` cannot be published",
        "nothing was written to it within 300 ms",
        "raise `timeout`",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {outcome}");
    }
}

/// A named pipe that nobody writes to is waited for as long as `timeout` says.
#[test]
fn a_pipe_without_a_writer_is_given_up() {
    let lab = Lab::new();
    let made = std::process::Command::new("mkfifo")
        .arg(lab.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    let words = "nothing was written to it within 300 ms";
    let conf =
        "host = localhost\ntls = off\nusername = me\npassword_file = pipe\ntimeout = 300ms\n";
    lab.write(CONFIG, conf);
    for (variant, args, code) in [
        (
            "pipe",
            &["pipe", "--timeout", "0.3s"][..],
            "config-unreadable",
        ),
        (
            "",
            &["sub", "pipe", "-t", "t", "--set", "timeout=300ms"],
            "config-unreadable",
        ),
        ("pipe", &[CONFIG], "password-unavailable"),
    ] {
        let outcome = Run::args(&lab, args).go();
        outcome
            .expect_code(2)
            .expect_within(std::time::Duration::from_secs(5));
        assert!(
            outcome.stderr.starts_with(&format!("error[{code}]: ")),
            "{outcome}"
        );
        assert!(outcome.stderr.contains(words), "{outcome}");
        if !variant.is_empty() {
            golden::check(&format!("{code}.{variant}"), &lab, &outcome);
        }
    }
}

/// Files that hold something else, and what they hold.
#[test]
fn files_that_are_not_what_they_should_be() {
    let (lab, root) = trusting_lab();
    let files = root.client("ann").issue().write(&lab, "ann");
    let other = root.client("eve").issue().write(&lab, "eve");
    let (key, cert) = (&files.key, &files.cert);
    lab.write(
        "page.html",
        "<!DOCTYPE html>\n<html><body>Log in</body></html>\n",
    );
    lab.write("empty.pem", "");
    let read = |name: &str| std::fs::read_to_string(lab.path(name)).unwrap();
    lab.write("reversed.pem", read("ca.pem") + &read(cert));
    lab.write("both.pem", read(cert) + &read("ca.pem"));
    let encrypted = forms::encrypted_key(&lab, key);
    let old = forms::encrypted_traditional_key(&lab, key);
    let pair = |cert: &str, key: &str| format!("cert_file = {cert}\nkey_file = {key}\n");
    let ca = |file: &str| format!("ca_file = {file}\n");
    for (code, variant, lines, words) in [
        (
            "ca-file-invalid",
            "missing",
            ca("nowhere.pem"),
            "nowhere.pem",
        ),
        ("ca-file-invalid", "key", ca(key), "private key"),
        ("ca-file-invalid", "html", ca("page.html"), "HTML"),
        ("ca-file-invalid", "empty", ca("empty.pem"), "empty"),
        (
            "client-cert-invalid",
            "missing",
            pair("nowhere.pem", key),
            "nowhere.pem",
        ),
        ("client-cert-invalid", "key", pair(key, key), "private key"),
        (
            "client-key-invalid",
            "missing",
            pair(cert, "nowhere.key"),
            "nowhere.key",
        ),
        (
            "client-key-invalid",
            "certificate",
            pair(cert, cert),
            "certificate",
        ),
        (
            "client-cert-invalid",
            "exchanged",
            pair(key, cert),
            "are exchanged",
        ),
        (
            "client-cert-invalid",
            "exchanged-encrypted",
            pair(&encrypted, cert),
            "are exchanged",
        ),
        (
            "client-cert-invalid",
            "ca",
            pair("ca.pem", key),
            "nothing but CA certificates",
        ),
        (
            "client-key-mismatch",
            "order",
            pair("reversed.pem", key),
            "certificate 2",
        ),
        (
            "client-key-mismatch",
            "several",
            pair("both.pem", &other.key),
            &other.key,
        ),
        (
            "client-key-encrypted",
            "pkcs8",
            pair(cert, &encrypted),
            "openssl pkey",
        ),
        (
            "client-key-encrypted",
            "proc-type",
            pair(cert, &old),
            "openssl pkey",
        ),
        (
            "client-key-mismatch",
            "pair",
            pair(cert, &other.key),
            &other.key,
        ),
    ] {
        provoke(&lab, format!("host = localhost\n{lines}"))
            .variant(variant)
            .fails(code)
            .says(&[words]);
    }
}

/// The first place is there and of no use: the next one is taken, and the note tells of each what was
/// found there.
#[test]
fn system_roots_are_sought_until_there_are_some() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab).tls(&server).start();
    let config = format!("host = localhost\nport = {}\ntimeout = 10s\n", broker.port);
    for script in [
        ": > /etc/ssl/certs/ca-certificates.crt; cp ca.pem /etc/ssl/cert.pem",
        "mkdir /etc/ssl/certs/ca-certificates.crt; cp ca.pem /etc/ssl/cert.pem",
        "mkdir /etc/ssl/cert.pem; cp ca.pem /etc/ssl/certs/root.pem",
    ] {
        let within = Namespace::SystemRoots(script);
        provoke(&lab, config.clone()).within(within).passes();
    }
    let none = ": > /etc/ssl/certs/ca-certificates.crt; mkdir /etc/ssl/cert.pem";
    provoke(&lab, config)
        .variant("system")
        .within(Namespace::SystemRoots(none))
        .fails("no-trust-roots")
        .says(&["opkg install ca-bundle", "apk add ca-bundle"]);
}

/// As in a container without certificates.
#[test]
fn no_trust_roots() {
    let lab = Lab::new();
    let config = "host = localhost\n";
    fn without(run: Run<'_>) -> Run<'_> {
        run.env("SSL_CERT_FILE", "nowhere.pem")
            .env("SSL_CERT_DIR", "nowhere")
    }
    let run = || without(Run::check(&lab, config));
    let outcome = run().go();
    outcome.expect_code(2);
    assert!(outcome.stderr.contains("nowhere.pem"), "{outcome}");
    golden::check("no-trust-roots", &lab, &outcome);
    let report = json::report(&run().arg("--json").go());
    assert_eq!(report["failure"]["code"], "no-trust-roots");
    for (command, args) in [
        ("pub", &["-t", "a/b", "-m", "hello"][..]),
        ("sub", &["-t", "a/b"]),
    ] {
        let outcome = without(Run::stream(&lab, command, config, args)).go();
        outcome.expect_code(2);
        golden::check(&format!("no-trust-roots.{command}"), &lab, &outcome);
    }
}

/// The check has a topic and a message of its own; what is published and listened to for others is
/// named.
#[test]
fn pub_and_sub_are_told_what_and_where() {
    let lab = Lab::new();
    let server = Rogue::Silent.start(&lab);
    let (file, url) = ("x.conf", format!("mqtt://localhost:{}", server.port));
    lab.write(
        file,
        format!("host = localhost\ntls = off\nport = {}\n", server.port),
    );
    let topic = format!("{url}/t");
    for (variant, args) in [
        ("payload", &["pub", file, "-t", "t"][..]),
        ("topic.pub", &["pub", file, "-m", "x"]),
        ("topic.sub", &["sub", file]),
        ("", &["pub", &url, "-l"]),
        ("", &["pub", &topic]),
        ("", &["pub", file, "--set", "topic=t"]),
        ("", &["pub", file, "--set", "message=x"]),
        ("", &["sub", &url]),
    ] {
        let outcome = Run::args(&lab, args).go();
        outcome.expect_code(2);
        assert!(outcome.stderr.contains(" was named\n"), "{outcome}");
        if !variant.is_empty() {
            golden::check(&format!("usage-invalid.{variant}"), &lab, &outcome);
        }
    }
    assert_eq!(server.events(), []);
}

/// Also where the arguments are not understood at all.
#[test]
fn a_stream_that_cannot_begin_reports_in_the_form_of_a_stream() {
    let lab = Lab::new();
    lab.write(CONFIG, "host = localhost\nqos = 7\n");
    for (args, code) in [
        (&["pub", CONFIG, "-t", "t", "-m", "x"][..], "config-invalid"),
        (&["sub", "nowhere.conf", "-t", "t"], "config-unreadable"),
        (&["pub", "mqtt://localhost"], "usage-invalid"),
        (&["sub", CONFIG, "-p", "1883"], "usage-invalid"),
        (&["pub"], "usage-invalid"),
    ] {
        let outcome = Run::args(&lab, args).arg("--json").go();
        outcome.expect_code(2);
        let lines = json::lines(&outcome);
        let [report] = lines.as_slice() else {
            panic!("{outcome}");
        };
        assert_eq!(report["type"], "report", "{report:#}");
        assert_eq!(
            (&report["ok"], &report["exit_code"]),
            (&false.into(), &2.into())
        );
        assert!(report["elapsed_ms"].is_number(), "{report:#}");
        assert_eq!(report["failure"]["code"], code, "{report:#}");
        let human = Run::args(&lab, args).go();
        if code == "usage-invalid" {
            let usage = format!(" help: usage: mqtt-test {} CONFIG", args[0]);
            assert!(
                human.stderr.lines().last().unwrap().starts_with(&usage),
                "{human}"
            );
        }
    }
    for (args, usage) in [
        (["new", "x"], "new PROVIDER"),
        (["explain", "x"], "explain [CODE]"),
    ] {
        let human = Run::args(&lab, &args).go();
        assert!(
            human.stderr.contains(&format!("usage: mqtt-test {usage}")),
            "{human}"
        );
    }
}

#[test]
fn nothing_is_contacted() {
    let lab = Lab::new();
    let server = Rogue::Silent.start(&lab);
    let port = server.port;
    Run::check(&lab, &format!("host = localhost\nport = {port}\nqos = 9\n"))
        .go()
        .expect_code(2);
    assert_eq!(server.events(), []);
}

/// A secret in a file that others can read, and that only its owner should.
#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    let lab = Lab::new();
    let server = Rogue::Obedient.start(&lab);
    let text = format!(
        "host = localhost\nport = {}\ntls = off\nusername = ann\npassword = s3cret-word\n",
        server.port
    );
    lab.write("open.conf", text);
    let outcome = Run::args(&lab, &["open.conf"]).secret("s3cret-word").go();
    outcome.expect_code(0);
    assert!(
        outcome.all().contains("warning[config-world-readable]"),
        "{outcome}"
    );
    golden::check("warning.config-world-readable", &lab, &outcome);
    for args in [
        ["pub", "open.conf", "-n", "-tt"],
        ["sub", "open.conf", "--for=100ms", "-tt"],
    ] {
        let outcome = Run::args(&lab, &args).secret("s3cret-word").go();
        outcome.expect_code(0);
        let label = "warning[config-world-readable]: ";
        assert_eq!(outcome.stderr.matches(label).count(), 1, "{outcome}");
    }
}

#[test]
fn help_version_and_new() {
    let lab = Lab::new();
    let help = Run::args(&lab, &["--help"]).go();
    help.expect_code(0);
    golden::check("help", &lab, &help);
    for command in ["pub", "sub"] {
        let help = Run::args(&lab, &[command, "--help"]).go();
        help.expect_code(0);
        golden::check(&format!("help.{command}"), &lab, &help);
    }
    let version = Run::args(&lab, &["--version"]).go();
    version.expect_code(0);
    assert_eq!(
        version.stdout,
        concat!("mqtt-test ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for provider in [
        "hivemq",
        "emqx",
        "aws",
        "azure",
        "thingsboard",
        "mosquitto",
        "local",
    ] {
        let new = Run::args(&lab, &["new", provider]).go();
        new.expect_code(0);
        assert!(
            new.stdout.lines().any(|line| line.starts_with("host = ")),
            "{new}"
        );
    }
}
