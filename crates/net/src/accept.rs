//! New connections: who may come in, and to which thread they go.

use crate::balance;
use crate::conn::Conn;
use crate::listen::{self, Listener};
use crate::loop_thread::EventLoop;
use crate::options;
use exec::acl::Identity;
use exec::client::{ClientRecord, flag};
use exec::metrics;
use exec::node::Node;
use exec::session::Session;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags, sockopt};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

// A burst of newcomers must not keep the others waiting.
const ACCEPTS_MAX: usize = 1000;

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

const DENIED: &[u8] = b"-DENIED Basalt is in protected mode: the default user has no password, so only clients on \
this machine are let in. To connect from elsewhere, do one of these: 1) Set a password: 'CONFIG SET requirepass \
<password>' from this machine, or 'requirepass' in the configuration file. 2) If nobody you do not trust can reach \
this port, switch the protection off: 'CONFIG SET protected-mode no' from this machine ('CONFIG REWRITE' makes it \
last), or 'protected-mode no' in the configuration file. 3) Start the server with '--protected-mode no'.\r\n";

/// What came in at the door.
struct Newcomer {
    fd: OwnedFd,
    addr: String,
    laddr: String,
    unix: bool,
    tls: bool,
    local: bool,
}

impl EventLoop {
    /// By thread 0, when a listening socket is ready.
    pub(crate) fn accept_all(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut newcomers = Vec::new();
        shared.listeners.with_all(|listener| {
            while newcomers.len() < ACCEPTS_MAX {
                match accept(listener) {
                    Ok(Some(newcomer)) => newcomers.push(newcomer),
                    Ok(None) => break,
                    Err(error) => {
                        kit::warning!("Accepting client connection: {}", std::io::Error::from(error));
                        // Out of descriptors, most likely: trying again at once would find the same.
                        self.accept_pause = true;
                        break;
                    }
                }
            }
        });
        if self.accept_pause {
            shared.listeners.set_accepting(false);
        }
        for newcomer in newcomers {
            self.welcome(newcomer);
        }
    }

    fn welcome(&mut self, newcomer: Newcomer) {
        let node = Arc::clone(&self.node);
        if node.clients.len() as i64 >= node.config.get(&options::MAX_CLIENTS) {
            self.worker.tally().add(&metrics::CONNECTIONS_REJECTED, 1);
            // Before a handshake nothing can be said.
            return if newcomer.tls { drop(newcomer) } else { turn_away(&newcomer.fd, TOO_MANY) };
        }
        let (user, open) = (Identity::of(node.acl.default_user()), node.acl.default_is_open());
        let denied =
            default_user_has_no_password(&node) && !newcomer.local && node.config.get(&options::PROTECTED_MODE);
        if denied {
            self.worker.tally().add(&metrics::CONNECTIONS_REJECTED, 1);
            if !newcomer.tls {
                return turn_away(&newcomer.fd, DENIED);
            }
        }
        let tls = if newcomer.tls {
            let Some(tls) = self.shared.tls.accept(denied.then_some(DENIED)) else { return };
            Some(Box::new(tls))
        } else {
            None
        };
        self.worker.tally().add(&metrics::CONNECTIONS_RECEIVED, 1);
        if !newcomer.unix {
            prepare_tcp(&node, &newcomer.fd);
        }
        let now_ns = node.clock.mono_ns();
        let loads: Vec<_> = self.shared.loads.iter().map(|cell| cell.load(now_ns)).collect();
        let thread = balance::place(&loads);
        let id = node.clients.next_id();
        let record = ClientRecord::new(id, newcomer.fd.as_raw_fd(), newcomer.addr, newcomer.laddr, self.now.0);
        record.thread.store(thread, Relaxed);
        record.set_flag(flag::UNIX_SOCKET, newcomer.unix);
        let record = Arc::new(record);
        let mut conn = Box::new(Conn::new(newcomer.fd, Session::of(Arc::clone(&record), user, open)));
        conn.tls = tls;
        conn.reply_size.publish(&record);
        kit::verbose!("Accepted {}", record.addr);
        node.clients.add(record);
        if thread == self.thread {
            self.adopt(conn);
        } else {
            self.shared.posts.adopt(thread, conn);
        }
    }
}

fn accept(listener: &Listener) -> Result<Option<Newcomer>, Errno> {
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (fd, peer) = match rustix::net::acceptfrom_with(&listener.socket, flags) {
            Ok(accepted) => accepted,
            Err(Errno::AGAIN) => return Ok(None),
            // The peer was gone before we looked, or the network had something to say about it.
            Err(
                Errno::INTR
                | Errno::CONNABORTED
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTUNREACH
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::NOPROTOOPT,
            ) => continue,
            Err(error) => return Err(error),
        };
        if listener.is_unix() {
            let addr = format!("{}:0", listener.path());
            return Ok(Some(Newcomer { fd, laddr: addr.clone(), addr, unix: true, tls: false, local: true }));
        }
        let local = peer.as_ref().is_some_and(is_local);
        let laddr = listen::shown(rustix::net::getsockname(&fd).ok());
        return Ok(Some(Newcomer { fd, addr: listen::shown(peer), laddr, unix: false, tls: listener.tls, local }));
    }
}

fn is_local(peer: &SocketAddrAny) -> bool {
    SocketAddr::try_from(peer.clone()).is_ok_and(|addr| match addr.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    })
}

/// Anybody could be it, once it is switched on.
fn default_user_has_no_password(node: &Node) -> bool {
    node.acl.default_user().rules().nopass
}

/// Says why and closes. What the peer has sent already is read first: closing with unread bytes would
/// make the system throw our words away.
fn turn_away(fd: &OwnedFd, why: &[u8]) {
    let _ = rustix::net::send(fd, why, SendFlags::NOSIGNAL); // who is gone misses nothing
    let _ = rustix::net::shutdown(fd, Shutdown::Write);
    let mut bin = [0u8; 1024];
    let _ = rustix::net::recv(fd, &mut bin, RecvFlags::empty());
}

/// No delay for small replies, and probes for peers that vanished. Either failing costs speed, not service.
fn prepare_tcp(node: &Node, fd: &OwnedFd) {
    let _ = sockopt::set_tcp_nodelay(fd, true);
    let secs = node.config.get(&options::KEEPALIVE) as u64;
    if secs > 0 {
        let _ = sockopt::set_socket_keepalive(fd, true);
        let _ = sockopt::set_tcp_keepidle(fd, Duration::from_secs(secs));
        let _ = sockopt::set_tcp_keepintvl(fd, Duration::from_secs((secs / 3).max(1)));
        let _ = sockopt::set_tcp_keepcnt(fd, 3);
    }
}
