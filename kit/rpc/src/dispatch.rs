//! From a message to its answer: the one place where methods are called.

use crate::{
    ServerConfig,
    parse::{self, Call, Message},
};
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use jsonrpsee::{
    BatchResponseBuilder, BoundedSubscriptions, ConnectionId, MethodCallback, MethodResponse,
    MethodSink, Methods, SubscriptionState,
    core::id_providers::RandomStringIdProvider,
    core::traits::IdProvider,
    types::{
        ErrorCode, ErrorObject, Id, Params, Request, SubscriptionId,
        error::{TOO_MANY_SUBSCRIPTIONS_CODE, reject_too_many_subscriptions},
    },
};
use serde_json::value::RawValue;
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::OnceLock};

/// Calls of one batch that wait at the same time.
const CONCURRENT: usize = 64;

/// Calls methods within bounds, counts and logs them.
pub(crate) struct Dispatcher {
    methods: Methods,
    max_batch: usize,
    max_response_bytes: usize,
    /// Counters of answers without an error, by method, from the first on.
    answered: HashMap<&'static str, OnceLock<metrics::Counter>>,
}

/// What a WebSocket adds: subscriptions, and where their messages go.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: ConnectionId,
    pub(crate) sink: MethodSink,
    pub(crate) subscriptions: BoundedSubscriptions,
}

/// Subscription ids as Ethereum clients expect them: hex quantities.
#[derive(Debug)]
struct HexIds(RandomStringIdProvider);

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        // Random letters and digits as hex digits; the first is not zero.
        let SubscriptionId::Str(letters) = self.0.next_id() else {
            return SubscriptionId::Num(0);
        };
        let hex: String = letters.bytes().map(|byte| format!("{byte:02x}")).collect();
        SubscriptionId::Str(format!("0x{hex}").into())
    }
}

impl Dispatcher {
    /// Over these methods, with the bounds of the configuration.
    pub(crate) fn new(methods: Methods, config: &ServerConfig) -> Self {
        let names = methods.method_names();
        Self {
            answered: names.map(|name| (name, OnceLock::new())).collect(),
            methods,
            max_batch: config.max_batch,
            max_response_bytes: config.max_response_bytes,
        }
    }

    /// Answers one message; `None` where nothing is to be answered.
    pub(crate) async fn handle(
        &self,
        body: &[u8],
        session: Option<&Session>,
    ) -> Option<Box<RawValue>> {
        match parse::message(body, self.max_batch) {
            Message::Malformed(response) => {
                count("invalid", &response);
                Some(response.into_json())
            }
            Message::Single(call) => {
                let response = self.entry(call, session).await?;
                // A subscription has sent its own answer.
                (!response.is_subscription()).then(|| response.into_json())
            }
            Message::Batch(entries) => self.batch(&entries, session).await,
        }
    }

    /// Starts calls in order, answers in order. Stops once the answer is too
    /// long.
    ///
    /// Neighbours that wait for something (a transaction until it is durable)
    /// wait together; a call that answers at once sees what all before it did.
    async fn batch(
        &self,
        entries: &[&RawValue],
        session: Option<&Session>,
    ) -> Option<Box<RawValue>> {
        match self.answers(entries, session).await {
            Ok(answers) if answers.is_empty() => None,
            Ok(answers) => Some(MethodResponse::from_batch(answers.finish()).into_json()),
            Err(too_long) => Some(too_long.into_json()),
        }
    }

    async fn answers(
        &self,
        entries: &[&RawValue],
        session: Option<&Session>,
    ) -> Result<BatchResponseBuilder, MethodResponse> {
        let mut answers = BatchResponseBuilder::new_with_limit(self.max_response_bytes);
        let mut append = |response: Option<MethodResponse>| match response {
            Some(response) if !response.is_subscription() => answers.append(response),
            _ => Ok(()),
        };
        let mut waiting = FuturesOrdered::new();
        for entry in entries {
            let call = parse::call(entry.get().as_bytes());
            let room = match self.waits(&call) {
                true => CONCURRENT - 1,
                false => 0,
            };
            while waiting.len() > room
                && let Some(response) = waiting.next().await
            {
                append(response)?;
            }
            waiting.push_back(self.entry(call, session));
        }
        while let Some(response) = waiting.next().await {
            append(response)?;
        }
        Ok(answers)
    }

    /// True for a call of a method that may have to wait.
    fn waits(&self, call: &Call<'_>) -> bool {
        let (Call::Request(request) | Call::Notification(request)) = call else {
            return false;
        };
        matches!(
            self.methods.method(&request.method),
            Some(MethodCallback::Async(_))
        )
    }

    async fn entry(&self, call: Call<'_>, session: Option<&Session>) -> Option<MethodResponse> {
        match call {
            Call::Request(request) => Some(self.call(request, session).await),
            Call::Notification(request) => {
                // Nobody could be told the id of a subscription.
                self.call(request, None).await;
                None
            }
            Call::Malformed(response) => {
                count("invalid", &response);
                Some(response)
            }
        }
    }

