//! The second opinion: what MQTT 3.1.1 has no words for, MQTT 5 says with a reason code. A check that
//! was refused, closed or met with silence asks the same thing once more, in MQTT 5, on one more
//! connection. It never sends a message again that may have arrived.

use std::time::Duration;

use crate::check::echo::Echo;
use crate::check::followup::Observed;
use crate::config::{CheckScope, Config, Message, Protocol, Qos, SubscribeOptions};
use crate::failure::{
    Command, Failure, LinkError, MqttCause, MqttError, Operation, Reason, SecondOpinion, Stage,
};
use crate::mqtt::{Allowance, Event, Limits, Session, SessionError, Target, Unfinished};
use crate::net::Deadline;

/// How long the broker may take to answer CONNECT, and how long for all that follows: one that does not
/// speak MQTT 5 must not cost more.
const LIMIT: Duration = Duration::from_secs(2);

impl Observed<'_> {
    /// `failure` with the second opinion, where there is one to have.
    pub(crate) fn second_opinion(&self, mut failure: Failure) -> Failure {
        if let Failure::Mqtt(error) = &mut failure
            && error.command == Command::Check
            && self.target.config.protocol == Protocol::V3_1_1
            && is_blurred(error)
        {
            error.second = ask(self.target, &error.operation);
        }
        failure
    }
}

/// Whether 3.1.1 left the reason open: `receive-timeout`, `publish-closed`, `publish-timeout`,
/// `subscribe-denied`, `subscribe-closed`, `mqtt-closed`, `mqtt-refused`, `mqtt-not-authorized`,
/// `mqtt-client-id-rejected`.
fn is_blurred(error: &MqttError) -> bool {
    let stage = error.operation.stage();
    match &error.cause {
        MqttCause::NotDelivered { .. } | MqttCause::SubscribeDenied(_) => true,
        MqttCause::TimedOut { .. } => stage == Stage::Publish,
        MqttCause::Connection(LinkError::Refused(reason)) => {
            !matches!(reason.code, 1 | 3 | 4 | 0x84)
        }
        MqttCause::Connection(LinkError::Closed { .. }) => {
            let silent = |error: &MqttError| {
                let probe = error.probe.as_ref();
                probe.is_none_or(|probe| probe.bytes.is_empty() && probe.websocket.is_none())
            };
            matches!(stage, Stage::Subscribe | Stage::Publish)
                || stage == Stage::Connect && silent(error)
        }
        _ => false,
    }
}

/// The same as far as `operation` came, each step only after the one before it was granted. `None`:
/// MQTT 5 said nothing.
fn ask(target: Target<'_>, operation: &Operation) -> Option<SecondOpinion> {
    let config = Config {
        timeout: target.config.timeout.min(LIMIT),
        ..target.config.clone()
    };
    let target = Target {
        config: &config,
        protocol: Protocol::V5,
        ..target
    };
    let opened = Session::open(target, Limits::ONE, &Unfinished::default(), config.timeout);
    let (mut session, opened) = match opened {
        Ok(opened) => opened,
        Err(error) => return refusal("CONNACK", error),
    };
    // What comes in for a session that is kept is not ours to take.
    session.acknowledge_manually();
    let mut question = Question {
        target,
        deadline: Deadline::after(config.timeout, target.stop),
        subscribed: false,
        allowance: opened.allowance.map_or_else(Allowance::default, |it| *it),
    };
    let answer = question.go(&mut session, operation.stage());
    let filter = question.subscribed.then_some(config.topic.as_str());
    session.close(filter, config.timeout);
    answer
}

struct Question<'a> {
    target: Target<'a>,
    deadline: Deadline<'a>,
    subscribed: bool,
    allowance: Allowance,
}

impl Question<'_> {
    fn go(&mut self, session: &mut Session, stage: Stage) -> Option<SecondOpinion> {
        let Config {
            topic,
            qos,
            retain,
            message,
            check,
            ..
        } = self.target.config;
        if stage == Stage::Connect {
            return Some(SecondOpinion::Connected);
        }
        let mut granted = None;
        if *check != CheckScope::Publish {
            if let Err(missing) = self.allowance.check_subscribe(topic, false) {
                return Some(SecondOpinion::NotAllowed(missing));
            }
            session
                .subscribe(topic, *qos, SubscribeOptions::default())
                .ok()?;
            granted = loop {
                match self.next(session, "SUBACK")? {
                    Ok(Event::Granted(Ok(granted))) => break Some(granted),
                    Ok(Event::Granted(Err(reason))) => return Some(refused("SUBACK", reason)),
                    Ok(_) => {}
                    Err(opinion) => return Some(opinion),
                }
            };
            self.subscribed = true;
        }
        // What may have arrived is not sent again.
        let again =
            *qos != Qos::ExactlyOnce && !retain && matches!(message, Message::Marked { .. });
        let takes_qos_1 = self.allowance.maximum_qos != Some(0);
        if stage == Stage::Subscribe || !again || *qos == Qos::AtMostOnce && !takes_qos_1 {
            return Some(SecondOpinion::Subscribed { granted });
        }
        let mut echo = Echo::new(message);
        // With QoS 0 nothing would answer.
        let payload = echo.payload().to_vec();
        session
            .publish(topic, Qos::AtLeastOnce, false, payload)
            .ok()?;
        loop {
            match self.next(session, "PUBACK")? {
                Ok(Event::Acknowledged { .. }) => break,
                Ok(Event::Refused { reason, .. }) => return Some(refused("PUBACK", *reason)),
                Ok(Event::Message(message)) => echo.hear(&message),
                Ok(_) => {}
                Err(opinion) => return Some(opinion),
            }
        }
        while granted.is_some() && !echo.is_decided() {
            match self.next(session, "DISCONNECT") {
                Some(Ok(Event::Message(message))) => echo.hear(&message),
                Some(Ok(_)) => {}
                Some(Err(opinion)) => return Some(opinion),
                None => break,
            }
        }
        Some(SecondOpinion::Published {
            delivered: granted.map(|_| echo.is_decided()),
        })
    }

    /// The next event; `None`: there is none in time, or the connection ended without a word.
    fn next(
        &self,
        session: &mut Session,
        awaited: &'static str,
    ) -> Option<Result<Event, SecondOpinion>> {
        // Of a flood there is always one more at hand.
        if self.deadline.is_over() {
            return None;
        }
        match session.next(self.deadline) {
            Ok(event) => event.map(Ok),
            Err(error) => refusal(awaited, error).map(Err),
        }
    }
}

/// What ended it, if the broker gave a reason.
fn refusal(packet: &'static str, error: SessionError) -> Option<SecondOpinion> {
    match error {
        // One that speaks 3.1.1 alone refuses the version, in its own form or in that of MQTT 5.
        // What is no failure in MQTT 5 is an answer of 3.1.1 in another form.
        SessionError::Fault(LinkError::Refused(reason))
            if reason.in_5 && reason.code >= 0x80 && reason.code != 0x84 =>
        {
            Some(refused(packet, reason))
        }
        SessionError::Fault(LinkError::Disconnected(reason)) => Some(refused("DISCONNECT", reason)),
        _ => None,
    }
}

fn refused(packet: &'static str, reason: Reason) -> SecondOpinion {
    SecondOpinion::Refused { packet, reason }
}
