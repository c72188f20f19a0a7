//! HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS numfields field value [field value …]
//!
//! Sets fields together with a deadline, all of them or none. FNX: none of them may exist, FXX: all must. A moment
//! that is past deletes them, and the log gets an HDEL of each; else it gets the command with PXAT.
//! Valkey also knows NX and XX, of the key; Redis calls them an unknown argument, and so do we.

use super::expire::say_deleted;
use super::limits::limits;
use super::moment::WORDS;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use kit::text::format_i64;
use std::ops::Range;
use types::Hash;
use types::hash::Life;

pub static HSETEX: Command = Command {
    name: "HSETEX",
    group: Group::Hash,
    since: "8.0.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(N), N = fields set",
    summary: "Sets fields of a hash for a time, if all or none of them exist.",
    docs: &[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::token("fnx", "FNX"), Arg::token("fxx", "FXX")]).optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        Arg::block(
            "fields",
            &[
                Arg::new("numfields", ArgKind::Integer),
                Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)])
                    .multiple(),
            ],
        )
        .after("FIELDS"),
    ],
    run,
    ..Command::BASE
};

struct Request {
    /// True: all fields must exist. False: none may.
    must_exist: Option<bool>,
    life: Life,
    /// The word of the time's unit; its number follows.
    unit_at: Option<usize>,
    pairs: Range<usize>,
}

