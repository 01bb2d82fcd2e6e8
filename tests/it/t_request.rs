//! `request`: a question and its answers, with `mosquitto_sub` and `mosquitto_pub` on the other side.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::lab::Lab;
use crate::mosquitto::{Mosquitto, mosquitto};
use crate::provoke::UNHURRIED;
use crate::run::Run;
use crate::{golden, json};

fn config(port: u16, more: &str) -> String {
    format!("host = 127.0.0.1\nport = {port}\ntls = off\ntopic = q\nclient_id = me\n{more}")
}

/// In MQTT 5, and in 3.1.1 with a topic for the answers.
const BOTH: [(&str, &str); 2] = [
    ("mqttv5", "protocol = 5\n"),
    ("mqttv311", "response_topic = answers\n"),
];

/// Answers the questions on `q`; it dies with this.
struct Responder {
    child: Child,
    answering: Option<JoinHandle<()>>,
}

impl Responder {
    /// Of each question it publishes `answers`: a payload, or the correlation data and a payload.
    fn start(broker: &Mosquitto, version: &'static str, answers: &'static [&'static str]) -> Self {
        let port = broker.port.to_string();
        let id = format!("responder-{version}");
        let mut child = Command::new("mosquitto_sub")
            .args(["-V", version, "-p", &port, "-i", &id, "-t", "q", "-q", "1"])
            .args(["-F", "%R %D %p"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        broker.wait_for_log(&format!("Sending SUBACK to {id}"));
        let questions = BufReader::new(child.stdout.take().unwrap());
        let answering = thread::spawn(move || {
            for question in questions.lines() {
                let question = question.unwrap();
                let parts: Vec<_> = question.split(' ').collect();
                let [topic, data, payload] = parts[..] else {
                    panic!("{question}")
                };
                let topic = if topic.is_empty() { "answers" } else { topic };
                for answer in answers {
                    let (other, answer) = answer.split_once('/').unwrap_or(("", answer));
                    let data = if other.is_empty() { data } else { other };
                    let text = format!("{answer} to {payload}");
                    let mut command = Command::new("mosquitto_pub");
                    command.args(["-V", version, "-p", &port, "-t", topic, "-m", &text]);
                    if version == "mqttv5" {
                        command.args(["-D", "publish", "correlation-data", data]);
                    }
                    assert!(command.status().unwrap().success());
                }
            }
        });
        Self {
            child,
            answering: Some(answering),
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let answered = self.answering.take().map(JoinHandle::join);
        if !thread::panicking() {
            answered.unwrap().unwrap();
        }
    }
}

#[test]
fn an_answer_is_printed_with_its_round_trip() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for (version, more) in BOTH {
        let _responder = Responder::start(&broker, version, &["on"]);
        for qos in ["0", "1", "2"] {
            let args = ["-m", "state", "-q", qos];
            let run = Run::stream(&lab, "request", &config(broker.port, more), &args).go();
            run.expect_code(0);
            assert_eq!(run.stdout, "on to state\n");
            let begins = run.stderr.starts_with("1 answer received (round trip ");
            assert!(begins, "{run}");
        }
        let args = ["-m", "state", "--json"];
        let run = Run::stream(&lab, "request", &config(broker.port, more), &args).go();
        run.expect_code(0);
        let lines = json::lines(&run);
        let [answer, report] = lines.as_slice() else {
            panic!("{run}")
        };
        assert_eq!(answer["type"], "message");
        assert_eq!(answer["payload"], "on to state");
        assert!(answer["round_trip_ms"].as_f64().unwrap() > 0.0, "{run}");
        let topic = match version {
            "mqttv5" => "mqtt-test/me/response",
            _ => "answers",
        };
        assert_eq!(answer["topic"], topic);
        assert_eq!(
            (&report["type"], &report["ok"]),
            (&"report".into(), &true.into())
        );
        let counted = ["published", "answers", "foreign"].map(|name| report[name].as_u64());
        assert_eq!(counted, [Some(1), Some(1), Some(0)]);
    }
}

/// In MQTT 5 an answer has the correlation data of its question; one that is kept is an old one.
#[test]
fn what_is_no_answer_to_this_question_is_left_out() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let kept = ["-t", "answers", "-m", "old", "-r"];
    Run::stream(&lab, "pub", &config(broker.port, ""), &kept)
        .go()
        .expect_code(0);
    for (version, more, answers, foreign) in [
        ("mqttv5", "protocol = 5\n", &["other/not ours", "on"][..], 2),
        ("mqttv311", "", &["on"], 1),
    ] {
        let _responder = Responder::start(&broker, version, answers);
        let args = ["-m", "state", "--response-topic", "answers"];
        let config = config(broker.port, more);
        let run = Run::stream(&lab, "request", &config, &args).go();
        run.expect_code(0);
        assert_eq!(run.stdout, "on to state\n", "{version}");
        let noun = if foreign == 1 { "message" } else { "messages" };
        let told = format!("), {foreign} other {noun} left out in ");
        assert!(run.stderr.contains(&told), "{run}");
    }
}

#[test]
fn several_answers_are_waited_for() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for (version, more) in BOTH {
        let _responder = Responder::start(&broker, version, &["one", "two", "three"]);
        let args = ["-m", "x", "-C", "2", "-v"];
        let run = Run::stream(&lab, "request", &config(broker.port, more), &args).go();
        run.expect_code(0);
        let lines: Vec<_> = run.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{run}");
        assert!(
            lines[0].ends_with(" one to x") && lines[1].ends_with(" two to x"),
            "{run}"
        );
        assert!(
            run.stderr.starts_with("2 answers received (round trip "),
            "{run}"
        );
    }
}

#[test]
fn no_answer() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for ((_, more), name) in BOTH
        .into_iter()
        .zip(["receive-timeout.request-5", "receive-timeout.request"])
    {
        let args = ["-m", "x", "--timeout", "300ms"];
        let run = Run::stream(&lab, "request", &config(broker.port, more), &args).go();
        run.expect_code(9).expect_within(UNHURRIED);
        golden::check(name, &lab, &run);
    }
    {
        let _responder = Responder::start(&broker, "mqttv311", &["on"]);
        let more = "protocol = 5\nresponse_topic = answers\n";
        let args = ["-m", "x", "--timeout", "2s"];
        let run = Run::stream(&lab, "request", &config(broker.port, more), &args).go();
        run.expect_code(9);
        golden::check("receive-timeout.request-bare", &lab, &run);
    }
    let _responder = Responder::start(&broker, "mqttv5", &["other/x", "on"]);
    let args = ["-m", "x", "--timeout", "2s", "-C", "2"];
    let config = config(broker.port, "protocol = 5\n");
    let run = Run::stream(&lab, "request", &config, &args).go();
    run.expect_code(9);
    assert_eq!(run.stdout, "on to x\n");
    for told in [
        "fewer answers came",
        "1 of 2 answers within 2 s",
        "no answer: 1 with other",
    ] {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
}

#[test]
fn what_the_broker_refuses_ends_it() {
    let lab = Lab::new();
    let broker = mosquitto(&lab)
        .acl("topic read answers\ntopic read mqtt-test/#\n")
        .start();
    let run = Run::stream(
        &lab,
        "request",
        &config(broker.port, "protocol = 5\n"),
        &["-m", "x"],
    )
    .go();
    run.expect_code(8);
    golden::check("publish-denied.request", &lab, &run);
    let broker = mosquitto(&lab).acl("topic readwrite q\n").start();
    let more = "protocol = 5\ntimeout = 300ms\n";
    let run = Run::stream(&lab, "request", &config(broker.port, more), &["-m", "x"]).go();
    // mosquitto grants the subscription, and delivers nothing.
    run.expect_code(9);
}

#[test]
fn a_connection_that_ends_ends_it() {
    let lab = Lab::new();
    let mut broker = mosquitto(&lab).start();
    let args = ["-m", "x"];
    let running = Run::stream(&lab, "request", &config(broker.port, BOTH[1].1), &args).start();
    broker.wait_for_log("Sending PUBACK to me");
    broker.stop();
    let run = running.finish();
    run.expect_code(9);
    golden::check("receive-closed.request", &lab, &run);
    broker.restart();
    let running = Run::stream(&lab, "request", &config(broker.port, BOTH[1].1), &args).start();
    broker.wait_for_log("Sending PUBACK to me");
    running.signal("INT");
    running.finish().expect_code(130);
    broker.wait_for_log("Received DISCONNECT from me");
}

/// Nothing is contacted: there is no broker on that port.
#[test]
fn without_a_topic_for_the_answers_it_is_no_request() {
    let lab = Lab::new();
    for (more, name) in [
        ("", "usage-invalid.request"),
        ("protocol = auto\n", "usage-invalid.request-auto"),
        ("response_topic = q\n", "usage-invalid.request-same"),
    ] {
        let run = Run::stream(&lab, "request", &config(1, more), &["-m", "x"]).go();
        run.expect_code(2);
        golden::check(name, &lab, &run);
        let args = ["-m", "x", "--json"];
        let run = Run::stream(&lab, "request", &config(1, more), &args).go();
        run.expect_code(2);
        assert_eq!(json::lines(&run)[0]["failure"]["code"], "usage-invalid");
    }
    let run = Run::stream(&lab, "request", &config(1, "protocol = 5\n"), &[]).go();
    run.expect_code(2);
    assert!(run.stderr.contains("nothing to publish was named"), "{run}");
}
