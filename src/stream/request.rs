//! `request`: publishes one question, waits for its answers where they are to come, and passes them on
//! with the time that each took. It never reconnects: a question that was asked twice could be answered
//! twice.

use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use crate::config::{Config, Key, MessageProperties, Qos, SubscribeOptions};
use crate::failure::{
    Command, Failure, LinkError, MqttCause, NoAnswer, Operation, Stage, Topic, UnderWay, Warning,
};
use crate::mqtt::{self, Limits, Message, Session, SessionError, Target, lowered, publish_size};
use crate::net::Deadline;
use crate::stream::event::{Counters, Event, Listener};
use crate::stream::input::{Input, Next};
use crate::stream::options::RequestOptions;
use crate::stream::reconnect::Reconnector;

/// Asks the question that `input` gives.
///
/// # Errors
/// What ended it before all answers were there, beside the counters, which are true in either case.
pub(crate) fn run(
    target: Target<'_>,
    options: &RequestOptions,
    input: Input,
    listener: &mut dyn Listener,
) -> (Counters, Result<(), Failure>) {
    let set = &target.config.message_properties;
    let made_up = || format!("{:016x}", RandomState::new().hash_one(0)).into_bytes();
    let config = Config {
        message_properties: MessageProperties {
            correlation_data: Some(set.correlation_data.clone().unwrap_or_else(made_up)),
            ..set.clone()
        },
        ..target.config.clone()
    };
    let target = Target {
        config: &config,
        ..target
    };
    let reconnect = options.question.reconnect;
    let mut requester = Requester {
        target,
        qos: config.qos,
        wanted: options.count,
        answers: Topic {
            name: set.response_topic.clone().unwrap_or_default(),
            key: Key::ResponseTopic,
            origin: config.origin(Key::ResponseTopic).clone(),
        },
        reconnector: Reconnector::new(target, Command::Request, Limits::ONE, reconnect, None),
        listener,
        counters: Counters::default(),
        subscribed: false,
        acknowledged: false,
        unheard: false,
        bare: 0,
        began: Instant::now(),
    };
    let outcome = requester.run(input);
    (requester.counters, outcome)
}

struct Requester<'a> {
    target: Target<'a>,
    /// That of the configuration, or less where the broker takes no more.
    qos: Qos,
    wanted: u64,
    /// Where they come.
    answers: Topic,
    reconnector: Reconnector<'a>,
    listener: &'a mut dyn Listener,
    counters: Counters,
    /// The broker has granted it.
    subscribed: bool,
    /// The question; with QoS 0 it never is.
    acknowledged: bool,
    /// The broker says that nobody hears the question.
    unheard: bool,
    /// Messages that came after the question, without any correlation data.
    bare: u64,
    /// When the stage under way began; the question was asked.
    began: Instant,
}

