//! What the records tell one after the other: sessions, questions, targets, the rollback.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, Rollback, Session, id, started};
use crate::record::{Record, Reply, Stamped, Subject};

/// What was gathered.
#[derive(Default)]
pub(super) struct Told {
    pub(super) sessions: Vec<Session>,
    pub(super) people: Vec<Answer>,
    pub(super) targets: Map<String, Value>,
    pub(super) rollback: Option<Rollback>,
}

pub(super) fn told(records: &[Stamped]) -> Told {
    let mut told = Told::default();
    let mut questions: BTreeMap<&Subject, &str> = BTreeMap::new();
    for stamped in records {
        if let Some(started) = started(&stamped.record) {
            targets(&started.fields, &mut told.targets);
        }
        match &stamped.record {
            Record::SessionOpened(opened) => told.sessions.push(Session { opened: (**opened).clone(), at: stamped.at, end: None }),
            Record::SessionEnded(ended) => {
                if let Some(session) = told.sessions.last_mut() {
                    session.end = Some(ended.end);
                }
            }
            Record::Asked(asked) => {
                questions.insert(&asked.subject, &asked.text);
            }
            // What nobody answered is no word of anybody's.
            Record::Answered(answered) if !matches!(answered.reply, Reply::Withdrawn | Reply::Nobody) => told.people.push(Answer {
                at: stamped.at,
                subject: answered.subject.clone(),
                question: questions.get(&answered.subject).map(|text| (*text).to_owned()).unwrap_or_default(),
                reply: answered.reply.clone(),
                by: answered.by.clone(),
            }),
            Record::RollbackBegan(began) => {
                told.rollback = Some(Rollback { at: stamped.at, steps: began.undo, barrier: began.barrier.as_deref().map(id) });
            }
            _ => {}
        }
    }
    told
}

/// The targets in the fields of an action, as they are rendered: a name with settings.
fn targets(fields: &Value, found: &mut Map<String, Value>) {
    match fields {
        Value::Object(map) => {
            if let (Some(Value::String(name)), Some(settings), 2) = (map.get("name"), map.get("settings"), map.len()) {
                found.insert(name.clone(), settings.clone());
            } else {
                map.values().for_each(|value| targets(value, found));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| targets(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
