//! SAVE, BGSAVE, BGREWRITEAOF.

pub mod bgrewriteaof;
pub mod bgsave;
pub mod save;

use exec::seams::Saver;
use exec::{Command, Ctx, Error};
use std::sync::Arc;

pub static COMMANDS: &[&Command] = &[&bgrewriteaof::BGREWRITEAOF, &bgsave::BGSAVE, &save::SAVE];

fn saver(ctx: &Ctx) -> Result<Arc<dyn Saver>, Error> {
    ctx.node.saver.get().cloned().ok_or(Error::Static("ERR this server saves nothing"))
}
