//! The connections of one thread, by number and by client.
//!
//! A token is a slot's number and how often the slot was used before, so an event for a connection
//! that is gone is known as such.

use crate::conn::Conn;
use exec::client::ClientId;
use rustix::fd::OwnedFd;
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    uses: Vec<u32>,
    free: Vec<u32>,
    by_id: HashMap<ClientId, u32>,
}

pub(crate) enum Slot {
    Free,
    Idle(Box<Conn>),
    /// Part of this turn: its place in the list of active ones.
    Active(usize),
    /// Answered and closed by us; what the peer still sends is read and thrown away, because closing
    /// a socket with unread bytes makes the system throw away our answer.
    Lingering {
        fd: OwnedFd,
        until_ms: i64,
    },
}

impl Slab {
    pub(crate) fn insert(&mut self, conn: Box<Conn>) -> u32 {
        let id = conn.session.record.id;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::Free);
            self.uses.push(0);
            self.slots.len() as u32 - 1
        });
        self.by_id.insert(id, slot);
        self.slots[slot as usize] = Slot::Idle(conn);
        slot
    }

    pub(crate) fn token(&self, slot: u32) -> u64 {
        u64::from(self.uses[slot as usize]) << 32 | u64::from(slot)
    }

    /// The slot of a token that is still right.
    pub(crate) fn slot_of(&self, token: u64) -> Option<u32> {
        let slot = token as u32;
        (self.uses.get(slot as usize) == Some(&((token >> 32) as u32))).then_some(slot)
    }

    pub(crate) fn find(&self, id: ClientId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    /// An idle connection; it becomes number `active` of this turn.
    pub(crate) fn take(&mut self, slot: u32, active: usize) -> Option<Box<Conn>> {
        match std::mem::replace(&mut self.slots[slot as usize], Slot::Active(active)) {
            Slot::Idle(conn) => Some(conn),
            other => {
                self.slots[slot as usize] = other;
                None
            }
        }
    }

    pub(crate) fn put(&mut self, slot: u32, conn: Box<Conn>) {
        self.slots[slot as usize] = Slot::Idle(conn);
    }

    pub(crate) fn linger(&mut self, slot: u32, id: ClientId, fd: OwnedFd, until_ms: i64) {
        self.by_id.remove(&id);
        self.slots[slot as usize] = Slot::Lingering { fd, until_ms };
    }

    /// The slot is free for another one; `id` is who was there.
    pub(crate) fn remove(&mut self, slot: u32, id: Option<ClientId>) {
        if let Some(id) = id {
            self.by_id.remove(&id);
        }
        self.slots[slot as usize] = Slot::Free;
        // Tokens of the poller's own use begin with all bits set.
        self.uses[slot as usize] = (self.uses[slot as usize] + 1) & 0x7fff_ffff;
        self.free.push(slot);
    }

    /// Clients; lingering sockets are none any more.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn slot_count(&self) -> u32 {
        self.slots.len() as u32
    }
}
