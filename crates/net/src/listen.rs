//! Listening sockets: which addresses, opening them, opening others while the server runs.
//!
//! Thread 0 polls all of them. CONFIG SET runs on any thread, so the set stands under a mutex and new
//! sockets are given to thread 0's poller directly: when the command answers, the old ones are closed.
//! Always true: after a failed change the server listens where it did before.

use crate::options;
use crate::poller::{Interest, Registrar};
use kit::opt::Config;
use parking_lot::Mutex;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// One word of the option `bind`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bind {
    /// Its address, or the name of a host.
    host: String,
    /// An address that this machine does not have is no error.
    optional: bool,
}

impl Bind {
    pub(crate) fn parse(word: &str) -> Bind {
        let (optional, host) = match word.strip_prefix('-') {
            Some(host) => (true, host),
            None => (false, word),
        };
        Bind { host: host.to_owned(), optional }
    }

    fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>, String> {
        let ip: IpAddr = match self.host.as_str() {
            "*" => Ipv4Addr::UNSPECIFIED.into(),
            "::*" => Ipv6Addr::UNSPECIFIED.into(),
            host => match host.parse() {
                Ok(ip) => ip,
                Err(_) => {
                    let found = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
                    // A name may stand for several addresses; the first one is meant, as in Redis.
                    return Ok(found.take(1).collect());
                }
            },
        };
        Ok(vec![SocketAddr::new(ip, port)])
    }
}

/// Where a listening socket listens.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

pub(crate) struct Listener {
    pub socket: OwnedFd,
    /// Its connections are encrypted.
    pub tls: bool,
    place: Place,
}

impl Listener {
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self.place, Place::Unix(_))
    }

    /// The path, for CLIENT LIST.
    pub(crate) fn path(&self) -> String {
        match &self.place {
            Place::Unix(path) => path.to_string_lossy().into_owned(),
            Place::Tcp(addr) => addr.to_string(),
        }
    }
}

