//! PERSIST key

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};

pub static PERSIST: Command = Command {
    name: "PERSIST",
    group: Group::Generic,
    since: "2.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, UPDATE)],
    summary: "Takes the expiration time away from a key.",
    docs: &[super::KEY],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let had_deadline = ctx.db.before_write(key)?.is_some_and(|entry| entry.has_deadline());
    if had_deadline {
        ctx.db.set_deadline(key, None)?;
        ctx.db.event(notify::GENERIC, "persist", key.bytes);
    }
    ctx.reply.int(i64::from(had_deadline));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn persists() {
        check(
            "PERSIST k -> :0; SET k v; PERSIST k -> :0; EXPIRE k 100; PERSIST k -> :1; TTL k -> :-1; PERSIST k -> :0; ~200000ms; GET k -> v",
        );
        let mut node = node(&[]);
        node.converse("SET k v; PERSIST k; EXPIRE k 100; PERSIST k");
        assert_eq!(node.log.lines()[2..], ["PERSIST k"]);
    }
}
