//! HPERSIST key FIELDS numfields field [field …]
//!
//! Answers for each field: -2 no such field, -1 it has no deadline, 1 it had one.

use super::expire::FIELDS;
use super::fields;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use types::Hash;

pub static HPERSIST: Command = Command {
    name: "HPERSIST",
    group: Group::Hash,
    since: "7.4.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(N), N = fields named",
    summary: "Takes the deadlines of fields of a hash away.",
    docs: &[Arg::key("key", 0), FIELDS],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let fields = fields::parse(args, 2, fields::COUNT_NOT_POSITIVE)?;
    let (key, now) = (args.key(1), ctx.db.fields_now());
    let (mut changed, mut stale) = (0, Vec::new());
    ctx.reply.array(fields.len());
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        for field in fields.map(|i| args.get(i)) {
            let answer = match hash.get(field) {
                Some(pair) if pair.is_due(now) => {
                    stale.push(field);
                    -2
                }
                None => -2,
                Some(pair) if pair.deadline.is_none() => -1,
                Some(_) => {
                    hash.set_deadline(field, None);
                    changed += 1;
                    1
                }
            };
            ctx.reply.int(answer);
        }
    } else {
        fields.for_each(|_| ctx.reply.int(-2));
    }
    stale.into_iter().for_each(|field| ctx.db.note_stale_field(key, field));
    if changed > 0 {
        ctx.db.event(notify::HASH, "hpersist", key.bytes);
        ctx.dirty(changed - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn persists() {
        check(
            "HPERSIST h FIELDS 2 a b -> [:-2 :-2]; HSET h a 1 b 2; HPEXPIRE h 10 FIELDS 1 a; HPERSIST h FIELDS 3 a b c -> [:1 :-1 :-2]; ~10ms; HGET h a -> 1; OBJECT ENCODING h -> listpackex",
        );
        let mut node = node(&[]);
        node.converse(
            "HSET h a 1; HPERSIST h FIELDS 1 a; HPEXPIREAT h 2000000000000 FIELDS 1 a; HPERSIST h FIELDS 1 a",
        );
        assert_eq!(node.log.lines()[1..], ["HPEXPIREAT h 2000000000000 FIELDS 1 a", "HPERSIST h FIELDS 1 a"]);
    }

    #[test]
    fn refuses() {
        check(
            "HPERSIST h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments; SET s v; HPERSIST s FIELDS 1 a -> -WRONGTYPE; HPERSIST h FIELDS 1 -> -ERR wrong number of arguments",
        );
    }
}
