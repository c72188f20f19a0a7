//! PFADD key [element [element …]]
//!
//! Most elements of a HyperLogLog that has seen many change nothing: that is found out before anything is copied.

use super::value::{corrupt, open, sparse_max};
use exec::command::{Arg, ArgKind};
use exec::{
    Args, Arity, Categories, Command, Ctx, Deadline, Error, Flags, Group, KeyAccess, KeySpec, NewValue, notify,
};
use types::hyperloglog::{self, Element, Encoding};

pub static PFADD: Command = Command {
    name: "PFADD",
    group: Group::HyperLogLog,
    since: "2.8.9",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::INSERT))],
    complexity: "O(1) for each element",
    summary: "Adds elements to the HyperLogLog at a key, which is made when there is none.",
    docs: &[Arg::key("key", 0), Arg::new("element", ArgKind::String).optional().multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, sparse_max) = (args.key(1), sparse_max(ctx));
    let mut elements = args.iter_from(2).map(Element::of);
    let changed = if let Some(mut string) = ctx.db.string_mut(key)? {
        let (value, encoding) = open(string.value())?;
        // The elements before the first that changes something are done.
        let first = loop {
            match elements.next() {
                None => break None,
                Some(element) if hyperloglog::would_raise(value, element).map_err(corrupt)? => break Some(element),
                Some(_) => {}
            }
        };
        match (first, encoding) {
            (None, _) => false,
            (Some(first), Encoding::Dense) => {
                let len = value.len();
                let value = string.bytes(len);
                for element in std::iter::once(first).chain(elements) {
                    hyperloglog::raise_dense(value, element);
                }
                hyperloglog::make_stale(value);
                true
            }
            (Some(first), Encoding::Sparse) => {
                let mut value = value.to_vec();
                for element in std::iter::once(first).chain(elements) {
                    hyperloglog::raise(&mut value, element, sparse_max).map_err(corrupt)?;
                }
                hyperloglog::make_stale(&mut value);
                string.set(NewValue::Raw(&value));
                true
            }
        }
    } else {
        let mut value = hyperloglog::empty();
        for element in elements {
            hyperloglog::raise(&mut value, element, sparse_max).map_err(corrupt)?;
        }
        hyperloglog::make_stale(&mut value);
        ctx.db.set(key, NewValue::Raw(&value), Deadline::None);
        true
    };
    if changed {
        ctx.db.event(notify::STRING, "pfadd", key.bytes);
    }
    ctx.reply.int(i64::from(changed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds() {
        check(
            "PFADD h -> :1; EXISTS h -> :1; PFCOUNT h -> :0; PFADD h -> :0; PFADD h a b c -> :1; PFADD h a b c -> :0; PFADD h \"\" -> :1; PFCOUNT h -> :4; TYPE h -> +string; OBJECT ENCODING h -> raw",
        );
        check(
            "PFADD h a; PFCOUNT h; GET h -> \"HYLL\\x01\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x71\\xa6\\x84\\x4e\\x57\"; SET k v; PFADD k a -> -WRONGTYPE Key is not a valid HyperLogLog string value.; SET k 12; PFADD k a -> -WRONGTYPE Key; SADD s a; PFADD s a -> -WRONGTYPE Operation",
        );
        check(
            "PFADD h a; EXPIRE h 100; PFADD h b -> :1; TTL h -> :100; SETRANGE h 16 \"\\x00\"; PFADD h q w e r t y u -> -INVALIDOBJ Corrupted HLL object detected",
        );
    }

    #[test]
    fn marks_what_was_changed() {
        let mut node = node(&[]);
        node.converse("PFADD h a; PFADD h a; PFADD h a b; PFADD h; PFADD i");
        assert_eq!(node.log.lines(), ["PFADD h a", "PFADD h a b", "PFADD i"]);
    }

    #[test]
    fn becomes_dense() {
        let mut node = node(&[("hll-sparse-max-bytes", "30")]);
        node.converse("PFADD h a b; PFDEBUG ENCODING h -> +sparse; PFADD h c d e f g h i j k; PFDEBUG ENCODING h -> +dense; PFADD h a -> :0; PFADD h x y z -> :1; PFCOUNT h -> :14");
    }
}
