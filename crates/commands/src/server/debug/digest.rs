//! DEBUG DIGEST, DEBUG DIGEST-VALUE key [key …]
//!
//! Every key gives a hash of its database, name, type, deadline and value; the digest is all of them XORed, so
//! order does not matter, nor how a value is kept: `12` is the same as a number and as a text. Zeros stand for
//! nothing. Keys past their time do not count. Not comparable with the digest of a Redis.

use exec::{Args, Ctx, Error};
use keyspace::{Digits, EntryRef, ValueRef};
use kit::sha::{hex, sha1};
use types::Object;

type Digest = [u8; 20];

pub(super) fn whole(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let databases = ctx.node.databases;
    let is_stale = ctx.db.stale_test();
    let mut sum = Digest::default();
    ctx.db.each_shard(|_, shard| {
        for db in 0..databases {
            shard.for_each(db, &mut |entry| {
                if !is_stale(entry) {
                    let whose = [&(db as u64).to_le_bytes()[..], entry.key()].concat();
                    let one = sha1(&[sha1(&whose), of_value(entry)].concat());
                    sum.iter_mut().zip(one).for_each(|(sum, byte)| *sum ^= byte);
                }
            });
        }
    });
    ctx.reply.simple(&hex(&sum));
    Ok(())
}

pub(super) fn values(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let digests: Result<Vec<Digest>, Error> =
        args.iter_from(2).map(|key| Ok(ctx.db.peek(args.as_key(key))?.map(of_value).unwrap_or_default())).collect();
    let digests = digests?;
    ctx.reply.array(digests.len());
    for digest in &digests {
        ctx.reply.simple(&hex(digest));
    }
    Ok(())
}

/// Of type, deadline and value.
fn of_value(entry: EntryRef<'_>) -> Digest {
    let mut digits = Digits::default();
    let value = match entry.value() {
        value @ (ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::Raw(_)) => sha1(value.text(&mut digits)),
        ValueRef::Object(object) => of_elements(&object.view()),
    };
    let kind = entry.kind().type_of().name();
    let deadline = match entry.deadline() {
        Some(deadline) => format!("until {}", deadline.0),
        None => "for ever".to_string(),
    };
    sha1(&[kind.as_bytes(), deadline.as_bytes(), &value].concat())
}

/// All elements' hashes XORed: of each the parts, with their lengths before them.
fn of_elements(object: &Object) -> Digest {
    let mut sum = Digest::default();
    object.for_each_digest(&mut |parts| {
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part);
        }
        sum.iter_mut().zip(sha1(&text)).for_each(|(sum, byte)| *sum ^= byte);
    });
    sum
}

#[cfg(test)]
mod tests {
    use proto::resp_client::Value;
    use testkit::TestNode;

    fn node() -> TestNode {
        crate::node(&[("enable-debug-command", "yes")])
    }

    fn digest(node: &mut TestNode, line: &str) -> String {
        match node.ask_line(line) {
            Value::Simple(text) => text,
            Value::Array(list) => format!("{list:?}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_nothing_is_zero() {
        let mut node = node();
        assert_eq!(digest(&mut node, "DEBUG DIGEST"), "0".repeat(40));
        node.converse(&format!("DEBUG DIGEST-VALUE none -> [+{}]", "0".repeat(40)));
        node.converse("SET k v PX 5");
        assert_ne!(digest(&mut node, "DEBUG DIGEST"), "0".repeat(40));
        node.clock.advance_ms(5);
        assert_eq!(digest(&mut node, "DEBUG DIGEST"), "0".repeat(40));
    }

    #[test]
    fn order_does_not_matter_everything_else_does() {
        let digest_after = |text: &str| {
            let mut node = node();
            node.converse(text);
            digest(&mut node, "DEBUG DIGEST")
        };
        let plain = digest_after("SET a 1; SET b 2");
        assert_eq!(plain.len(), 40);
        assert_eq!(digest_after("SET b 2; SET x y; SET a 1; DEL x"), plain);
        for other in [
            "SET a 1",
            "SET a 2; SET b 1",
            "SET a 1; SET b 2 PX 1000",
            "SET a 1; SELECT 1; SET b 2",
            "SET a 1; SET b 22",
        ] {
            assert_ne!(digest_after(other), plain, "{other}");
        }
        assert_ne!(digest_after("SET b 2 PX 1000"), digest_after("SET b 2 PX 1001"));
    }

    #[test]
    fn a_value_s_does_not_know_its_key() {
        let mut node = node();
        node.converse("SET a 1; SET b 1; SET c 2");
        let [a, b, c] = ["a", "b", "c"].map(|key| digest(&mut node, &format!("DEBUG DIGEST-VALUE {key}")));
        assert!(a == b && a != c);
    }
}
