//! Event-loop threads and sockets: bytes in, bytes out.
//!
//! One thread per core. A turn reads from all ready connections, runs everything that came as one
//! batch, and then writes all answers (`loop_thread.rs`); connections gather on few threads and are
//! spread when those are busy (`balance.rs`); threads talk by letters (`mailbox.rs`).
//! Always true: a connection lives on one thread at a time, and its requests are answered in order.
//! Knows nothing of commands: what a request does is the executor's business.
#![forbid(unsafe_code)]

mod accept;
mod balance;
mod buffers;
mod client_memory;
mod conn;
mod cron;
mod holds;
mod limits;
mod listen;
mod loop_thread;
mod mailbox;
mod moving;
pub mod options;
mod poller;
mod requests;
mod slab;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub use listen::StartError;
pub use options::{OPTIONS, thread_count};

use exec::node::{Applier, Node};
use exec::seams::{Mail, Mailbox};
use listen::Listeners;
use loop_thread::{EventLoop, Shared, TOKEN_LISTEN, TOKEN_WAKE};
use mailbox::{Door, Posts};
use parking_lot::Mutex;
use poller::{Interest, Registrar};
use rustix::process::{Resource, Rlimit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;

// Descriptors that are no client's: listening sockets, pollers, files, the log, replication.
const FDS_KEPT: u64 = 32;

/// The threads of a node. Dropping it stops them.
pub struct Server {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Opens the listening sockets and starts the threads. The node's `mailboxes` and `port` are set.
pub fn start(node: Arc<Node>) -> Result<Server, StartError> {
    start_at(node, false)
}

/// As `start`, at a port that the system chooses (`Server::local_ports` tells), whatever `port` says.
pub fn start_any_port(node: Arc<Node>) -> Result<Server, StartError> {
    start_at(node, true)
}

fn start_at(node: Arc<Node>, any_port: bool) -> Result<Server, StartError> {
    let failed = |what: &str, error: std::io::Error| StartError(format!("Could not {what}: {error}"));
    listen::warn_of_backlog(node.config.get(&options::BACKLOG));
    if node.config.get(&options::SOCKET_MARK) != 0 {
        kit::warning!("'socket-mark-id' has no effect: marks on sockets are not supported yet");
    }
    raise_descriptor_limit(&node);
    let posts = Arc::new(Posts::new(node.threads).map_err(|error| failed("create an eventfd", error))?);
    let registrars: std::io::Result<Vec<Registrar>> = (0..node.threads).map(|_| Registrar::new()).collect();
    let registrars = registrars.map_err(|error| failed("create an epoll", error))?;
    for (thread, registrar) in registrars.iter().enumerate() {
        let watched = registrar.add(posts.event(thread), TOKEN_WAKE, Interest::READ);
        watched.map_err(|error| failed("watch an eventfd", error))?;
    }
    let tls = tls::Context::new();
    if node.config.get(&options::tls::PORT) != 0
        && let Err(error) = tls.load(&node)
    {
        kit::warning!("Failed to configure TLS: {error}");
        return Err(StartError(error));
    }
    let listeners = Listeners::new(registrars[0].clone(), TOKEN_LISTEN);
    if let Err(error) = listeners.start(&node.config, any_port) {
        kit::warning!("Failed listening on port {}, aborting.", shown_port(&node));
        return Err(error);
    }
    let port = listeners.ports().first().map_or(0, |port| usize::from(*port));
    node.port.store(if any_port { port } else { shown_port(&node) }, Relaxed);
    let doors =
        (0..node.threads).map(|thread| -> Arc<dyn Mailbox> { Arc::new(Door { posts: Arc::clone(&posts), thread }) });
    let _ = node.mailboxes.set(doors.collect()); // a second server of one node would be a test's mistake
    start_freer(&node);
    let shared = Arc::new(Shared {
        loads: (0..node.threads).map(|_| Default::default()).collect(),
        stop: AtomicBool::new(false),
        ended: AtomicUsize::new(0),
        node,
        posts,
        listeners,
        tls,
    });
    let server = Server { shared: Arc::clone(&shared), threads: Mutex::default() };
    for (thread, registrar) in registrars.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        let run = move || EventLoop::new(shared, thread, registrar).run();
        let spawned =
            std::thread::Builder::new().name(format!("loop-{thread}")).stack_size(exec::script::STACK_BYTES).spawn(run);
        server.threads.lock().push(spawned.map_err(|error| failed("start a thread", error))?);
    }
    Ok(server)
}

impl Server {
    /// TCP ports that are listened on.
    pub fn local_ports(&self) -> Vec<u16> {
        self.shared.listeners.ports()
    }

    /// `tcp`, `unix`, `tls`: what connections are accepted from.
    pub fn listens_to(&self) -> Vec<&'static str> {
        let listeners = &self.shared.listeners;
        let kinds =
            [("tcp", listeners.has_tcp(false)), ("unix", listeners.has_unix()), ("tls", listeners.has_tcp(true))];
        kinds.into_iter().filter(|(_, is_there)| *is_there).map(|(kind, _)| kind).collect()
    }

    /// Accepts nobody more, lets every thread finish its turn and write what it owes (half a second at
    /// most), closes all clients. Not from an event-loop thread, which would wait for itself.
    pub fn stop(&self) {
        self.shared.listeners.close_all();
        self.shared.stop.store(true, Relaxed);
        for thread in 0..self.shared.node.threads {
            self.shared.posts.send(thread, Mail::Nudge);
        }
        self.wait();
    }

    /// Until the threads have ended, which takes a `stop` from elsewhere.
    pub fn wait(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            if thread.join().is_err() {
                kit::warning!("An event loop ended by a mistake of the server's");
            }
        }
    }

    /// What CONFIG SET of this crate's options does beyond keeping the value.
    pub fn appliers(&self) -> Vec<Applier> {
        let shared = || Arc::clone(&self.shared);
        let (for_port, for_bind, for_tls_port, for_tls) = (shared(), shared(), shared(), shared());
        let unable = |_| "Unable to listen on this port. Check server logs.".to_owned();
        vec![
            // Before its port is opened: what connections there begin with.
            Applier { options: options::tls::OF_CONTEXT, apply: Box::new(move |node| load_tls(&for_tls, node)) },
            Applier {
                options: &["port"],
                apply: Box::new(move |node| listen_again(&for_port, node, false).map_err(unable)),
            },
            Applier {
                options: &["tls-port"],
                apply: Box::new(move |node| {
                    load_tls(&for_tls_port, node)?;
                    listen_again(&for_tls_port, node, true).map_err(unable)
                }),
            },
            Applier {
                options: &["bind"],
                apply: Box::new(move |node| {
                    let both = listen_again(&for_bind, node, false).and_then(|()| listen_again(&for_bind, node, true));
                    both.map_err(|_| "Failed to bind to specified addresses.".to_owned())
                }),
            },
            Applier { options: &["maxclients"], apply: Box::new(apply_max_clients) },
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen_again(shared: &Shared, node: &Node, tls: bool) -> Result<(), StartError> {
    let port = if tls { &options::tls::PORT } else { &options::PORT };
    match node.config.get(port) as u16 {
        0 => shared.listeners.close_tcp(tls),
        port => shared.listeners.set_tcp(&node.config, port, tls)?,
    }
    node.port.store(shown_port(node), Relaxed);
    Ok(())
}

/// Reads certificates anew, where they are used.
fn load_tls(shared: &Shared, node: &Node) -> Result<(), String> {
    if node.config.get(&options::tls::PORT) == 0 {
        return Ok(());
    }
    shared.tls.load(node).map_err(|error| {
        kit::warning!("Could not read the TLS configuration, the old one stays: {error}");
        format!("Unable to update TLS configuration: {error}")
    })
}

/// The port that INFO shows: that of plain connections, if there are any.
fn shown_port(node: &Node) -> usize {
    let ports = [node.config.get(&options::PORT), node.config.get(&options::tls::PORT)];
    ports.into_iter().find(|port| *port != 0).unwrap_or(0) as usize
}

fn apply_max_clients(node: &Node) -> Result<(), String> {
    let wanted = node.config.get(&options::MAX_CLIENTS) as u64;
    let got = descriptors_for(wanted);
    if got < wanted {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {got}"
        ));
    }
    Ok(())
}

