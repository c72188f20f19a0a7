//! HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field …]    HPEXPIRE, HEXPIREAT, HPEXPIREAT
//!
//! Answers for each field: -2 no such field, 0 the condition does not hold, 1 set, 2 deleted because that time has
//! passed. The log gets an HPEXPIREAT of the fields that were set, or an HDEL of each that was deleted.
//! For GT and LT a field without a deadline lives for ever.

use super::fields;
use super::moment::{EX, EXAT, PX, PXAT, Unit};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use kit::text::format_i64;
use types::Hash;

pub static HEXPIRE: Command = Command {
    name: "HEXPIRE",
    group: Group::Hash,
    since: "7.4.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(N), N = fields named",
    summary: "Lets fields of a hash expire after so many seconds.",
    docs: &[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), CONDITION, FIELDS],
    run: |ctx, args| run(ctx, args, EX, "hexpire"),
    ..Command::BASE
};

pub static HPEXPIRE: Command = Command {
    name: "HPEXPIRE",
    summary: "Lets fields of a hash expire after so many milliseconds.",
    docs: &[Arg::key("key", 0), Arg::new("milliseconds", ArgKind::Integer), CONDITION, FIELDS],
    run: |ctx, args| run(ctx, args, PX, "hpexpire"),
    ..HEXPIRE
};

pub static HEXPIREAT: Command = Command {
    name: "HEXPIREAT",
    summary: "Lets fields of a hash expire at a Unix time in seconds.",
    docs: &[Arg::key("key", 0), Arg::new("unix-time-seconds", ArgKind::UnixTime), CONDITION, FIELDS],
    run: |ctx, args| run(ctx, args, EXAT, "hexpireat"),
    ..HEXPIRE
};

pub static HPEXPIREAT: Command = Command {
    name: "HPEXPIREAT",
    summary: "Lets fields of a hash expire at a Unix time in milliseconds.",
    docs: &[Arg::key("key", 0), Arg::new("unix-time-milliseconds", ArgKind::UnixTime), CONDITION, FIELDS],
    run: |ctx, args| run(ctx, args, PXAT, "hpexpireat"),
    ..HEXPIRE
};

const CONDITION: Arg = Arg::one_of(
    "condition",
    &[Arg::token("nx", "NX"), Arg::token("xx", "XX"), Arg::token("gt", "GT"), Arg::token("lt", "LT")],
)
.optional();

/// In `COMMAND DOCS`, of all commands that take fields this way.
pub(super) const FIELDS: Arg =
    Arg::block("fields", &[Arg::new("numfields", ArgKind::Integer), Arg::new("field", ArgKind::String).multiple()])
        .after("FIELDS");

const NO_FIELD: i64 = -2;
const NOT_MET: i64 = 0;
const SET: i64 = 1;
const DELETED: i64 = 2;

#[derive(Clone, Copy)]
enum Condition {
    None,
    Some,
    Later,
    Earlier,
}

const CONDITIONS: [(&str, Condition); 4] =
    [("NX", Condition::None), ("XX", Condition::Some), ("GT", Condition::Later), ("LT", Condition::Earlier)];

impl Condition {
    fn holds(self, old: Option<i64>, new: i64) -> bool {
        match self {
            Condition::None => old.is_none(),
            Condition::Some => old.is_some(),
            Condition::Later => old.is_some_and(|old| new > old),
            Condition::Earlier => old.is_none_or(|old| new < old),
        }
    }
}

fn run(ctx: &mut Ctx, args: &Args, unit: Unit, name: &'static str) -> Result<(), Error> {
    let deadline = unit.moment(args.get(2), ctx.now(), name)?;
    let condition = CONDITIONS.iter().find(|(word, _)| args.is(3, word)).map(|(_, condition)| *condition);
    let fields_at = if condition.is_some() { 4 } else { 3 };
    let not_positive = Error::Static("ERR Parameter `numFields` should be greater than 0");
    let fields = fields::parse(args, fields_at, not_positive)?;
    let (key, now) = (args.key(1), ctx.db.fields_now());
    let deletes = deadline <= ctx.now().0 && !ctx.db.keeps_expired();
    let (mut changed, mut stale) = (Vec::new(), Vec::new());
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        ctx.reply.array(fields.len());
        for field in fields.map(|i| args.get(i)) {
            let answer = match hash.get(field) {
                None => NO_FIELD,
                Some(pair) if pair.is_due(now) => {
                    stale.push(field);
                    NO_FIELD
                }
                Some(pair) if condition.is_some_and(|condition| !condition.holds(pair.deadline, deadline)) => NOT_MET,
                Some(_) => {
                    changed.push(field);
                    if deletes {
                        hash.remove(field);
                        DELETED
                    } else {
                        hash.set_deadline(field, Some(deadline));
                        SET
                    }
                }
            };
            ctx.reply.int(answer);
        }
    } else {
        ctx.reply.array(fields.len());
        fields.for_each(|_| ctx.reply.int(NO_FIELD));
    }
    stale.into_iter().for_each(|field| ctx.db.note_stale_field(key, field));
    if changed.is_empty() {
        return Ok(());
    }
    ctx.dirty(changed.len() as u64 - 1);
    if deletes {
        say_deleted(ctx, key, &changed);
        return Ok(());
    }
    ctx.db.field_deadlines_set(key);
    ctx.db.event(notify::HASH, "hexpire", key.bytes);
    let (mut ms, mut count) = ([0; 20], [0; 20]);
    let mut words: Vec<&[u8]> = vec![b"HPEXPIREAT", key.bytes, format_i64(&mut ms, deadline)];
    if condition.is_some() {
        words.push(args.get(3));
    }
    words.extend([&b"FIELDS"[..], format_i64(&mut count, changed.len() as i64)]);
    words.extend(changed);
    ctx.replay_as(&words);
    Ok(())
}

