//! OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT | HELP
//!
//! Looks at a key without leaving a trace. Values are never shared here; small numbers are said to be
//! where Redis would share them, because programs tell by this that they are cheap.

use exec::evict::{self, Policy};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK, db, memory};
use keyspace::EntryRef;

pub static OBJECT: Command = Command {
    name: "OBJECT",
    group: Group::Generic,
    since: "2.2.3",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands that look into values.",
    subcommands: &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT],
    ..Command::BASE
};

static ENCODING: Command = Command {
    name: "ENCODING",
    group: Group::Generic,
    since: "2.2.3",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(2, LOOK)],
    summary: "Tells how the value at a key is held in memory.",
    tips: super::NEVER_THE_SAME,
    docs: &[super::KEY],
    run: encoding,
    ..Command::BASE
};

static FREQ: Command = Command {
    name: "FREQ",
    since: "4.0.0",
    summary: "Tells how often a key is used, on a logarithmic scale.",
    run: freq,
    ..ENCODING
};

static IDLETIME: Command =
    Command { name: "IDLETIME", summary: "Tells how many seconds ago a key was last used.", run: idletime, ..ENCODING };

static REFCOUNT: Command =
    Command { name: "REFCOUNT", summary: "Tells how many users a value has.", run: refcount, ..ENCODING };

static HELP: Command = Command {
    name: "HELP",
    group: Group::Generic,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::KEYSPACE,
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn encoding(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match ctx.db.peek(args.key(2))? {
        Some(entry) => ctx.reply.bulk_str(entry.kind().encoding_name()),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn freq(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let lfu = Policy::of(ctx.node).is_lfu();
    let minute = (ctx.now().0 / 60_000) as u32;
    let decay = ctx.node.config.get(&evict::LFU_DECAY_TIME) as u32;
    number(ctx, args, |entry| match lfu {
        true => Ok(i64::from(db::lfu_decayed(entry.clock(), minute, decay))),
        false => Err(Error::Static(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        )),
    })
}

fn idletime(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (lfu, now) = (Policy::of(ctx.node).is_lfu(), ctx.now());
    number(ctx, args, |entry| match lfu {
        false => Ok(i64::from(evict::idle_secs(entry.clock(), now))),
        true => Err(Error::Static(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
             between policies at runtime LRU and LFU data will take some time to adjust.",
        )),
    })
}

fn refcount(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    // A shared number has one access clock for all its keys: no policy that goes by clocks allows it.
    let clocks_matter = ctx.node.config.get(&memory::MAXMEMORY) > 0 && Policy::of(ctx.node).reads_clocks();
    number(ctx, args, |entry| {
        let shared = !clocks_matter && entry.value().as_int().is_some_and(|n| (0..SHARED_INTS).contains(&n));
        Ok(if shared { SHARED } else { 1 })
    })
}

/// Redis shares the numbers below this.
const SHARED_INTS: i64 = 10_000;
/// What it answers for them.
const SHARED: i64 = i32::MAX as i64;

/// Answers with a number that is read from the key's entry; null when there is no key.
fn number(ctx: &mut Ctx, args: &Args, of: impl FnOnce(EntryRef<'_>) -> Result<i64, Error>) -> Result<(), Error> {
    match ctx.db.peek(args.key(2))? {
        Some(entry) => ctx.reply.int(of(entry)?),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &OBJECT);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn encodings() {
        check(
            "OBJECT ENCODING k -> nil; SET k 12; OBJECT ENCODING k -> int; SET k abc; OBJECT ENCODING k -> embstr; APPEND k d; OBJECT ENCODING k -> raw",
        );
        check(&format!(
            "SET k {}; OBJECT ENCODING k -> embstr; SET k {}; OBJECT ENCODING k -> raw",
            "x".repeat(44),
            "x".repeat(45)
        ));
        check(
            "SET k 9223372036854775808; OBJECT ENCODING k -> embstr; SET k -9223372036854775808; OBJECT ENCODING k -> int; SET k 01; OBJECT ENCODING k -> embstr",
        );
    }

    #[test]
    fn reference_counts() {
        check(
            "OBJECT REFCOUNT k -> nil; SET k 9999; OBJECT REFCOUNT k -> :2147483647; SET k 10000; OBJECT REFCOUNT k -> :1; SET k -1; OBJECT REFCOUNT k -> :1; SET k abc; OBJECT REFCOUNT k -> :1",
        );
        for (policy, answer) in [("allkeys-lru", 1), ("volatile-lfu", 1), ("allkeys-random", 2147483647)] {
            node(&[("maxmemory", "1gb"), ("maxmemory-policy", policy)])
                .converse(&format!("SET k 1; OBJECT REFCOUNT k -> :{answer}"));
        }
    }

    #[test]
    fn idle_times() {
        check(
            "OBJECT IDLETIME k -> nil; SET k v; ~3000ms; OBJECT IDLETIME k -> :3; ~1000ms; TTL k; OBJECT IDLETIME k -> :4; GET k; OBJECT IDLETIME k -> :0",
        );
        check(
            "SET k v; OBJECT FREQ k -> -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note; OBJECT FREQ none -> nil",
        );
    }

    #[test]
    fn frequencies() {
        node(&[("maxmemory-policy", "allkeys-lfu")]).converse(
            "SET k v; OBJECT FREQ k -> :5; GET k; OBJECT FREQ k -> :6; ~120000ms; OBJECT FREQ k -> :4; OBJECT IDLETIME k -> -ERR An LFU maxmemory policy is selected, idle time not tracked. Please note",
        );
    }

    #[test]
    fn helps() {
        check(
            "OBJECT HELP -> *; OBJECT FREQ -> -ERR wrong number of arguments for 'object|freq' command; OBJECT NO k -> -ERR unknown subcommand 'NO'. Try OBJECT HELP.; OBJECT -> -ERR wrong number of arguments for 'object' command",
        );
    }
}
