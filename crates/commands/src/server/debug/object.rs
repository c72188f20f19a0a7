//! DEBUG OBJECT key [fast]
//!
//! Words that tests and people read; `at:` is the address of the entry, the same as long as it is
//! changed in place. `serializedlength` is the length in an RDB file without compression; `fast`
//! leaves it out.

use crate::list::options::{COMPRESS_DEPTH, MAX_LISTPACK_SIZE};
use exec::evict::{Policy, idle_secs};
use exec::{Args, Ctx, Error};
use keyspace::{Digits, ValueRef};
use types::{List, Typed};

pub(super) fn object(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let fast = args.len() == 4;
    if fast && !args.is(3, "fast") {
        return Err(Error::Syntax);
    }
    let now = ctx.now();
    let is_lfu = Policy::of(ctx.node).is_lfu();
    let Some(entry) = ctx.db.peek_even_stale(args.as_key(args.get(2))) else { return Err(Error::NoSuchKey) };
    let encoding = entry.kind().encoding_name();
    let clock = entry.clock();
    // Of a clock that counts accesses, the upper 16 bits are minutes.
    let idle = match is_lfu {
        true => (((now.0 / 60_000) as u32).wrapping_sub(clock >> 8) & 0xffff) * 60,
        false => idle_secs(clock, now),
    };
    let length = if fast { String::new() } else { format!(" serializedlength:{}", rdb_len(entry.value())) };
    let chunks = entry.object().and_then(|object| {
        let list = List::from_ref(&object)?;
        list.chunks().map(|(count, bytes)| (count, list.len(), bytes))
    });
    let chunks = chunks.map_or(String::new(), |(count, len, bytes)| {
        // What was set, as there: nothing is compressed.
        let config = &ctx.node.config;
        format!(
            " ql_nodes:{count} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{bytes}",
            len as f64 / count as f64,
            config.get(&MAX_LISTPACK_SIZE),
            u8::from(config.get(&COMPRESS_DEPTH) != 0)
        )
    });
    let text = format!(
        "Value at:{:p} refcount:1 encoding:{encoding}{length} lru:{clock} lru_seconds_idle:{idle}{chunks}",
        entry.key().as_ptr()
    );
    ctx.reply.simple(&text);
    Ok(())
}

/// A short text that is a number is kept as one, in 1, 2 or 4 bytes after its kind. Of a collection, about.
fn rdb_len(value: ValueRef<'_>) -> usize {
    if let ValueRef::Object(object) = value {
        return object.view().mem_bytes();
    }
    let mut digits = Digits::default();
    let text = value.text(&mut digits);
    let number = kit::text::parse_i64(text);
    match number {
        Some(n) if i8::try_from(n).is_ok() => 2,
        Some(n) if i16::try_from(n).is_ok() => 3,
        Some(n) if i32::try_from(n).is_ok() => 5,
        Some(_) | None => match text.len() {
            len @ ..64 => 1 + len,
            len @ ..16_384 => 2 + len,
            len => 5 + len,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;
    use proto::resp_client::Value;

    #[test]
    fn describes() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("SET k v");
        node.clock.advance_ms(3000);
        let Value::Simple(text) = node.ask_line("DEBUG OBJECT k") else { panic!() };
        let words: Vec<&str> = text.split(' ').collect();
        assert!(words[1].starts_with("at:0x"), "{text}");
        assert_eq!(words[0], "Value");
        assert_eq!(words[2..5], ["refcount:1", "encoding:embstr", "serializedlength:2"]);
        assert_eq!(words[6], "lru_seconds_idle:3");
        check(
            "SET k 12; DEBUG OBJECT k FAST -> \"Value at:0x\"*; DEBUG OBJECT k slow -> -ERR syntax error; DEBUG OBJECT none -> -ERR no such key",
        );
        let mut node = crate::node(&[("enable-debug-command", "yes"), ("list-max-listpack-size", "2")]);
        node.converse("RPUSH l a b; CONFIG SET list-compress-depth 1");
        let Value::Simple(text) = node.ask_line("DEBUG OBJECT l") else { panic!() };
        assert!(!text.contains("ql_"), "{text}");
        node.converse("RPUSH l c d e");
        let Value::Simple(text) = node.ask_line("DEBUG OBJECT l") else { panic!() };
        assert!(
            text.ends_with(" ql_nodes:1 ql_avg_node:5.00 ql_listpack_max:2 ql_compressed:1 ql_uncompressed_size:22"),
            "{text}"
        );
    }

    #[test]
    fn lengths_in_a_file() {
        for (value, len) in [
            (ValueRef::Int(-128), 2),
            (ValueRef::Int(128), 3),
            (ValueRef::Int(70_000), 5),
            (ValueRef::Int(1 << 40), 14),
            (ValueRef::Str(b"v"), 2),
            (ValueRef::Raw(b"12"), 2),
            (ValueRef::Raw(&[b'x'; 64]), 66),
            (ValueRef::Raw(&[b'x'; 20_000]), 20_005),
        ] {
            assert_eq!(rdb_len(value), len, "{value:?}");
        }
    }
}
