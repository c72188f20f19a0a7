//! HGETDEL key FIELDS numfields field [field …]

use super::expire::FIELDS;
use super::fields;
use super::read::say_or_null;
use exec::command::{Arg, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::Hash;

pub static HGETDEL: Command = Command {
    name: "HGETDEL",
    group: Group::Hash,
    since: "8.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE))],
    complexity: "O(N), N = fields named",
    summary: "Returns the values of fields of a hash and removes them.",
    docs: &[Arg::key("key", 0), FIELDS],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let fields = fields::parse(args, 2, fields::COUNT_NOT_POSITIVE)?;
    let (key, now) = (args.key(1), ctx.db.fields_now());
    let (mut removed, mut stale) = (Vec::new(), Vec::new());
    ctx.reply.array(fields.len());
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        for field in fields.map(|i| args.get(i)) {
            match hash.get(field) {
                Some(pair) if pair.is_due(now) => {
                    stale.push(field);
                    ctx.reply.null();
                }
                pair => {
                    let found = pair.is_some();
                    say_or_null(ctx.reply, pair.map(|pair| pair.value));
                    if found {
                        hash.remove(field);
                        removed.push(field);
                    }
                }
            }
        }
    } else {
        fields.for_each(|_| ctx.reply.null());
    }
    stale.into_iter().for_each(|field| ctx.db.note_stale_field(key, field));
    if !removed.is_empty() {
        ctx.dirty(removed.len() as u64 - 1);
        ctx.db.event(notify::HASH, "hdel", key.bytes);
        ctx.db.drop_if_empty(key);
        let words: Vec<&[u8]> = [&b"HDEL"[..], key.bytes].into_iter().chain(removed).collect();
        ctx.replay_as(&words);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes() {
        check(
            "HGETDEL h FIELDS 1 a -> [nil]; HSET h a 1 b x c 3; HGETDEL h FIELDS 3 a z a -> [1 nil nil]; HGETDEL h FIELDS 2 b c -> [x 3]; EXISTS h -> :0",
        );
        check(
            "HSET h a 1; HPEXPIRE h 5 FIELDS 1 a; DEBUG SET-ACTIVE-EXPIRE 0; ~5ms; HGETDEL h FIELDS 1 a -> [nil]; EXISTS h -> :0",
        );
        let mut node = node(&[]);
        node.converse("HSET h a 1 b 2; HGETDEL h FIELDS 3 a x b; HGETDEL h FIELDS 1 a");
        assert_eq!(node.log.lines(), ["HSET h a 1 b 2", "HDEL h a b"]);
    }

    #[test]
    fn refuses() {
        check(
            "HGETDEL h FIELDS 0 a -> -ERR Number of fields must be a positive integer; HGETDEL h XFIELDX 1 a -> -ERR Mandatory argument FIELDS is missing; HGETDEL h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments",
        );
        check(
            "SET s v; HGETDEL s FIELDS 1 a -> -WRONGTYPE; HGETDEL h FIELDS 1 -> -ERR wrong number of arguments for 'hgetdel' command",
        );
    }
}
