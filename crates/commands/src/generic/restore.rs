//! RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
//!
//! Makes a key of what DUMP gave, here or elsewhere. The log gets the time as an absolute one. A time that has passed
//! makes no key, and removes the one that REPLACE would have replaced.
//! Payloads are always checked through and through, whatever `sanitize-dump-payload` says: making our form of a value
//! takes a look at each of its elements anyway. Fields of hashes whose time has passed are restored, and go as such
//! fields go, so that the log stays whole.

use exec::evict::Policy;
use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, REPLACE, notify, options,
};
use keyspace::{Entry, NewValue};
use kit::text::format_i64;
use kit::world::UnixMs;
use std::sync::atomic::Ordering::Relaxed;
use types::rdb::{self, Reading, Slice, Value};

pub static RESTORE: Command = Command {
    name: "RESTORE",
    group: Group::Generic,
    since: "2.6.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    keys: &[KeySpec::at(1, REPLACE)],
    complexity: "O(N) with N bytes of the payload; sorted sets O(N*log(N)).",
    summary: "Makes a key of what DUMP gave.",
    history: &[("3.0.0", "Added REPLACE."), ("5.0.0", "Added ABSTTL."), ("5.0.0", "Added IDLETIME and FREQ.")],
    docs: &[
        super::KEY,
        Arg { name: "ttl", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "serialized-value", kind: ArgKind::String, ..Arg::BASE },
        Arg { since: Some("3.0.0"), ..flag("replace", "REPLACE") },
        flag("absttl", "ABSTTL"),
        number("seconds", "IDLETIME"),
        number("frequency", "FREQ"),
    ],
    run,
    ..Command::BASE
};

/// RESTORE of a slot that is on its way to this node.
pub static RESTORE_ASKING: Command = Command {
    name: "RESTORE-ASKING",
    group: Group::Server,
    since: "3.0.0",
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ASKING),
    summary: "RESTORE of a key whose slot is on its way to this node.",
    ..RESTORE
};

const fn flag(name: &'static str, token: &'static str) -> Arg {
    let since = Some("5.0.0");
    Arg { name, kind: ArgKind::PureToken, token: Some(token), since, optional: true, ..Arg::BASE }
}

const fn number(name: &'static str, token: &'static str) -> Arg {
    Arg { kind: ArgKind::Integer, ..flag(name, token) }
}

#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_secs: Option<i64>,
    frequency: Option<i64>,
}

