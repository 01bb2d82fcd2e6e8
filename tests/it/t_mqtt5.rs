//! MQTT 5: what mosquitto says in it, and what a check, `pub` and `sub` make of it.

use crate::golden;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::run::Run;

fn config(port: u16, more: &str) -> String {
    format!("host = 127.0.0.1\nport = {port}\ntls = off\nprotocol = 5\ntopic = a/b\n{more}")
}

#[test]
fn a_check_in_mqtt_5() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for qos in 0..=2 {
        let more = format!("qos = {qos}\nclient_id = me\n");
        let run = Run::check(&lab, &config(broker.port, &more)).go();
        run.expect_code(0);
        assert!(
            run.all().contains("MQTT 5, client id me, new session"),
            "{run}"
        );
    }
}

/// In 3.1.1 mosquitto acknowledges such a message, and drops it.
#[test]
fn publish_denied_by_an_acl() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic read a/#\n").start();
    for (qos, name) in [(1, "publish-denied"), (2, "publish-denied.qos-2")] {
        let run = Run::check(&lab, &config(broker.port, &format!("qos = {qos}\n"))).go();
        run.expect_code(8);
        golden::check(name, &lab, &run);
    }
    let run = Run::stream(&lab, "pub", &config(broker.port, ""), &["-m", "x"]).go();
    run.expect_code(8);
    golden::check("publish-denied.pub", &lab, &run);
}

/// A refusal keeps none of the other messages back, and none of those that were refused is counted as
/// acknowledged. With QoS 2 a window of refusals must not be the last.
#[test]
fn pub_counts_what_was_refused() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic read a/#\n").start();
    for qos in ["1", "2"] {
        let args = ["-l", "-q", qos, "--json"];
        let mut run = Run::stream(&lab, "pub", &config(broker.port, ""), &args).start();
        for n in 0..100 {
            run.write(format!("{n}\n").as_bytes());
        }
        run.close_stdin();
        let run = run.finish();
        run.expect_code(8);
        let report = run.all();
        assert!(
            report.contains(r#""acknowledged":0,"refused":100,"unacknowledged":0"#),
            "{run}"
        );
        assert_eq!(report.matches(r#""event":"refused""#).count(), 1, "{run}");
    }
}
