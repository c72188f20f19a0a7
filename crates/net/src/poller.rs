//! Which sockets are ready: level-triggered epoll behind five calls.
//!
//! A token names what became ready; the poller does not know what it means. The epoll itself may be
//! shared (`Registrar`), so that CONFIG SET can add listening sockets from another thread.
//! Nothing else in this crate knows how readiness is found out.

use rustix::event::epoll;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::Timespec;
use std::io;
use std::sync::Arc;
use std::time::Duration;

// A turn's batch: more ready connections than this wait for the next turn, a few microseconds later.
const EVENTS_MAX: usize = 1024;

pub(crate) struct Poller {
    registrar: Registrar,
    events: Vec<epoll::Event>,
}

/// Adds and removes sockets; may be used from any thread.
#[derive(Clone)]
pub(crate) struct Registrar(Arc<OwnedFd>);

/// What to be told of a socket. Errors and a peer's full close are always told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interest {
    pub read: bool,
    pub write: bool,
}

impl Interest {
    pub(crate) const READ: Interest = Interest { read: true, write: false };

    fn flags(self) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, self.read);
        flags.set(epoll::EventFlags::OUT, self.write);
        flags
    }
}

/// A socket that is ready. A broken one is readable: the read tells what is wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub token: u64,
    pub read: bool,
    pub write: bool,
    /// Both directions are closed, or the socket has an error.
    pub broken: bool,
}

impl Poller {
    pub(crate) fn new(registrar: Registrar) -> Poller {
        Poller { registrar, events: Vec::with_capacity(EVENTS_MAX) }
    }

    pub(crate) fn registrar(&self) -> &Registrar {
        &self.registrar
    }

    /// Waits until something is ready, the time is over or a signal came. `ready` gives what was found.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        self.events.clear();
        let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
        let buffer = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.registrar.0, buffer, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn ready_count(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn ready(&self, idx: usize) -> Ready {
        let epoll::Event { flags, data, .. } = self.events[idx];
        let broken = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
        Ready {
            token: data.u64(),
            read: flags.intersects(epoll::EventFlags::IN) || broken,
            write: flags.intersects(epoll::EventFlags::OUT) || broken,
            broken,
        }
    }
}

impl Registrar {
    pub(crate) fn new() -> io::Result<Registrar> {
        Ok(Registrar(Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?)))
    }

    pub(crate) fn add(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.0, socket, epoll::EventData::new_u64(token), interest.flags())?)
    }

    pub(crate) fn change(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.0, socket, epoll::EventData::new_u64(token), interest.flags())?)
    }

    /// Only for a socket that lives on elsewhere: closing it removes it too.
    pub(crate) fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.0, socket)?)
    }
}