impl Request {
    fn parse(args: &Args, ctx: &Ctx) -> Result<Request, Error> {
        let mut request = Request { must_exist: None, life: Life::Forever, unit_at: None, pairs: 0..0 };
        let mut i = 2;
        while i < args.len() {
            let unit = WORDS.iter().find(|(word, _)| args.is(i, word)).map(|(_, unit)| *unit);
            if args.is(i, "FIELDS") {
                let count = args
                    .opt(i + 1)
                    .and_then(kit::text::parse_i64)
                    .filter(|count| (1..=i64::from(i32::MAX)).contains(count));
                let count = count.ok_or(Error::Static("ERR invalid number of fields"))? as usize;
                request.pairs = i + 2..i + 2 + 2 * count;
                if request.pairs.end != args.len() {
                    return Err(Error::wrong_arity("HSETEX"));
                }
                return Ok(request);
            } else if args.is(i, "FXX") || args.is(i, "FNX") {
                if request.must_exist.is_some() {
                    return Err(Error::Static("ERR Only one of FXX or FNX arguments can be specified"));
                }
                request.must_exist = Some(args.is(i, "FXX"));
            } else if unit.is_some() || args.is(i, "KEEPTTL") {
                if request.life != Life::Forever {
                    let text = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
                    return Err(Error::Static(text));
                }
                request.life = Life::Keep;
                if let Some(unit) = unit {
                    let number = args.opt(i + 1).ok_or(Error::NotInteger)?;
                    request.life = Life::Until(unit.moment(number, ctx.now(), "hsetex")?);
                    request.unit_at = Some(i);
                    i += 1;
                }
            } else {
                return Err(Error::Static("ERR unknown argument"));
            }
            i += 1;
        }
        Err(Error::Static("ERR missing FIELDS argument"))
    }
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let request = Request::parse(args, ctx)?;
    let (key, now, limits) = (args.key(1), ctx.db.fields_now(), limits(ctx));
    let fields = || request.pairs.clone().step_by(2).map(|i| args.get(i));
    let hash = ctx.db.read_before_write::<Hash>(key)?;
    let there = hash.is_some();
    let (mut stale, mut living) = (Vec::new(), 0);
    if let Some(hash) = hash {
        let timed = hash.timed_len() > 0;
        if timed || request.must_exist.is_some() {
            for field in fields() {
                match hash.get(field) {
                    Some(pair) if pair.is_due(now) => stale.push(field),
                    Some(_) => living += 1,
                    None => {}
                }
            }
        }
    }
    let met = match request.must_exist {
        None => true,
        Some(true) => living == request.pairs.len() / 2,
        Some(false) => living == 0,
    };
    ctx.reply.int(i64::from(met));
    if !met {
        stale.into_iter().for_each(|field| ctx.db.note_stale_field(key, field));
        return Ok(());
    }
    let deletes = matches!(request.life, Life::Until(at) if at <= ctx.now().0 && !ctx.db.keeps_expired());
    if deletes && !there {
        return Ok(());
    }
    let mut hash = ctx.db.write_or_make(key, Hash::new)?;
    for i in request.pairs.clone().step_by(2) {
        let field = args.get(i);
        if deletes {
            hash.unmarked().remove(field);
            continue;
        }
        // What a stale field had is not kept.
        let life = if request.life == Life::Keep && stale.contains(&field) { Life::Forever } else { request.life };
        hash.set(field, args.get(i + 1), life, &limits);
    }
    if deletes {
        hash.touch();
    }
    drop(hash);
    ctx.dirty(request.pairs.len() as u64 / 2 - 1);
    if deletes {
        let fields: Vec<&[u8]> = fields().collect();
        ctx.db.event(notify::HASH, "hset", key.bytes);
        say_deleted(ctx, key, &fields);
        return Ok(());
    }
    stale.into_iter().for_each(|field| ctx.db.field_expired(key, field));
    ctx.db.event(notify::HASH, "hset", key.bytes);
    if let (Life::Until(at), Some(unit_at)) = (request.life, request.unit_at) {
        ctx.db.field_deadlines_set(key);
        ctx.db.event(notify::HASH, "hexpire", key.bytes);
        let mut ms = [0; 20];
        let mut words: Vec<&[u8]> = (0..args.len()).map(|i| args.get(i)).collect();
        words[unit_at] = b"PXAT";
        words[unit_at + 1] = format_i64(&mut ms, at);
        ctx.replay_as(&words);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets() {
        check(
            "HSETEX h FIELDS 2 a 1 b x -> :1; HGETALL h -> {a 1 b x}; HSETEX h EX 10 FIELDS 1 a 2 -> :1; HTTL h FIELDS 2 a b -> [:10 :-1]; HSETEX h KEEPTTL FIELDS 1 a 3 -> :1; HTTL h FIELDS 1 a -> [:10]; HSETEX h FIELDS 1 a 4 -> :1; HTTL h FIELDS 1 a -> [:-1]",
        );
        check(
            "HSETEX h FXX FIELDS 1 a 1 -> :0; EXISTS h -> :0; HSETEX h FNX FIELDS 1 a 1 -> :1; HSETEX h FNX FIELDS 2 a 2 b 2 -> :0; HSETEX h FXX FIELDS 2 a 2 b 2 -> :0; HSETEX h PX 50 FXX FIELDS 1 a 2 -> :1; HGETALL h -> [a 2]",
        );
        check(
            "HSETEX h PXAT 1 FIELDS 1 a 1 -> :1; EXISTS h -> :0; HSET h a 1 b 2; HSETEX h EXAT 1 FIELDS 1 a 1 -> :1; HGETALL h -> [b 2]",
        );
    }

    #[test]
    fn fields_past_their_time_do_not_exist() {
        for encoding in ["512", "0"] {
            let mut node = node(&[("hash-max-listpack-entries", encoding)]);
            node.converse("DEBUG SET-ACTIVE-EXPIRE 0; HSETEX h PX 10 FIELDS 1 a 1; ~10ms; HSETEX h FXX FIELDS 1 a 2 -> :0; EXISTS h -> :0");
            node.converse(
                "HSETEX h PX 10 FIELDS 1 a 1; ~10ms; HSETEX h FNX FIELDS 1 a 2 -> :1; HPTTL h FIELDS 1 a -> [:-1]",
            );
            node.converse(
                "HSETEX h PX 10 FIELDS 1 a 1; ~10ms; HSETEX h KEEPTTL FIELDS 1 a 2 -> :1; HPTTL h FIELDS 1 a -> [:-1]",
            );
        }
    }

    #[test]
    fn refuses() {
        check(
            "HSETEX h FIELDS 2 a b c d e -> -ERR wrong number of arguments for 'hsetex' command; HSETEX h FIELDS x a b -> -ERR invalid number of fields; HSETEX h FIELDS 0 a b -> -ERR invalid number of fields; HSETEX h nx FIELDS 1 a b -> -ERR unknown argument",
        );
        check(
            "HSETEX h FXX FNX EX 1 FIELDS 1 a b -> -ERR Only one of FXX or FNX arguments can be specified; HSETEX h EX 1 KEEPTTL FIELDS 1 a b -> -ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        );
        check(
            "HSETEX h EX FIELDS 1 a b -> -ERR value is not an integer or out of range; HSETEX h EXAT -1 1 a b -> -ERR invalid expire time; HSETEX h PXAT 281474976710656 1 a b -> -ERR invalid expire time; SET s v; HSETEX s FIELDS 1 a b -> -WRONGTYPE",
        );
    }

    #[test]
    fn the_log_knows_the_moment() {
        let mut node = node(&[]);
        node.converse("HSETEX h FNX EX 1 FIELDS 1 a 1; HSETEX h FNX FIELDS 1 a 1; HSETEX h KEEPTTL FIELDS 1 b 1; HSETEX h PX 0 FIELDS 2 a 1 x 1");
        let lines =
            ["HSETEX h FNX PXAT 1767225601000 FIELDS 1 a 1", "HSETEX h KEEPTTL FIELDS 1 b 1", "HDEL h a", "HDEL h x"];
        assert_eq!(node.log.lines(), lines);
    }
}
