//! What the reading commands share: one field's value, and texts in replies.

use exec::{Args, Ctx, Error};
use proto::Reply;
use types::Hash;
use types::hash::Text;

#[inline]
pub(super) fn say(reply: &mut Reply, text: Text<'_>) {
    match text {
        Text::Bytes(bytes) => reply.bulk(bytes),
        Text::Int(number) => reply.bulk_int(number),
    }
}

#[inline]
pub(super) fn say_or_null(reply: &mut Reply, text: Option<Text<'_>>) {
    match text {
        Some(text) => say(reply, text),
        None => reply.null(),
    }
}

/// Answers by the value of one field, the word behind the key. A field past its time is none, and is removed.
#[inline]
pub(super) fn one_field(ctx: &mut Ctx, args: &Args, answer: fn(&mut Reply, Option<Text<'_>>)) -> Result<(), Error> {
    let (key, field, now) = (args.key(1), args.get(2), ctx.db.fields_now());
    let hash = ctx.db.read::<Hash>(key)?;
    let pair = hash.as_ref().and_then(|hash| hash.get(field));
    match pair {
        Some(pair) if pair.is_due(now) => {
            answer(ctx.reply, None);
            ctx.db.note_stale_field(key, field);
        }
        pair => answer(ctx.reply, pair.map(|pair| pair.value)),
    }
    Ok(())
}
