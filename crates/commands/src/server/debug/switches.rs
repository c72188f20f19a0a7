//! Switches for tests: DEBUG AOF-FLUSH-SLEEP, SET-ACTIVE-EXPIRE, PAUSE-CRON, DICT-RESIZING, QUICKLIST-PACKED-THRESHOLD, REPLYBUFFER.

use exec::{Args, Ctx, Error};
use std::sync::atomic::Ordering::Relaxed;

/// Milliseconds after which the longest reply of a client is forgotten, unless a test says otherwise.
const PEAK_RESET_MS: i64 = 5000;

/// Shows whether an answer waits until what it says is written.
pub(super) fn aof_flush_sleep(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.node.log.set_flush_sleep(kit::text::parse_i64(args.get(2)).map_or(0, |us| us.max(0).unsigned_abs()));
    ctx.reply.ok();
    Ok(())
}

pub(super) fn active_expire(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.node.active_expire.store(is_on(args, 2), Relaxed);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn deny_scripts(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.node.scripts.allow_denied.store(is_on(args, 2), Relaxed);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn pause_cron(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.node.cron_paused.store(is_on(args, 2), Relaxed);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn skip_checksum(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.node.skip_dump_checksum.store(is_on(args, 2), Relaxed);
    ctx.reply.ok();
    Ok(())
}

/// A table grows by a bucket at a time, within the command that needs it: there is no resizing to hold back.
pub(super) fn dict_resizing(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.ok();
    Ok(())
}

/// A large element of a list stands alone by a rule of its own; only what cannot be a size is refused.
pub(super) fn quicklist_packed_threshold(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(bytes) = kit::text::parse_memory(&args.text(2)) else {
        return Err(Error::Static("ERR argument must be a memory value"));
    };
    if !(0..1 << 32).contains(&bytes) {
        return Err(Error::Static("ERR argument must be a memory value bigger than 1 and smaller than 4gb"));
    }
    ctx.reply.ok();
    Ok(())
}

pub(super) fn replybuffer(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.is(2, "PEAK-RESET-TIME") {
        let ms = if args.is(3, "never") {
            -1
        } else if args.is(3, "reset") {
            PEAK_RESET_MS
        } else {
            args.int(3)?
        };
        ctx.node.reply_peak_reset_ms.store(ms, Relaxed);
    } else if args.is(2, "RESIZING") {
        ctx.node.reply_resizing.store(is_on(args, 3), Relaxed);
    } else {
        return Err(Error::unknown_subcommand_or_arity("DEBUG", args.get(1)));
    }
    ctx.reply.ok();
    Ok(())
}

/// Redis takes what is no number for 0.
fn is_on(args: &Args, i: usize) -> bool {
    kit::text::parse_i64(args.get(i)).is_some_and(|n| n != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_switch() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("DEBUG SET-ACTIVE-EXPIRE 0 -> +OK; DEBUG pause-cron 1 -> +OK; DEBUG DICT-RESIZING 0 -> +OK");
        node.converse("DEBUG REPLYBUFFER peak-reset-time 100 -> +OK; DEBUG REPLYBUFFER RESIZING 0 -> +OK");
        node.converse("DEBUG AOF-FLUSH-SLEEP 0 -> +OK; DEBUG AOF-FLUSH-SLEEP x -> +OK");
        let inside = &node.node;
        assert!(!inside.active_expire.load(Relaxed) && inside.cron_paused.load(Relaxed));
        assert!(!inside.reply_resizing.load(Relaxed));
        assert_eq!(inside.reply_peak_reset_ms.load(Relaxed), 100);
        node.converse("SET k v PX 5; ~100ms; DBSIZE -> :1; DEBUG SET-ACTIVE-EXPIRE 2 -> +OK; ~100ms; DBSIZE -> :0");
        node.converse("DEBUG REPLYBUFFER PEAK-RESET-TIME never -> +OK");
        assert_eq!(node.node.reply_peak_reset_ms.load(Relaxed), -1);
        node.converse("DEBUG REPLYBUFFER PEAK-RESET-TIME RESET -> +OK");
        assert_eq!(node.node.reply_peak_reset_ms.load(Relaxed), 5000);
        node.converse("DEBUG QUICKLIST-PACKED-THRESHOLD 1b -> +OK; DEBUG QUICKLIST-PACKED-THRESHOLD 0 -> +OK");
        node.converse("DEBUG QUICKLIST-PACKED-THRESHOLD x -> -ERR argument must be a memory value; DEBUG QUICKLIST-PACKED-THRESHOLD 4gb -> -ERR argument must be a memory value bigger than 1 and smaller than 4gb");
        node.converse("DEBUG REPLYBUFFER PEAK-RESET-TIME x -> -ERR value is not an integer or out of range");
        node.converse("DEBUG REPLYBUFFER foo 1 -> -ERR unknown subcommand or wrong number of arguments for 'REPLYBUFFER'. Try DEBUG HELP.");
    }
}