/// A socket that could not be opened, in Redis's words.
#[derive(Debug)]
pub struct StartError(pub(crate) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// All listening sockets of a server.
pub(crate) struct Listeners {
    open: Mutex<Vec<Listener>>,
    registrar: Registrar,
    token: u64,
}

impl Listeners {
    pub(crate) fn new(registrar: Registrar, token: u64) -> Listeners {
        Listeners { open: Mutex::default(), registrar, token }
    }

    /// Opens what the configuration says. With `any_port` the system chooses the port.
    pub(crate) fn start(&self, config: &Config, any_port: bool) -> Result<(), StartError> {
        let port = if any_port { 0 } else { config.get(&options::PORT) as u16 };
        if port != 0 || any_port {
            self.set_tcp(config, port, false)?;
        }
        let tls_port = config.get(&options::tls::PORT) as u16;
        if tls_port != 0 {
            self.set_tcp(config, tls_port, true)?;
        }
        let path = config.get(&options::UNIX_SOCKET);
        if !path.is_empty() {
            let perm = config.get(&options::UNIX_SOCKET_PERM) as u32;
            let backlog = config.get(&options::BACKLOG) as i32;
            let listener = open_unix(PathBuf::from(&*path), perm, backlog)
                .map_err(|error| StartError(format!("Failed opening Unix socket: {error}")))?;
            self.poll(&listener)?;
            self.open.lock().push(listener);
        }
        Ok(())
    }

    /// Listens for plain or encrypted connections on the option's addresses at `port` and nowhere else. What is open
    /// already stays open.
    pub(crate) fn set_tcp(&self, config: &Config, port: u16, tls: bool) -> Result<(), StartError> {
        self.set_tcp_at(&options::binds(config), port, config.get(&options::BACKLOG) as i32, tls)
    }

    pub(crate) fn close_tcp(&self, tls: bool) {
        self.open.lock().retain(|it| it.is_unix() || it.tls != tls);
    }

    fn set_tcp_at(&self, binds: &[Bind], port: u16, backlog: i32, tls: bool) -> Result<(), StartError> {
        let mut open = self.open.lock();
        let mut wanted = Vec::new();
        for bind in binds {
            let found = bind.addresses(port).map_err(|error| refusal(&bind.host, port, &error))?;
            wanted.extend(found.into_iter().map(|addr| (addr, bind.clone())));
        }
        let (kept, old): (Vec<_>, Vec<_>) = std::mem::take(&mut *open).into_iter().partition(|it| match &it.place {
            Place::Tcp(addr) => it.tls != tls || wanted.iter().any(|(wanted, _)| wanted == addr),
            Place::Unix(_) => true,
        });
        wanted.retain(|(addr, _)| !kept.iter().any(|it| it.tls == tls && it.place == Place::Tcp(*addr)));
        *open = kept;
        match open_all(&wanted, port, backlog, tls) {
            Ok(new) => open.extend(self.polled(new)?),
            Err(first) => {
                // Our own old socket may stand in the way, as `*` does of `127.0.0.1` on the same port.
                let places: Vec<Place> = old.iter().map(|it| it.place.clone()).collect();
                if !places.iter().any(|place| matches!(place, Place::Tcp(addr) if addr.port() == port)) {
                    open.extend(old);
                    return Err(first);
                }
                drop(old);
                match open_all(&wanted, port, backlog, tls) {
                    Ok(new) => open.extend(self.polled(new)?),
                    Err(error) => {
                        open.extend(self.reopened(&places, backlog, tls));
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    fn reopened(&self, places: &[Place], backlog: i32, tls: bool) -> Vec<Listener> {
        let mut opened = Vec::new();
        for place in places {
            if let Place::Tcp(addr) = place
                && let Ok(listener) = open_tcp(*addr, backlog, tls)
                && self.poll(&listener).is_ok()
            {
                opened.push(listener);
            }
        }
        opened
    }

    fn polled(&self, listeners: Vec<Listener>) -> Result<Vec<Listener>, StartError> {
        for listener in &listeners {
            self.poll(listener)?;
        }
        Ok(listeners)
    }

    fn poll(&self, listener: &Listener) -> Result<(), StartError> {
        let polled = self.registrar.add(&listener.socket, self.token, Interest::READ);
        polled.map_err(|error| StartError(format!("Could not watch a listening socket: {error}")))
    }

    /// Stops or goes on accepting, while there is nothing to accept with.
    pub(crate) fn set_accepting(&self, on: bool) {
        for listener in self.open.lock().iter() {
            let _ = self.registrar.change(&listener.socket, self.token, Interest { read: on, write: false });
        }
    }

    pub(crate) fn with_all(&self, mut look: impl FnMut(&Listener)) {
        self.open.lock().iter().for_each(&mut look);
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = Vec::new();
        self.with_all(|listener| match listener.place {
            Place::Tcp(addr) if !ports.contains(&addr.port()) => ports.push(addr.port()),
            Place::Tcp(_) | Place::Unix(_) => {}
        });
        ports
    }

    /// Is there a TCP socket for plain, or encrypted, connections?
    pub(crate) fn has_tcp(&self, tls: bool) -> bool {
        self.open.lock().iter().any(|it| !it.is_unix() && it.tls == tls)
    }

    pub(crate) fn has_unix(&self) -> bool {
        self.open.lock().iter().any(Listener::is_unix)
    }

    pub(crate) fn close_all(&self) {
        for listener in self.open.lock().drain(..) {
            if let Place::Unix(path) = &listener.place {
                let _ = std::fs::remove_file(path); // gone already: as well
            }
        }
    }
}

fn open_all(
    wanted: &[(SocketAddr, Bind)],
    mut port: u16,
    backlog: i32,
    tls: bool,
) -> Result<Vec<Listener>, StartError> {
    let mut opened = Vec::new();
    for (addr, bind) in wanted {
        // The first one's choice of a port holds for the others.
        let addr = SocketAddr::new(addr.ip(), port);
        match open_tcp(addr, backlog, tls) {
            Ok(listener) => {
                if let Place::Tcp(addr) = &listener.place {
                    port = addr.port();
                }
                opened.push(listener);
            }
            Err(refused) if may_be_missing(refused.errno, bind.optional) => {}
            Err(refused) => return Err(refusal(&bind.host, port, &refused.to_string())),
        }
    }
    Ok(opened)
}

fn refusal(host: &str, port: u16, cause: &str) -> StartError {
    let text = format!("Could not create server TCP listening socket {host}:{port}: {cause}");
    kit::warning!("Warning: {text}");
    StartError(text)
}

/// This machine knows no IPv6, or the address is optional and not there.
fn may_be_missing(errno: Errno, optional: bool) -> bool {
    let unsupported = [Errno::NOPROTOOPT, Errno::PROTONOSUPPORT, Errno::SOCKTNOSUPPORT, Errno::PFNOSUPPORT];
    errno == Errno::AFNOSUPPORT || unsupported.contains(&errno) || (optional && errno == Errno::ADDRNOTAVAIL)
}

struct Refused {
    step: &'static str,
    errno: Errno,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "Address already in use (os error 98)": Redis has the text only.
        let text = std::io::Error::from(self.errno).to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        write!(f, "{}: {text}", self.step)
    }
}

fn at(step: &'static str) -> impl Fn(Errno) -> Refused {
    move |errno| Refused { step, errno }
}

fn open_tcp(addr: SocketAddr, backlog: i32, tls: bool) -> Result<Listener, Refused> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(at("socket"))?;
    if addr.is_ipv6() {
        rustix::net::sockopt::set_ipv6_v6only(&socket, true).map_err(at("setsockopt IPV6_V6ONLY"))?;
    }
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true).map_err(at("setsockopt SO_REUSEADDR"))?;
    rustix::net::bind(&socket, &addr).map_err(at("bind"))?;
    rustix::net::listen(&socket, backlog).map_err(at("listen"))?;
    let place = rustix::net::getsockname(&socket).ok().and_then(|own| SocketAddr::try_from(own).ok());
    Ok(Listener { socket, tls, place: Place::Tcp(place.unwrap_or(addr)) })
}

fn open_unix(path: PathBuf, perm: u32, backlog: i32) -> Result<Listener, Refused> {
    let addr = SocketAddrUnix::new(&path).map_err(at("path"))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(at("socket"))?;
    let _ = std::fs::remove_file(&path); // left behind by a server that was killed
    rustix::net::bind(&socket, &addr).map_err(at("bind"))?;
    rustix::net::listen(&socket, backlog).map_err(at("listen"))?;
    if perm != 0
        && let Err(error) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(perm))
    {
        kit::warning!("Could not set permissions {perm:o} on {}: {error}", path.display());
    }
    Ok(Listener { socket, tls: false, place: Place::Unix(path) })
}

/// Linux cuts a backlog to its own limit without a word.
pub(crate) fn warn_of_backlog(backlog: i64) {
    let Ok(text) = std::fs::read_to_string("/proc/sys/net/core/somaxconn") else { return };
    if let Ok(limit) = text.trim().parse::<i64>()
        && limit > 0
        && limit < backlog
    {
        kit::warning!(
            "WARNING: The TCP backlog setting of {backlog} cannot be enforced because \
             /proc/sys/net/core/somaxconn is set to the lower value of {limit}."
        );
    }
}

/// `ip:port` or `[ip]:port`, as CLIENT LIST shows an address.
pub(crate) fn shown(addr: Option<SocketAddrAny>) -> String {
    match addr.and_then(|addr| SocketAddr::try_from(addr).ok()) {
        Some(addr) => addr.to_string(),
        None => "?:0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners() -> Listeners {
        Listeners::new(Registrar::new().unwrap(), 1)
    }

    fn binds(words: &str) -> Vec<Bind> {
        words.split_whitespace().map(Bind::parse).collect()
    }

    fn connects(port: u16) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    }

    #[test]
    fn grammar() {
        let any = |text: &str| Bind::parse(text).addresses(7).unwrap()[0].to_string();
        assert_eq!(
            [any("*"), any("-::*"), any("127.0.0.1"), any("::1")],
            ["0.0.0.0:7", "[::]:7", "127.0.0.1:7", "[::1]:7"]
        );
        assert!(Bind::parse("-::*").optional && !Bind::parse("*").optional);
        assert!(any("localhost").ends_with(":7"));
        assert!(Bind::parse("999.999.999.999").addresses(7).is_err());
    }

    #[test]
    fn optional_addresses_may_be_missing() {
        let set = listeners();
        // 192.0.2.0/24 is for documentation: no machine has it.
        set.set_tcp_at(&binds("127.0.0.1 -192.0.2.1"), 0, 16, false).unwrap();
        assert_eq!(set.ports().len(), 1);
        let error = set.set_tcp_at(&binds("192.0.2.1"), 0, 16, false).unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:0: bind: Cannot assign requested address"), "{error}");
        assert!(connects(set.ports()[0]), "the old one is still there");
    }

    #[test]
    fn changes_in_place_and_goes_back() {
        let set = listeners();
        set.set_tcp_at(&binds("*"), 0, 16, false).unwrap();
        let port = set.ports()[0];
        set.set_tcp_at(&binds("127.0.0.1"), port, 16, false).unwrap();
        assert_eq!(set.ports(), [port]);
        assert!(connects(port));

        let other = listeners();
        other.set_tcp_at(&binds("*"), 0, 16, false).unwrap();
        let taken = other.ports()[0];
        let error = set.set_tcp_at(&binds("*"), taken, 16, false).unwrap_err().to_string();
        let expected = format!("Could not create server TCP listening socket *:{taken}: bind: Address already in use");
        assert_eq!(error, expected);
        assert!(set.set_tcp_at(&binds("999.999.999.999"), port, 16, false).is_err());
        assert_eq!(set.ports(), [port]);
        assert!(connects(port));

        other.set_tcp_at(&binds("127.0.0.1"), 0, 16, true).unwrap();
        assert!(other.has_tcp(false) && other.has_tcp(true), "they are kept apart");
        other.close_tcp(false);
        assert!(!connects(taken) && connects(other.ports()[0]));

        set.close_tcp(false);
        assert!(!connects(port));
    }
}
