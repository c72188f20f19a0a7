//! HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS numfields field [field …]
//!
//! Reads fields and changes how long they live. A moment that is past deletes them. The log gets HPEXPIREAT, HPERSIST
//! or an HDEL of each field, or nothing.

use super::expire::{FIELDS, say_deleted};
use super::fields;
use super::moment::WORDS;
use super::read::say_or_null;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use kit::text::format_i64;
use types::Hash;

pub static HGETEX: Command = Command {
    name: "HGETEX",
    group: Group::Hash,
    since: "8.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    complexity: "O(N), N = fields named",
    summary: "Returns the values of fields of a hash and sets or clears the time they live.",
    docs: &[
        Arg::key("key", 0),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("persist", "PERSIST"),
            ],
        )
        .optional(),
        FIELDS,
    ],
    run,
    ..Command::BASE
};

/// What becomes of the deadlines.
#[derive(Clone, Copy, PartialEq)]
enum Life {
    Keep,
    Persist,
    Until(i64),
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let unit = WORDS.iter().find(|(word, _)| args.is(2, word)).map(|(_, unit)| *unit);
    let (life, fields_at) = match unit {
        Some(unit) => (Life::Until(unit.moment(args.get(3), ctx.now(), "hgetex")?), 4),
        None if args.is(2, "PERSIST") => (Life::Persist, 3),
        None => (Life::Keep, 2),
    };
    let fields = fields::parse(args, fields_at, fields::COUNT_NOT_POSITIVE)?;
    let (key, now) = (args.key(1), ctx.db.fields_now());
    let deletes = matches!(life, Life::Until(at) if at <= ctx.now().0 && !ctx.db.keeps_expired());
    let (mut changed, mut stale) = (Vec::new(), Vec::new());
    ctx.reply.array(fields.len());
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        for field in fields.map(|i| args.get(i)) {
            let pair = hash.get(field);
            if pair.is_some_and(|pair| pair.is_due(now)) {
                stale.push(field);
                ctx.reply.null();
                continue;
            }
            say_or_null(ctx.reply, pair.map(|pair| pair.value));
            let Some(had_deadline) = pair.map(|pair| pair.deadline.is_some()) else { continue };
            let done = match life {
                Life::Until(_) if deletes => hash.remove(field),
                Life::Until(at) => hash.set_deadline(field, Some(at)),
                Life::Persist => had_deadline && hash.set_deadline(field, None),
                Life::Keep => false,
            };
            changed.extend(done.then_some(field));
        }
    } else {
        fields.for_each(|_| ctx.reply.null());
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
    let (mut ms, mut count) = ([0; 20], [0; 20]);
    let mut words: Vec<&[u8]> = match life {
        Life::Until(at) => {
            ctx.db.field_deadlines_set(key);
            ctx.db.event(notify::HASH, "hexpire", key.bytes);
            vec![b"HPEXPIREAT", key.bytes, format_i64(&mut ms, at)]
        }
        Life::Persist | Life::Keep => {
            ctx.db.event(notify::HASH, "hpersist", key.bytes);
            vec![b"HPERSIST", key.bytes]
        }
    };
    words.extend([&b"FIELDS"[..], format_i64(&mut count, changed.len() as i64)]);
    words.extend(changed);
    ctx.replay_as(&words);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn reads_and_changes_the_time() {
        check(
            "HGETEX h EX 1 FIELDS 1 a -> [nil]; HSET h a 1 b x; HGETEX h FIELDS 3 a b c -> [1 x nil]; HGETEX h PX 100 FIELDS 2 a c -> [1 nil]; HPTTL h FIELDS 2 a b -> [:100 :-1]",
        );
        check(
            "HSET h a 1; HGETEX h PX 10 FIELDS 1 a; HGETEX h persist FIELDS 1 a -> [1]; ~10ms; HGET h a -> 1; HGETEX h PXAT 1 FIELDS 1 a -> [1]; EXISTS h -> :0",
        );
    }

    #[test]
    fn refuses() {
        check(
            "HGETEX h EX bla FIELDS 1 a -> -ERR value is not an integer or out of range; HGETEX h PX -1 FIELDS 1 a -> -ERR invalid expire time, must be >= 0; HGETEX h EX 281474976710656 FIELDS 1 a -> -ERR invalid expire time in 'hgetex' command",
        );
        check(
            "HGETEX h XFIELDX 1 a -> -ERR Mandatory argument FIELDS is missing; HGETEX h PXAT 1 1 -> -ERR Mandatory argument FIELDS is missing; HGETEX h PERSIST 1 FIELDS 1 a -> -ERR Mandatory argument FIELDS is missing",
        );
        check(
            "HGETEX h FIELDS 2 a -> -ERR The `numfields` parameter must match; HGETEX h FIELDS 0 a -> -ERR Number of fields must be a positive integer; SET s v; HGETEX s FIELDS 1 a -> -WRONGTYPE",
        );
    }

    #[test]
    fn the_log_sees_what_was_done() {
        let mut node = node(&[]);
        node.converse("HSET h a 1 b 2; HGETEX h FIELDS 1 a; HGETEX h PERSIST FIELDS 1 a; HGETEX h EX 1 FIELDS 2 a x; HGETEX h PERSIST FIELDS 2 a b; HGETEX h PX 0 FIELDS 3 a x b");
        let lines = ["HPEXPIREAT h 1767225601000 FIELDS 1 a", "HPERSIST h FIELDS 1 a", "HDEL h a", "HDEL h b"];
        assert_eq!(node.log.lines()[1..], lines);
    }
}
