//! Stands in for `tls` when it is built without the feature: there are no encrypted connections.

use crate::buffers::{Got, Pools};
use crate::conn::{Conn, Sent};
use exec::Node;
use rustix::fd::OwnedFd;

/// There is none.
pub(crate) enum Tls {}

pub(crate) struct Context;

impl Context {
    pub(crate) fn new() -> Context {
        Context
    }

    pub(crate) fn load(&self, _: &Node) -> Result<(), String> {
        Err("this build has no TLS".into())
    }

    pub(crate) fn accept(&self, _: Option<&'static [u8]>) -> Option<Tls> {
        None
    }
}

impl Tls {
    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn owes(&self) -> bool {
        match *self {}
    }

    pub(crate) fn mem_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn say_goodbye(&mut self, _: &OwnedFd) {
        match *self {}
    }
}

impl Conn {
    pub(crate) fn receive_encrypted(&mut self, _: &mut Pools) -> Got {
        Got::Broken
    }

    pub(crate) fn send_encrypted(&mut self, _: usize) -> Sent {
        Sent::Broken
    }

    pub(crate) fn tell_of_failure(&self, _: bool, _: &str) {}
}
