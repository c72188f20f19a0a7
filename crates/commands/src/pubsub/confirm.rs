//! The answers of SUBSCRIBE and its kin: one for each channel, and not quite replies.
//!
//! They come even when CLIENT REPLY says that there are no replies. Inside EXEC a command has one place
//! in the reply, so its first confirmation stands there and the others follow the whole reply, as
//! messages do. (Redis writes all of them into the array, which then has more elements than it said.)

use exec::Ctx;
use exec::pubsub::{Kind, count};
use exec::seams::Mail;
use exec::session::ReplyMode;
use proto::Reply;

/// `first`: the first confirmation of this command.
pub(super) fn confirm(ctx: &mut Ctx, word: &str, kind: Kind, name: Option<&[u8]>, first: bool) {
    let count = count(ctx.session, kind);
    let silenced = matches!(ctx.session.reply_mode, ReplyMode::Off | ReplyMode::Skip);
    if !silenced && (first || !ctx.nested) {
        return say(ctx.reply, word, name, count);
    }
    let mut later = Reply::new();
    later.set_resp3(ctx.reply.is_resp3());
    say(&mut later, word, name, count);
    let record = &ctx.session.record;
    ctx.node.send(record, Mail::Push(record.id, later.to_vec().into()));
}

fn say(reply: &mut Reply, word: &str, name: Option<&[u8]>, count: usize) {
    reply.push(3);
    reply.bulk_str(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}
