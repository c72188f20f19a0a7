//! LSET key index element

use super::lindex::place;
use super::options::limit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use types::List;

pub static LSET: Command = Command {
    name: "LSET",
    group: Group::List,
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(N), N = chunks between the element and the nearer end",
    summary: "Puts an element in the place of another.",
    docs: &[Arg::key("key", 0), Arg::new("index", ArgKind::Integer), Arg::new("element", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, limit) = (args.key(1), limit(ctx));
    let Some(mut list) = ctx.db.write::<List>(key)? else { return Err(Error::NoSuchKey) };
    let place = place(args.int(2)?, list.len()).ok_or(Error::Static("ERR index out of range"))?;
    let element = args.get(3);
    list.make_room(limit, element.len(), 1);
    list.replace(place, element);
    list.shrunk(limit);
    drop(list);
    ctx.reply.ok();
    ctx.db.event(notify::LIST, "lset", key.bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn replaces() {
        check("RPUSH l a b c; LSET l 0 x -> +OK; LSET l -1 12 -> +OK; LRANGE l 0 -1 -> [x b 12]");
    }

    #[test]
    fn refuses() {
        let mut node = node(&[]);
        node.converse("LSET none 0 x -> -ERR no such key; LSET none y x -> -ERR no such key; RPUSH l a; LSET l 1 x -> -ERR index out of range; LSET l -2 x -> -ERR index out of range; LSET l y x -> -ERR value is not an integer or out of range; SET s x; LSET s 0 x -> -WRONGTYPE; LRANGE l 0 -1 -> [a]");
        assert_eq!(node.log.lines(), ["RPUSH l a", "SET s x"]);
    }
}
