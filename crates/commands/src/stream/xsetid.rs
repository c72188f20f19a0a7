//! XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]
//!
//! Restores what a stream remembers of entries that are gone. The last ID cannot fall below an entry that is there.

use super::ids;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use types::Stream;
use types::stream::Id;

pub static XSETID: Command = Command {
    name: "XSETID",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, UPDATE)],
    summary: "Sets the last ID of a stream; for restoring streams.",
    history: &[("7.0.0", "ENTRIESADDED and MAXDELETEDID.")],
    docs: &[
        Arg::key("key", 0),
        Arg::new("last-id", ArgKind::String),
        Arg::new("entries-added", ArgKind::Integer).after("ENTRIESADDED").since("7.0.0").optional(),
        Arg::new("max-deleted-id", ArgKind::String).after("MAXDELETEDID").since("7.0.0").optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let id = ids::id(args.get(2))?;
    let (mut added, mut deleted) = (None, Id::MIN);
    let mut at = 3;
    while at < args.len() {
        let has_more = at + 1 < args.len();
        if has_more && args.is(at, "ENTRIESADDED") {
            let count = u64::try_from(args.int(at + 1)?);
            added = Some(count.map_err(|_| Error::Static("ERR entries_added must be positive"))?);
        } else if has_more && args.is(at, "MAXDELETEDID") {
            deleted = ids::id(args.get(at + 1))?;
            if id < deleted {
                return Err(Error::Static(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(Error::Syntax);
        }
        at += 2;
    }
    let key = args.key(1);
    let Some(mut stream) = ctx.db.write::<Stream>(key)? else { return Err(Error::NoSuchKey) };
    let entries = stream.entries();
    if id < entries.max_deleted {
        return Err(Error::Static("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"));
    }
    if entries.final_id().is_some_and(|last| id < last) {
        return Err(Error::Static("ERR The ID specified in XSETID is smaller than the target stream top item"));
    }
    if !entries.is_empty() && added.is_some_and(|added| added < entries.len() as u64) {
        return Err(Error::Static(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    let entries = stream.unmarked().entries_mut();
    entries.set_last_id(id);
    entries.added = added.unwrap_or(entries.added);
    if !deleted.is_min() {
        entries.max_deleted = deleted;
    }
    stream.touch_quietly();
    drop(stream);
    ctx.db.event(notify::STREAM, "xsetid", key.bytes);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn sets() {
        check(
            "XADD s MAXLEN 0 1 a b; XSETID s 200-0 -> +OK; XADD s 199 a b -> -ERR The ID specified in XADD is equal; XADD s 200-* a b -> 200-1; XSETID s 300 ENTRIESADDED 50 MAXDELETEDID 10 -> +OK; XINFO STREAM s -> [length :1 * * * * last-generated-id 300-0 max-deleted-entry-id 10-0 entries-added :50 recorded-first-entry-id 200-1 * * * * * *]",
        );
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XSETID none 1-1", "ERR no such key"),
            ("XSETID s x", "ERR Invalid stream ID specified as stream command argument"),
            ("XSETID s 1-1", "ERR The ID specified in XSETID is smaller than the target stream top item"),
            ("XSETID s 9 0", "ERR syntax error"),
            ("XSETID s 9 ENTRIESADDED", "ERR syntax error"),
            ("XSETID s 9 ENTRIESADDED x", "ERR value is not an integer or out of range"),
            ("XSETID s 9 ENTRIESADDED -1 MAXDELETEDID 0", "ERR entries_added must be positive"),
            (
                "XSETID s 9 ENTRIESADDED 0",
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            (
                "XSETID s 9 MAXDELETEDID 10",
                "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            ("XSETID k 1", "WRONGTYPE"),
        ] {
            check(&format!("SET k v; XADD s 5 a b; {words} -> -{error}"));
        }
        check(
            "XADD s 1-1 a 1; XADD s 1-2 a 1; XDEL s 1-1 1-2; XSETID s 1-1 -> -ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        );
    }
}
