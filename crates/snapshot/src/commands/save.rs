//! SAVE
//!
//! Writes the snapshot of this moment. The client waits for it, and nobody else does: Redis holds up everybody.
//! Where waiting is impossible it cannot stand: in transactions and scripts.

use super::saver;
use exec::seams::{Mail, Start};
use exec::session::Why;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, Reach};
use proto::Reply;
use std::sync::Arc;

pub static SAVE: Command = Command {
    name: "SAVE",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING).and(Flags::NO_MULTI),
    reach: Reach::World,
    complexity: "O(N) where N is the total number of keys in all databases",
    summary: "Writes a snapshot of all data to disk, and answers when it is there.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let saver = saver(ctx)?;
    let (client, node, resp3) = (Arc::clone(&ctx.session.record), ctx.node.itself.clone(), ctx.reply.is_resp3());
    let done = move |saved: Result<(), String>| {
        let Some(node) = node.upgrade() else { return };
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        match saved {
            Ok(()) => reply.ok(),
            Err(why) => reply.error(&Error::text(format!("ERR the data could not be saved: {why}"))),
        }
        node.send(&client, Mail::Served(client.id, reply, 0));
    };
    saver.start(&mut ctx.db, Start::Save, Some(Box::new(done)))?;
    Err(ctx.wait(Why::Working, None))
}
