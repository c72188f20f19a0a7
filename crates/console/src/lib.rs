//! What machines ask over HTTP: metrics for Prometheus, and whether this server is alive and ready.
//!
//! `GET /metrics` the numbers (`page.rs`), `GET /health` 200 while every event loop answers, `GET /ready` 200 while
//! clients would be served: not loading, writes accepted. Off by default; on loopback unless `metrics-bind` says else.
//! A scrape runs INFO on an event loop like a client's request, so it costs the loop no more than that and never sees
//! what a client could not see.
#![forbid(unsafe_code)]

mod health;
mod http;
mod names;
mod page;
mod times;

pub use times::{TIMES, Times};

use exec::node::Node;
use exec::seams::Mail;
use exec::session::OwnedRequest;
use http::Answer;
use kit::opt::{AnyOpt, Int, Opt, Text};
use proto::Reply;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

pub static PORT: Opt<Int> = Opt::int(
    "metrics-port",
    0,
    0..=65_535,
    "Port of /metrics (Prometheus), /health and /ready, over HTTP without encryption or password; 0: none.",
)
.immutable();
pub static BIND: Opt<Text> =
    Opt::text("metrics-bind", "127.0.0.1", "Address that the metrics port listens on.").immutable();

pub static OPTIONS: &[&dyn AnyOpt] = &[&PORT, &BIND];

/// Answered at one time; whoever comes beyond is hung up on.
const REQUESTS_MAX: usize = 16;

/// An event loop that takes longer to answer is not well.
const LOOP_MAX: Duration = Duration::from_secs(2);

/// Listens until it is dropped.
pub struct Console {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the port, when one is set. An error is for the log: where and why not.
pub fn start(node: &Arc<Node>) -> Result<Option<Console>, String> {
    let port = node.config.get(&PORT);
    if port == 0 {
        return Ok(None);
    }
    let bind = node.config.get(&BIND);
    let at = format!("{}:{port}", if bind.contains(':') { format!("[{bind}]") } else { bind.to_string() });
    let listener = TcpListener::bind(&at).map_err(|error| format!("Could not open the metrics port {at}: {error}"))?;
    let addr = listener.local_addr().map_err(|error| format!("The metrics port {at}: {error}"))?;
    let stop = Arc::new(AtomicBool::new(false));
    let (node, stopping) = (Arc::clone(node), Arc::clone(&stop));
    let run = move || serve(&listener, &node, &stopping);
    let thread = std::thread::Builder::new().name("metrics".into()).spawn(run);
    let thread = thread.map_err(|error| format!("Could not start the thread of the metrics port: {error}"))?;
    kit::notice!("Metrics at http://{addr}/metrics, health at /health and /ready");
    Ok(Some(Console { addr, stop, thread: Some(thread) }))
}

impl Console {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1)); // wakes `accept`
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, node: &Arc<Node>, stop: &AtomicBool) {
    let busy = Arc::new(AtomicUsize::new(0));
    while !stop.load(SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        if busy.load(SeqCst) >= REQUESTS_MAX {
            continue;
        }
        busy.fetch_add(1, SeqCst);
        let (node, done) = (Arc::clone(node), Arc::clone(&busy));
        let answer = move || {
            http::serve(&stream, |path| answer(&node, path));
            done.fetch_sub(1, SeqCst);
        };
        if std::thread::Builder::new().name("metrics".into()).spawn(answer).is_err() {
            busy.fetch_sub(1, SeqCst);
        }
    }
}

fn answer(node: &Arc<Node>, path: &str) -> Answer {
    match path {
        "/metrics" => match page::write(node) {
            Some(text) => Answer { code: 200, kind: "text/plain; version=0.0.4; charset=utf-8", body: text },
            None => Answer::text(503, "an event loop does not answer\n"),
        },
        "/health" | "/healthz" | "/livez" => health::alive(node),
        "/ready" | "/readyz" => health::ready(node),
        "/" => Answer::text(200, "Basalt: /metrics /health /ready\n"),
        _ => Answer::text(404, "not found; there are /metrics, /health and /ready\n"),
    }
}

/// Runs a command on an event loop. `None`: it did not answer in time.
fn ask(node: &Node, thread: usize, words: &[&str]) -> Option<Reply> {
    let (sender, receiver) = sync_channel(1);
    let answer = Box::new(move |reply| {
        let _ = sender.try_send(reply); // nobody waits any more
    });
    node.send_to(thread, Mail::Ask { request: OwnedRequest::from_words(words), answer });
    receiver.recv_timeout(LOOP_MAX).ok()
}