    async fn call(&self, request: Request<'_>, session: Option<&Session>) -> MethodResponse {
        let Request {
            id, method, params, ..
        } = request;
        let Some((name, callback)) = self.methods.method_with_name(&method) else {
            let response = MethodResponse::error(id, method_not_found(&method));
            count("unknown", &response);
            return response;
        };
        let params = Params::new(params.as_deref().map(RawValue::get));
        // A panic is the fault of one handler and ends one call.
        let fallback = id.clone().into_owned();
        let run = AssertUnwindSafe(self.run(callback, id, params, session));
        let response = run.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(target: "rpc", method = name, "a handler panicked");
            MethodResponse::error(fallback, ErrorObject::from(ErrorCode::InternalError))
        });
        self.count(name, &response);
        tracing::debug!(
            target: "rpc",
            method = name,
            code = response.as_error_code().unwrap_or(0),
            bytes = response.as_json().get().len(),
            "call"
        );
        response
    }

    /// Counts a call of a method that exists.
    fn count(&self, name: &'static str, response: &MethodResponse) {
        match self.answered.get(name) {
            Some(counter) if response.is_success() => {
                counter.get_or_init(|| counter_of(name, "ok")).increment(1)
            }
            _ => count(name, response),
        }
    }

    async fn run(
        &self,
        callback: &MethodCallback,
        id: Id<'_>,
        params: Params<'_>,
        session: Option<&Session>,
    ) -> MethodResponse {
        let extensions = jsonrpsee::Extensions::new();
        let limit = self.max_response_bytes;
        let connection = session.map_or(ConnectionId(0), |session| session.id);
        match (callback, session) {
            (MethodCallback::Sync(method), _) => method(id, params, limit, extensions),
            (MethodCallback::Async(method), _) => {
                let (id, params) = (id.into_owned(), params.into_owned());
                method(id, params, connection, limit, extensions).await
            }
            (MethodCallback::Unsubscription(method), Some(_)) => {
                method(id, params, connection, limit, extensions)
            }
            (MethodCallback::Subscription(method), Some(session)) => {
                let Some(subscription_permit) = session.subscriptions.acquire() else {
                    let error = reject_too_many_subscriptions(session.subscriptions.max());
                    return MethodResponse::error(id, error);
                };
                let ids = HexIds(RandomStringIdProvider::new(16));
                let state = SubscriptionState {
                    conn_id: connection,
                    id_provider: &ids,
                    subscription_permit,
                };
                method(id, params, session.sink.clone(), state, extensions).await
            }
            (MethodCallback::Subscription(_) | MethodCallback::Unsubscription(_), None) => {
                MethodResponse::error(id, no_subscriptions())
            }
        }
    }
}

fn method_not_found(method: &str) -> ErrorObject<'static> {
    // Names come from outside: what is quoted is bounded.
    let quoted: String = method.chars().take(64).collect();
    ErrorObject::owned(
        ErrorCode::MethodNotFound.code(),
        format!("the method {quoted} does not exist/is not available"),
        None::<()>,
    )
}

fn no_subscriptions() -> ErrorObject<'static> {
    ErrorObject::owned(
        ErrorCode::MethodNotFound.code(),
        "notifications not supported: subscriptions need a WebSocket connection",
        None::<()>,
    )
}

/// Counts a call; both labels come from bounded sets.
fn count(method: &'static str, response: &MethodResponse) {
    let code = match response.as_error_code() {
        None => "ok",
        Some(3) => "3",
        Some(-32700) => "-32700",
        Some(-32600) => "-32600",
        Some(-32601) => "-32601",
        Some(-32602) => "-32602",
        Some(-32603) => "-32603",
        Some(-32000) => "-32000",
        Some(-32001) => "-32001",
        Some(-32005) => "-32005",
        Some(TOO_MANY_SUBSCRIPTIONS_CODE) => "-32006",
        Some(-32010) => "-32010",
        Some(_) => "other",
    };
    counter_of(method, code).increment(1);
}

fn counter_of(method: &'static str, code: &'static str) -> metrics::Counter {
    metrics::counter!("rollwright_rpc_requests_total", "method" => method, "code" => code)
}

/// Gives the process's metrics recorder the help text of every metric that
/// servers export. To be called once, after the recorder is installed.
pub fn describe_metrics() {
    metrics::describe_counter!(
        "rollwright_rpc_requests_total",
        "JSON-RPC requests by method and result: ok, or the error's code."
    );
    metrics::describe_counter!(
        "rollwright_rpc_refused_connections_total",
        "Connections refused because as many are open as may be."
    );
    metrics::describe_counter!(
        "rollwright_rpc_slow_clients_total",
        "WebSocket clients cut off because they did not read."
    );
}
