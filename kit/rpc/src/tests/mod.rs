mod fake;
mod http;
mod limits;
mod malformed;
mod namespaces;
mod port;
mod probes;
mod websocket;
