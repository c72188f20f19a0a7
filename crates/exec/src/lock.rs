//! Takes and gives back what a request needs: no shard, some of them, or the world.

use crate::args::Args;
use crate::command::{Command, Group};
use crate::held::WorldGuard;
use crate::lock_waits::Lock;
use crate::node::Node;
use crate::plan::{self, Locks};
use crate::run::Turn;
use parking_lot::MutexGuard;

impl<'n> Turn<'_, 'n> {
    /// Takes what the command needs, runs `body`, and gives back what should not be kept. False when a script has some
    /// of it, or when `body` says so.
    pub(crate) fn lock(&mut self, command: &Command, args: &Args, body: impl FnOnce(&mut Self) -> bool) -> bool {
        let mut shards = std::mem::take(&mut self.scratch.shards);
        let locks = plan::locks(self.node, command, args, &mut shards);
        // An ordinary command, which may take long, gives back what it does not need.
        let has_keys = matches!(locks, Locks::One(_) | Locks::Many);
        let ran = match has_keys && command.group == Group::Scripting && self.held.keeps_all() {
            true => body(self),
            false => self.lock_as(locks, &shards, body),
        };
        self.scratch.shards = shards;
        ran
    }

    pub(crate) fn lock_as(&mut self, locks: Locks, shards: &[u8], body: impl FnOnce(&mut Self) -> bool) -> bool {
        let got = match locks {
            Locks::None => {
                self.held.release();
                true
            }
            Locks::Walk => {
                self.held.release();
                !self.node.scripts.shards.any()
            }
            Locks::One(shard) => self.held.take_one(shard),
            Locks::Many => self.held.take_many(shards),
            Locks::World if self.held.is_world() => true,
            Locks::World => {
                let Some(world) = self.take_world() else { return false };
                let ran = body(self);
                self.leave_world(world);
                return ran;
            }
        };
        got && body(self)
    }

    fn take_world(&mut self) -> Option<WorldGuard<'n>> {
        self.held.release();
        self.running = None;
        let node = self.node;
        let world = node.wait_for_lock(self.thread, Lock::World, || {
            loop {
                let world = node.world.try_exclusive();
                // Others who want the world are soon through; a script may take long.
                if world.is_some() || node.scripts.any() {
                    return world;
                }
            }
        });
        match world {
            Some(_) => self.held.set_world(true),
            None => self.running = Some(node.enter(self.thread)),
        }
        world
    }

    fn leave_world(&mut self, world: WorldGuard<'n>) {
        self.held.set_world(false);
        drop(world);
        self.running = Some(self.node.enter(self.thread));
    }
}

impl Node {
    /// A thread's running lock, for the time of a batch.
    #[inline]
    pub(crate) fn enter(&self, thread: usize) -> MutexGuard<'_, ()> {
        let soon = self.world.try_enter(thread);
        soon.unwrap_or_else(|| self.wait_for_lock(thread, Lock::Running, || self.world.enter(thread)))
    }
}
