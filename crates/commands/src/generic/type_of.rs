//! TYPE key

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static TYPE: Command = Command {
    name: "TYPE",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Tells the type of the value at a key.",
    docs: &[super::KEY],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let entry = ctx.db.look(args.key(1))?;
    ctx.reply.simple(entry.map_or("none", |entry| entry.kind().type_of().name()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;
    use types::{Hash, List, Set, SortedSet, Stream};

    #[test]
    fn names() {
        check("TYPE k -> +none; SET k v -> +OK; TYPE k -> +string; SET k 1; TYPE k -> +string");
    }

    #[test]
    fn of_collections() {
        let mut node = crate::node(&[]);
        crate::put(&node, "l", List::new());
        crate::put(&node, "h", Hash::new());
        crate::put(&node, "s", Set::new());
        crate::put(&node, "z", SortedSet::new());
        crate::put(&node, "x", Stream::new());
        node.converse("TYPE l -> +list; TYPE h -> +hash; TYPE s -> +set; TYPE z -> +zset; TYPE x -> +stream");
        node.converse("SCAN 0 COUNT 1000 TYPE zset -> [0 [z]]; SCAN 0 COUNT 1000 TYPE HASH -> [0 [h]]");
        node.converse("OBJECT ENCODING l -> listpack; OBJECT ENCODING x -> stream; OBJECT REFCOUNT l -> :1");
        node.converse(
            "GET l -> -WRONGTYPE; APPEND l x -> -WRONGTYPE; MGET l -> [nil]; SET l x -> +OK; TYPE l -> +string",
        );
    }
}
