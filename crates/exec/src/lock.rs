//! Takes and gives back what a request needs: no shard, some of them, or the world.

use crate::args::Args;
use crate::command::Command;
use crate::held::WorldGuard;
use crate::plan::{self, Locks};
use crate::run::Turn;

impl<'n> Turn<'_, 'n> {
    /// Takes what the command needs, runs `body`, and gives back what should not be kept. False when a script has some
    /// of it, or when `body` says so.
    pub(crate) fn lock(&mut self, command: &Command, args: &Args, body: impl FnOnce(&mut Self) -> bool) -> bool {
        let mut shards = std::mem::take(&mut self.scratch.shards);
        let locks = plan::locks(self.node, command, args, &mut shards);
        let ran = self.lock_as(locks, &shards, body);
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
        loop {
            if let Some(world) = self.node.world.try_exclusive() {
                self.held.set_world(true);
                return Some(world);
            }
            // Others who want the world are soon through; a script may take long.
            if self.node.scripts.any() {
                self.running = Some(self.node.world.enter(self.thread));
                return None;
            }
        }
    }

    fn leave_world(&mut self, world: WorldGuard<'n>) {
        self.held.set_world(false);
        drop(world);
        self.running = Some(self.node.world.enter(self.thread));
    }
}