impl Options {
    fn parse(args: &Args) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut i = 4;
        while i < args.len() {
            let last = i + 1 == args.len();
            if args.is(i, "REPLACE") {
                options.replace = true;
            } else if args.is(i, "ABSTTL") {
                options.absolute = true;
            } else if args.is(i, "IDLETIME") && !last && options.frequency.is_none() {
                i += 1;
                let seconds = args.int(i)?;
                if seconds < 0 {
                    return Err(Error::Static("ERR Invalid IDLETIME value, must be >= 0"));
                }
                options.idle_secs = Some(seconds);
            } else if args.is(i, "FREQ") && !last && options.idle_secs.is_none() {
                i += 1;
                let frequency = args.int(i)?;
                if !(0..=255).contains(&frequency) {
                    return Err(Error::Static("ERR Invalid FREQ value, must be >= 0 and <= 255"));
                }
                options.frequency = Some(frequency);
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        Ok(options)
    }

    /// The access clock of the new entry.
    fn clock(&self, ctx: &Ctx) -> u32 {
        let now = ctx.now().0;
        match (Policy::of(ctx.node).is_lfu(), self.frequency, self.idle_secs) {
            (true, Some(frequency), _) => ((now / 60_000) as u32 & 0xffff) << 8 | frequency as u32,
            (false, _, Some(idle)) => {
                let idle = idle.min(i64::from(keyspace::CLOCK_MAX)) as u32;
                ((now / 1000) as u32).wrapping_sub(idle) & keyspace::CLOCK_MAX
            }
            _ => ctx.db.new_clock(),
        }
    }
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = Options::parse(args)?;
    let key = args.key(1);
    let there = ctx.db.exists(key)?;
    if there && !options.replace {
        return Err(Error::BusyKey);
    }
    let ttl = args.int(2)?;
    if ttl < 0 {
        return Err(Error::Static("ERR Invalid TTL value, must be >= 0"));
    }
    let value = read(ctx, args.get(3))?;
    let deadline = match ttl {
        0 => None,
        _ if options.absolute => Some(UnixMs(ttl)),
        _ => Some(UnixMs(ttl.saturating_add(ctx.now().0))),
    };
    ctx.reply.ok();
    if deadline.is_some_and(|deadline| deadline <= ctx.now()) && !ctx.db.keeps_expired() {
        if there {
            let lazy = ctx.node.config.get(&options::LAZY_SERVER_DEL);
            ctx.db.delete(key, lazy)?;
            ctx.replay_as(&[if lazy { b"UNLINK" } else { b"DEL" }, key.bytes]);
            ctx.db.event(notify::GENERIC, "del", key.bytes);
        }
        return Ok(());
    }
    let clock = options.clock(ctx);
    let entry = match value {
        Value::Int(int) => Entry::new(key.bytes, NewValue::Int(int), deadline, clock),
        Value::Bytes(bytes) => {
            let value = match types::string::encoding::is_int(&bytes) {
                Some(int) => NewValue::Int(int),
                None => NewValue::Str(&bytes),
            };
            Entry::new(key.bytes, value, deadline, clock)
        }
        Value::Object(object) => Entry::with_object(key.bytes, object, deadline, clock),
        Value::Empty | Value::Expired => unreachable!("was refused"),
    };
    ctx.db.insert(key, entry)?;
    if let (Some(deadline), false) = (deadline, options.absolute) {
        let mut digits = [0; 20];
        let mut words: Vec<&[u8]> = vec![b"RESTORE", key.bytes, format_i64(&mut digits, deadline.0)];
        words.extend(args.iter_from(3));
        words.push(b"ABSTTL");
        ctx.replay_as(&words);
    }
    ctx.db.event(notify::GENERIC, "restore", key.bytes);
    Ok(())
}

const BAD_DATA: Error = Error::Static("ERR Bad data format");

/// The value that a payload holds.
fn read(ctx: &Ctx, payload: &[u8]) -> Result<Value, Error> {
    let check = !ctx.node.skip_dump_checksum.load(Relaxed);
    let (content, family) =
        rdb::open_payload(payload, check).ok_or(Error::Static("ERR DUMP payload version or checksum are wrong"))?;
    let (type_byte, value) = content.split_first().ok_or(BAD_DATA)?;
    let mut reading = Reading::new(crate::thresholds(&ctx.node.config), family, None, true);
    let mut source = Slice::new(value);
    let cause = match rdb::read(*type_byte, &mut source, &mut reading) {
        Err(error) => error.to_string(),
        Ok(Value::Empty | Value::Expired) => "there is nothing in it".to_owned(),
        Ok(_) if !source.rest().is_empty() => "there is more behind it".to_owned(),
        Ok(value) => return Ok(value),
    };
    kit::warning!("RESTORE: {} integrity check failed: {cause}", rdb::type_name(*type_byte));
    Err(BAD_DATA)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use testkit::TestNode;

    fn dump(node: &mut TestNode, key: &str) -> Vec<u8> {
        match node.ask_line(&format!("DUMP {key}")) {
            Value::Bulk(payload) => payload,
            other => panic!("{other:?}"),
        }
    }

    /// RESTORE with `words` before and behind the payload.
    fn restore(node: &mut TestNode, before: &str, payload: &[u8], behind: &str) -> String {
        let mut words: Vec<&[u8]> = vec![b"RESTORE"];
        words.extend(before.split_whitespace().map(str::as_bytes));
        words.push(payload);
        words.extend(behind.split_whitespace().map(str::as_bytes));
        String::from_utf8(node.ask(1, &words)).expect("a status or an error").trim_end().to_owned()
    }

    #[test]
    fn every_type() {
        let mut node = node(&[("enable-debug-command", "yes")]);
        node.converse("SET s hello; SET i 12; SET j 5000000000; RPUSH l a b 3; SADD n 1 2; SADD m a 1; HSET h f v g 5");
        node.converse(
            "ZADD z 1 a 2.5 b; XADD x 1-1 f v; XGROUP CREATE x g 0; HSET t f v g 5; HEXPIRE t 100 FIELDS 1 f",
        );
        for key in ["s", "i", "j", "l", "n", "m", "h", "z", "x", "t"] {
            let payload = dump(&mut node, key);
            assert_eq!(restore(&mut node, &format!("{key}2 0"), &payload, ""), "+OK");
            for question in ["DEBUG DIGEST-VALUE", "OBJECT ENCODING", "TYPE"] {
                let first = node.ask_line(&format!("{question} {key}"));
                assert_eq!(node.ask_line(&format!("{question} {key}2")), first, "{question} {key}");
            }
            assert_eq!(dump(&mut node, &format!("{key}2")), payload);
        }
        node.converse(
            "HTTL t2 FIELDS 2 f g -> [:100 :-1]; XINFO GROUPS x2; TTL s2 -> :-1; ~100000ms; HGETALL t2 -> [g 5]",
        );
    }

    #[test]
    fn times() {
        let mut node = node(&[]);
        node.converse("SET a v EX 5");
        let payload = dump(&mut node, "a");
        assert_eq!(restore(&mut node, "b 1500", &payload, ""), "+OK");
        assert_eq!(restore(&mut node, "c 1767225602000", &payload, "absttl"), "+OK");
        node.converse("PTTL b -> :1500; PTTL c -> :2000; ~1500ms; GET b -> nil; GET c -> v");
        assert_eq!(restore(&mut node, "a -1", &payload, "REPLACE"), "-ERR Invalid TTL value, must be >= 0");
        assert_eq!(restore(&mut node, "d x", &payload, ""), "-ERR value is not an integer or out of range");
        assert_eq!(restore(&mut node, "d 9223372036854775807", &payload, ""), "+OK");
        // What has passed makes no key, and removes what it would have replaced.
        assert_eq!(restore(&mut node, "e 1767225600000", &payload, "ABSTTL"), "+OK");
        assert_eq!(restore(&mut node, "a 5", &payload, "REPLACE ABSTTL"), "+OK");
        node.converse("EXISTS e a -> :0");
    }

    #[test]
    fn the_log_gets_absolute_times() {
        let mut node = node(&[("lazyfree-lazy-server-del", "no")]);
        node.converse("SET a v");
        let payload = dump(&mut node, "a");
        restore(&mut node, "b 0", &payload, "");
        restore(&mut node, "b 1000", &payload, "REPLACE IDLETIME 5");
        restore(&mut node, "c 1", &payload, "ABSTTL");
        restore(&mut node, "b 1", &payload, "ABSTTL REPLACE");
        node.converse("CONFIG SET lazyfree-lazy-server-del yes");
        restore(&mut node, "a 1", &payload, "ABSTTL REPLACE");
        let text = String::from_utf8_lossy(&payload).into_owned();
        let lines = [
            "SET a v".to_owned(),
            format!("RESTORE b 0 {text}"),
            format!("RESTORE b 1767225601000 {text} REPLACE IDLETIME 5 ABSTTL"),
            "DEL b".to_owned(),
            "UNLINK a".to_owned(),
        ];
        assert_eq!(node.log.lines(), lines);
    }

    #[test]
    fn says_what_it_does() {
        let mut node = node(&[("notify-keyspace-events", "Eg")]);
        node.converse("SET a v; c2> PSUBSCRIBE *");
        let payload = dump(&mut node, "a");
        restore(&mut node, "b 0", &payload, "");
        restore(&mut node, "b 100 ", &payload, "REPLACE");
        restore(&mut node, "b 1", &payload, "REPLACE ABSTTL");
        restore(&mut node, "b 1", &payload, "ABSTTL");
        for event in ["restore", "restore", "del"] {
            node.converse(&format!("c2> <- [pmessage * __keyevent@0__:{event} b]"));
        }
        node.converse("c2> <- silence");
    }

    #[test]
    fn clocks() {
        let mut node = node(&[]);
        node.converse("SET a v");
        let payload = dump(&mut node, "a");
        restore(&mut node, "b 0", &payload, "IDLETIME 1000");
        restore(&mut node, "c 0", &payload, "IDLETIME 99999999999");
        node.converse(
            "OBJECT IDLETIME b -> :1000; OBJECT IDLETIME c -> :16777215; CONFIG SET maxmemory-policy allkeys-lfu",
        );
        restore(&mut node, "d 0", &payload, "FREQ 100");
        node.converse("OBJECT FREQ d -> :100");
        for (behind, error) in [
            ("IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"),
            ("FREQ -1", "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("FREQ x", "-ERR value is not an integer or out of range"),
            ("FREQ 1 IDLETIME 1", "-ERR syntax error"),
            ("IDLETIME 1 FREQ 1", "-ERR syntax error"),
            ("IDLETIME", "-ERR syntax error"),
            ("WHAT", "-ERR syntax error"),
        ] {
            assert_eq!(restore(&mut node, "e 0", &payload, behind), error, "{behind}");
        }
    }

    #[test]
    fn refuses() {
        check("SET k v; RESTORE k 0 ... -> -BUSYKEY Target key name already exists.");
        check(
            "RESTORE k 0 ... -> -ERR DUMP payload version or checksum are wrong; RESTORE k 0 -> -ERR wrong number of",
        );
        let mut node = node(&[("enable-debug-command", "yes")]);
        node.converse("SET a v");
        let mut payload = dump(&mut node, "a");
        payload[1] = 3;
        let wrong = "-ERR DUMP payload version or checksum are wrong";
        assert_eq!(restore(&mut node, "b 0", &payload, ""), wrong);
        node.converse("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1 -> +OK");
        assert_eq!(restore(&mut node, "b 0", &payload, ""), "-ERR Bad data format");
        payload[1] = 0;
        assert_eq!(restore(&mut node, "b 0", &payload, ""), "-ERR Bad data format", "a byte too much");
        // A list of nothing.
        assert_eq!(restore(&mut node, "b 0", b"\x01\0\x0a\0________", ""), "-ERR Bad data format");
        assert_eq!(restore(&mut node, "b 0", b"\x0a\0________", ""), "-ERR Bad data format");
        assert_eq!(restore(&mut node, "b 0", b"\x01\0\x0d\0________", ""), wrong);
        node.converse("EXISTS b -> :0; DEBUG SET-SKIP-CHECKSUM-VALIDATION 0");
    }

    #[test]
    fn wakes_who_waits() {
        let mut node = node(&[]);
        node.converse("RPUSH l a b; c2> BLPOP m 0 -> parked");
        let payload = dump(&mut node, "l");
        restore(&mut node, "m 0", &payload, "");
        node.converse("c2> <- [m a]; LRANGE m 0 -1 -> [b]");
    }
}