impl Requester<'_> {
    fn run(&mut self, mut input: Input) -> Result<(), Failure> {
        let question = match input.take().map_err(Failure::Input)? {
            Next::Payload(payload) => payload,
            Next::NotYet | Next::End | Next::TooLong { .. } => Vec::new(),
        };
        let Config {
            timeout,
            clean_session,
            ..
        } = *self.target.config;
        let mut session = self.reconnector.open(self.listener)?;
        let outcome = self
            .keep_to_limits(question.len())
            .and_then(|()| self.subscribe(&mut session))
            .and_then(|()| self.ask(&mut session, question));
        // A session whose connection has failed cannot be closed in order.
        let lost = matches!(
            &outcome,
            Err(Failure::Mqtt(error)) if matches!(error.cause, MqttCause::Connection(_))
        );
        if !lost {
            let filter = (clean_session && self.subscribed).then_some(self.answers.name.as_str());
            session.close(filter, timeout);
        }
        outcome
    }

    /// Lowers the QoS to what the broker takes, and looks whether the question may be sent: in vain
    /// nothing is subscribed to.
    fn keep_to_limits(&mut self, payload: usize) -> Result<(), Failure> {
        let Config {
            retain,
            max_packet_size: limit,
            ..
        } = *self.target.config;
        let allowance = self.reconnector.allowance.as_deref();
        let maximum = allowance.and_then(|it| it.maximum_qos);
        if let Some(warning) = lowered(&mut self.qos, maximum) {
            let _ = self.listener.event(Event::Warning(&warning));
        }
        let protocol = self.reconnector.protocol();
        let size = publish_size(self.target.config, self.qos, protocol, payload);
        let allowed = if size > limit {
            let size = Some(size);
            Err(MqttCause::PublishTooLarge { size, limit })
        } else {
            allowance.map_or(Ok(()), |it| it.check_publish(size, retain))
        };
        allowed.map_err(|cause| self.failure(cause, self.publishing(payload)))
    }

    fn subscribe(&mut self, session: &mut Session) -> Result<(), Failure> {
        let qos = self.qos;
        let operation = Operation::Subscribe {
            filter: self.answers.clone(),
            qos,
        };
        self.began = Instant::now();
        if let Some(allowance) = &self.reconnector.allowance
            && let Err(missing) = allowance.check_subscribe(&self.answers.name, false)
        {
            return Err(self.failure(MqttCause::SubscribeNotAllowed(missing), operation));
        }
        session
            .subscribe(&self.answers.name, qos, SubscribeOptions::default())
            .map_err(|error| self.session_error(error, operation.clone()))?;
        loop {
            match self.next(session, &operation)? {
                Some(mqtt::Event::Granted(Ok(granted))) => {
                    self.subscribed = true;
                    let asked = qos as u8;
                    if granted < asked {
                        let warning = Warning::QosDowngraded { asked, granted };
                        let _ = self.listener.event(Event::Warning(&warning));
                    }
                    return Ok(());
                }
                Some(mqtt::Event::Granted(Err(reason))) => {
                    return Err(self.failure(MqttCause::SubscribeDenied(reason), operation));
                }
                // What comes before the question is no answer to it.
                Some(mqtt::Event::Message(_)) => self.counters.foreign += 1,
                Some(_) => {}
                None => return Err(self.timed_out(operation)),
            }
        }
    }

    fn ask(&mut self, session: &mut Session, question: Vec<u8>) -> Result<(), Failure> {
        let config = self.target.config;
        let publishing = self.publishing(question.len());
        let receiving = Operation::Receive {
            filters: vec![self.answers.clone()],
            published: None,
        };
        self.began = Instant::now();
        // Packet ids of an earlier run are released first.
        while !session.has_room() {
            if self.next(session, &publishing)?.is_none() {
                return Err(self.timed_out(publishing));
            }
        }
        self.began = Instant::now();
        session
            .publish(&config.topic, self.qos, config.retain, question)
            .map_err(|error| self.session_error(error, publishing.clone()))?;
        self.counters.published = 1;
        while self.counters.received < self.wanted {
            let taken = self.acknowledged || self.counters.sent > 0 || self.counters.received > 0;
            let operation = if taken { &receiving } else { &publishing };
            match self.next(session, operation)? {
                Some(mqtt::Event::Message(message)) if self.is_answer(&message) => {
                    if !self.take(&message) {
                        return Ok(());
                    }
                }
                Some(mqtt::Event::Message(message)) => {
                    let sent = message.properties();
                    let bare = sent.is_some_and(|sent| sent.correlation_data.is_none());
                    self.bare += u64::from(bare && !message.retain());
                    self.counters.foreign += 1;
                }
                Some(mqtt::Event::Sent { id: 0 }) => self.counters.sent = 1,
                Some(mqtt::Event::Acknowledged { unmatched, .. }) => {
                    self.counters.acknowledged = 1;
                    self.acknowledged = true;
                    self.unheard |= unmatched;
                }
                Some(mqtt::Event::Received { unmatched, .. }) => self.unheard |= unmatched,
                Some(mqtt::Event::Refused { reason, .. }) => {
                    return Err(self.failure(MqttCause::PublishDenied(*reason), publishing));
                }
                Some(_) => {}
                None if taken => {
                    let cause = MqttCause::NoAnswer(self.no_answer());
                    return Err(self.failure(cause, receiving));
                }
                None => return Err(self.timed_out(publishing)),
            }
        }
        Ok(())
    }

    /// Passes an answer on; whether it could be written.
    fn take(&mut self, message: &Message) -> bool {
        let round_trip = self.began.elapsed();
        let answer = Event::Answer {
            message,
            round_trip,
        };
        let _ = self.listener.event(answer);
        if self.listener.event(Event::Flush).is_err() {
            return false;
        }
        self.counters.received += 1;
        self.counters.bytes += message.payload().len() as u64;
        self.counters.first_answer.get_or_insert(round_trip);
        self.counters.last_answer = round_trip;
        true
    }

    /// A message that was kept from before the subscription is older than the question. In MQTT 5 an
    /// answer has the correlation data of its question (MQTT 5 §4.10.1).
    fn is_answer(&self, message: &Message) -> bool {
        let ours = &self.target.config.message_properties.correlation_data;
        let related = message
            .properties()
            .is_none_or(|sent| sent.correlation_data == *ours);
        message.topic() == self.answers.name && !message.retain() && related
    }

    fn no_answer(&self) -> NoAnswer {
        NoAnswer {
            received: self.counters.received,
            wanted: self.wanted,
            limit: self.target.config.timeout,
            topic: Topic::configured(self.target.config),
            qos: self.qos,
            acknowledged: self.acknowledged,
            unheard: self.unheard,
            foreign: self.counters.foreign,
            bare: self.bare,
            protocol: self.reconnector.protocol(),
        }
    }

    fn publishing(&self, payload: usize) -> Operation {
        let config = self.target.config;
        let mut under_way = UnderWay::default();
        under_way.add(payload);
        Operation::Publish {
            topic: Topic::configured(config),
            qos: self.qos,
            retain: config.retain,
            under_way,
            granted: None,
        }
    }

    /// The next event of the stage under way; `None`: its time is over.
    fn next(
        &self,
        session: &mut Session,
        operation: &Operation,
    ) -> Result<Option<mqtt::Event>, Failure> {
        let limit = self.target.config.timeout;
        let deadline = Deadline::since(self.began, limit, self.target.stop);
        // Where messages of others come without end, there is always one more at hand.
        if deadline.is_over() {
            return Ok(None);
        }
        session
            .next(deadline)
            .map_err(|error| self.session_error(error, operation.clone()))
    }

    fn session_error(&self, error: SessionError, operation: Operation) -> Failure {
        match error {
            SessionError::Interrupted => Failure::Interrupted(operation.stage()),
            SessionError::Fault(LinkError::SubackCode(reason)) => {
                self.failure(MqttCause::SubscribeDenied(reason), operation)
            }
            SessionError::Fault(link) => self.failure(link.into(), operation),
        }
    }

    fn timed_out(&self, operation: Operation) -> Failure {
        let limit = self.target.config.timeout;
        self.failure(MqttCause::TimedOut { limit }, operation)
    }

    fn failure(&self, cause: MqttCause, operation: Operation) -> Failure {
        let after = match operation.stage() {
            Stage::Subscribe => self.began.elapsed(),
            _ => self.reconnector.stood(),
        };
        self.reconnector.failure(cause, operation, after)
    }
}