/// What follows when fields were deleted because the deadline they were to get has passed.
pub(super) fn say_deleted(ctx: &mut Ctx, key: exec::Key, fields: &[&[u8]]) {
    ctx.db.event(notify::HASH, "hdel", key.bytes);
    ctx.db.drop_if_empty(key);
    for field in fields {
        ctx.replay_as(&[b"HDEL", key.bytes, field]);
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_deadlines() {
        for encoding in ["512", "0"] {
            let mut node = node(&[("hash-max-listpack-entries", encoding)]);
            node.converse("HEXPIRE h 1 FIELDS 2 a b -> [:-2 :-2]; HSET h a 1 b 2; HEXPIRE h 1 FIELDS 2 a x -> [:1 :-2]; HTTL h FIELDS 3 a b x -> [:1 :-1 :-2]");
            node.converse("~999ms; HGET h a -> 1; ~1ms; HGET h a -> nil; HGETALL h -> [b 2]; HLEN h -> :1; HPEXPIRE h 5 FIELDS 1 b -> [:1]; ~30ms; EXISTS h -> :0");
            node.converse("HSET h a 1; HPEXPIREAT h 2000000000000 FIELDS 1 a -> [:1]; HPEXPIRETIME h FIELDS 1 a -> [:2000000000000]; HEXPIREAT h 2000000001 FIELDS 1 a -> [:1]; HEXPIRETIME h FIELDS 1 a -> [:2000000001]");
        }
    }

    #[test]
    fn on_conditions() {
        check(
            "HSET h a 1 b 2; HPEXPIRE h 1000 NX FIELDS 1 a -> [:1]; HPEXPIRE h 900 nx FIELDS 2 a b -> [:0 :1]; HPEXPIRE h 950 GT FIELDS 2 a b -> [:0 :1]; HPEXPIRE h 990 LT FIELDS 2 a b -> [:1 :0]",
        );
        check(
            "HSET h a 1 b 2; HPEXPIRE h 9 XX FIELDS 1 a -> [:0]; HPEXPIRE h 9 GT FIELDS 1 a -> [:0]; HPEXPIRE h 9 LT FIELDS 1 a -> [:1]; HPEXPIRE h 9 XX FIELDS 1 a -> [:1]",
        );
    }

    #[test]
    fn what_has_passed_deletes() {
        check(
            "HSET h a 1 b 2 c 3; HEXPIREAT h 1 FIELDS 3 a x b -> [:2 :-2 :2]; HGETALL h -> [c 3]; HEXPIRE h 0 FIELDS 1 c -> [:2]; EXISTS h -> :0",
        );
    }

    #[test]
    fn refuses() {
        check(
            "HSET h a 1; HEXPIRE h -1 FIELDS 1 a -> -ERR invalid expire time, must be >= 0; HEXPIRE h x FIELDS 1 a -> -ERR value is not an integer or out of range",
        );
        for (command, time) in
            [("HEXPIRE", "281474976710"), ("HPEXPIREAT", "70368744177664"), ("HEXPIREAT", "9223372036854775807")]
        {
            let name = command.to_lowercase();
            check(&format!("{command} h {time} FIELDS 1 a -> -ERR invalid expire time in '{name}' command"));
        }
        check(
            "HPEXPIRE h 1 NX FIELDS 0 a -> -ERR Parameter `numFields` should be greater than 0; HPEXPIRE h 1 FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments",
        );
        check(
            "HPEXPIRE h 1 FOO FIELDS 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position; HPEXPIRE h 1 NX XX FIELDS 1 a -> -ERR Mandatory argument FIELDS",
        );
        check(
            "SET s v; HEXPIRE s 1 FIELDS 1 a -> -WRONGTYPE; HEXPIRE h 1 FIELDS 1 -> -ERR wrong number of arguments for 'hexpire' command",
        );
    }

    #[test]
    fn the_log_knows_the_moment() {
        let mut node = node(&[]);
        node.converse(
            "HSET h a 1 b 2; HEXPIRE h 1 NX FIELDS 2 a x; HEXPIRE h 1 NX FIELDS 1 a; HEXPIRE h 0 FIELDS 2 a b",
        );
        assert_eq!(
            node.log.lines(),
            ["HSET h a 1 b 2", "HPEXPIREAT h 1767225601000 NX FIELDS 1 a", "HDEL h a", "HDEL h b"]
        );
    }

    #[test]
    fn the_sweep_finds_them_and_the_log_hears_of_it() {
        for encoding in ["512", "0"] {
            let mut node = node(&[("hash-max-listpack-entries", encoding), ("notify-keyspace-events", "KEA")]);
            node.converse("HSET h a 1 b 2; HPEXPIRE h 5 FIELDS 1 a; RENAME h g; COPY g f; 2> PSUBSCRIBE __keyevent* -> *; ~40ms; HLEN g -> :1; HLEN f -> :1");
            assert!(
                node.log.lines().ends_with(&["HDEL g a".into(), "HDEL f a".into()])
                    || node.log.lines().ends_with(&["HDEL f a".into(), "HDEL g a".into()]),
                "{:?}",
                node.log.lines()
            );
            node.converse("2> <- [pmessage * __keyevent@0__:hexpired *]; 2> <- [pmessage * __keyevent@0__:hexpired *]; 2> <- silence");
            node.converse("HPEXPIRE g 5 FIELDS 1 b; ~40ms; EXISTS g -> :0");
        }
    }
}
