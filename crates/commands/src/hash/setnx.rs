//! HSETNX key field value

use super::limits::limits;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::Hash;
use types::hash::Life;

pub static HSETNX: Command = Command {
    name: "HSETNX",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::INSERT))],
    element: 2,
    summary: "Sets a field of a hash if it does not exist.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, field, now, limits) = (args.key(1), args.get(2), ctx.db.fields_now(), limits(ctx));
    let hash = ctx.db.read_before_write::<Hash>(key)?;
    let stale = match hash.as_ref().and_then(|hash| hash.get(field)) {
        Some(pair) if !pair.is_due(now) => {
            ctx.reply.int(0);
            return Ok(());
        }
        found => found.is_some(),
    };
    if stale {
        ctx.db.field_expired(key, field);
    }
    ctx.db.write_or_make(key, Hash::new)?.set(field, args.get(3), Life::Forever, &limits);
    ctx.db.event(notify::HASH, "hset", key.bytes);
    ctx.reply.int(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_once() {
        check(
            "HSETNX h a 1 -> :1; HSETNX h a 2 -> :0; HGET h a -> 1; HSETNX h b 2 -> :1; SET s v; HSETNX s a 1 -> -WRONGTYPE",
        );
        let mut node = node(&[]);
        node.converse("HSETNX h a 1; HSETNX h a 2");
        assert_eq!(node.log.lines(), ["HSETNX h a 1"]);
    }
}
