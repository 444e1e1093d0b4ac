//! From bytes to calls, with the error class that JSON-RPC 2.0 gives to each
//! kind of malformed input.

use jsonrpsee::{
    MethodResponse,
    types::{ErrorCode, ErrorObject, Id, Request},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// One message of a client.
pub(crate) enum Message<'a> {
    Single(Call<'a>),
    Batch(Vec<&'a RawValue>),
    Malformed(MethodResponse),
}

/// One entry: to be answered, to be run without an answer, or wrong.
pub(crate) enum Call<'a> {
    Request(Request<'a>),
    Notification(Request<'a>),
    Malformed(MethodResponse),
}

#[derive(Deserialize)]
struct NotificationShape<'a> {
    #[serde(rename = "jsonrpc")]
    _version: jsonrpsee::types::TwoPointZero,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    // Present, whatever it holds: then it was meant as a request.
    #[serde(default, deserialize_with = "present")]
    id: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Deserialize)]
struct IdShape<'a> {
    #[serde(borrow)]
    id: Id<'a>,
}

/// Reads one message. A batch above `max_batch` is refused without storing it.
pub(crate) fn message(body: &[u8], max_batch: usize) -> Message<'_> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'[') {
        return Message::Single(call(body));
    }
    let mut overlong = false;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let entries = Entries {
        max: max_batch,
        overlong: &mut overlong,
    }
    .deserialize(&mut deserializer)
    .and_then(|entries| deserializer.end().map(|()| entries));
    match entries {
        Err(_) => Message::Malformed(error(Id::Null, ErrorCode::ParseError)),
        Ok(_) if overlong => Message::Malformed(MethodResponse::error(
            Id::Null,
            jsonrpsee::types::error::reject_too_big_batch_request(max_batch),
        )),
        Ok(entries) if entries.is_empty() => {
            Message::Malformed(error(Id::Null, ErrorCode::InvalidRequest))
        }
        Ok(entries) => Message::Batch(entries),
    }
}

/// Reads one call.
pub(crate) fn call(json: &[u8]) -> Call<'_> {
    if let Ok(request) = serde_json::from_slice::<Request<'_>>(json) {
        return Call::Request(request);
    }
    if let Ok(shape) = serde_json::from_slice::<NotificationShape<'_>>(json)
        && !shape.id
    {
        return Call::Notification(Request {
            jsonrpc: jsonrpsee::types::TwoPointZero,
            id: Id::Null,
            method: shape.method,
            params: shape.params.map(Cow::Borrowed),
            extensions: jsonrpsee::Extensions::new(),
        });
    }
    // JSON is UTF-8; skipping a string does not look at its bytes.
    if std::str::from_utf8(json).is_err() || serde_json::from_slice::<IgnoredAny>(json).is_err() {
        return Call::Malformed(error(Id::Null, ErrorCode::ParseError));
    }
    let id = serde_json::from_slice::<IdShape<'_>>(json).map_or(Id::Null, |shape| shape.id);
    Call::Malformed(error(id, ErrorCode::InvalidRequest))
}

fn error(id: Id<'_>, code: ErrorCode) -> MethodResponse {
    MethodResponse::error(id, ErrorObject::from(code))
}

struct Entries<'a> {
    max: usize,
    overlong: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of JSON-RPC calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < self.max {
            match seq.next_element()? {
                Some(entry) => entries.push(entry),
                None => return Ok(entries),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            *self.overlong = true;
        }
        Ok(entries)
    }
}