/// Raises the limit on open files; for how many clients it suffices, at most `clients`.
fn descriptors_for(clients: u64) -> u64 {
    let wanted = clients + FDS_KEPT;
    let now = rustix::process::getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return clients;
    }
    let raised = Rlimit { current: Some(wanted), maximum: now.maximum.map(|max| max.max(wanted)) };
    if rustix::process::setrlimit(Resource::Nofile, raised).is_ok() {
        return clients;
    }
    // Only root may go beyond the hard limit.
    let most = now.maximum.unwrap_or(wanted).min(wanted);
    let raised = Rlimit { current: Some(most), maximum: now.maximum };
    let got = if rustix::process::setrlimit(Resource::Nofile, raised).is_ok() { Some(most) } else { now.current };
    got.unwrap_or(most).saturating_sub(FDS_KEPT).min(clients)
}

fn raise_descriptor_limit(node: &Node) {
    let wanted = node.config.get(&options::MAX_CLIENTS) as u64;
    let got = descriptors_for(wanted).max(1);
    if got < wanted {
        kit::warning!(
            "The system's limit on open files allows {got} clients and not {wanted}: 'maxclients' is now {got}. \
             Raise the limit with 'ulimit -n {}' to have more.",
            wanted + FDS_KEPT
        );
        node.config.set_value(&options::MAX_CLIENTS, got as i64);
    }
}

/// The thread that frees large values. It gives way to everybody else.
fn start_freer(node: &Arc<Node>) {
    let Some(queue) = node.freer.open() else { return };
    // The thread holds the node weakly: the node's end must end it, and not the other way round.
    let weak = Arc::downgrade(node);
    let spawned = std::thread::Builder::new().name("freer".into()).spawn(move || {
        // On Linux this is for the calling thread only. Not the last of all: FLUSHALL SYNC waits for it, and on a
        // machine that others keep busy the last gets a thousandth.
        let _ = rustix::process::setpriority_process(None, 10);
        queue.run(&weak);
    });
    if let Err(error) = spawned {
        kit::warning!("Large values are freed by the event loops: no thread for it: {error}");
    }
}
