//! What the log says of a group's changes: each delivery by itself, with its time and its count.

use exec::{Ctx, Key};
use kit::text::{format_i64, format_u64};
use types::stream::{ID_TEXT_MAX, Id};

/// One entry came into a consumer's hands.
#[derive(Clone, Copy)]
pub(super) struct Claimed {
    pub id: Id,
    pub delivered_ms: i64,
    pub count: u32,
}

/// Does anybody write the log?
pub(super) fn wanted(ctx: &Ctx) -> bool {
    ctx.node.log.is_on()
}

/// `last_id`: the group's.
pub(super) fn claimed(ctx: &mut Ctx, key: Key, group: &[u8], consumer: &[u8], last_id: Id, all: &[Claimed]) {
    let last = &mut [0; ID_TEXT_MAX];
    let last = last_id.text(last);
    for it in all {
        let (id, time, count) = (&mut [0; ID_TEXT_MAX], &mut [0; 20], &mut [0; 20]);
        ctx.replay_as(&[
            b"XCLAIM",
            key.bytes,
            group,
            consumer,
            b"0",
            it.id.text(id),
            b"TIME",
            format_i64(time, it.delivered_ms),
            b"RETRYCOUNT",
            format_i64(count, i64::from(it.count)),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            last,
        ]);
    }
}

/// These were pending, and are no more: their entries are deleted.
pub(super) fn gone(ctx: &mut Ctx, key: Key, group: &[u8], ids: &[Id]) {
    for id in ids {
        ctx.replay_as(&[b"XACK", key.bytes, group, id.text(&mut [0; ID_TEXT_MAX])]);
    }
}

pub(super) fn consumer(ctx: &mut Ctx, key: Key, group: &[u8], consumer: &[u8]) {
    ctx.replay_as(&[b"XGROUP", b"CREATECONSUMER", key.bytes, group, consumer]);
}

/// The group has read up to here.
pub(super) fn group(ctx: &mut Ctx, key: Key, group: &[u8], last_id: Id, entries_read: Option<u64>) {
    let digits = &mut [0; 20];
    let read = match entries_read {
        Some(read) => format_u64(digits, read),
        None => b"-1",
    };
    ctx.replay_as(&[b"XGROUP", b"SETID", key.bytes, group, last_id.text(&mut [0; ID_TEXT_MAX]), b"ENTRIESREAD", read]);
}
