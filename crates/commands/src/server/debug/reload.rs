//! DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]    DEBUG LOADAOF
//!
//! The data go to disk and come back, or are loaded anew from what is there. Who asks for data meanwhile is told that
//! this server loads.

use exec::seams::{Mail, Reload};
use exec::session::Why;
use exec::{Args, Ctx, Error};
use proto::Reply;
use std::sync::Arc;

pub(super) fn snapshot(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (mut save, mut flush, mut merge) = (true, true, false);
    for i in 2..args.len() {
        if args.is(i, "MERGE") {
            merge = true;
        } else if args.is(i, "NOFLUSH") {
            flush = false;
        } else if args.is(i, "NOSAVE") {
            save = false;
        } else {
            return Err(Error::Static("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."));
        }
    }
    let error = "ERR Error trying to load the RDB dump, check server logs.";
    reload(ctx, Reload::Snapshot { save, flush, merge }, error)
}

pub(super) fn log(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    reload(ctx, Reload::Log, "ERR Error trying to load the AOF files, check server logs.")
}

fn reload(ctx: &mut Ctx, reload: Reload, error: &'static str) -> Result<(), Error> {
    let saver = ctx.node.saver.get().cloned().ok_or(Error::Static("ERR this server saves nothing"))?;
    if !ctx.may_wait() {
        return Err(Error::Static("ERR the data cannot be reloaded inside a transaction or script"));
    }
    let (client, node, resp3) = (Arc::clone(&ctx.session.record), ctx.node.itself.clone(), ctx.reply.is_resp3());
    let done = move |loaded: Result<(), String>| {
        let Some(node) = node.upgrade() else { return };
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        match loaded {
            Ok(()) => reply.ok(),
            Err(why) => {
                kit::warning!("DEBUG could not load the data: {why}");
                reply.error(&Error::Static(error));
            }
        }
        node.send(&client, Mail::Served(client.id, reply, 0));
    };
    saver.reload(reload, Box::new(done));
    Err(ctx.wait(Why::Working, None))
}
