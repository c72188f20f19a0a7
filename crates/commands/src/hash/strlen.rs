//! HSTRLEN key field

use super::read::one_field;
use exec::command::{Arg, ArgKind};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, LOOK};

pub static HSTRLEN: Command = Command {
    name: "HSTRLEN",
    group: Group::Hash,
    since: "3.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, LOOK)],
    element: 2,
    summary: "Returns the length of the value of a field.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String)],
    run: |ctx, args| one_field(ctx, args, |reply, value| reply.int(value.map_or(0, |value| value.len() as i64))),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells() {
        check(
            "HSET h a abc n -1234 e \"\"; HSTRLEN h a -> :3; HSTRLEN h n -> :5; HSTRLEN h e -> :0; HSTRLEN h x -> :0",
        );
        check("HSTRLEN k a -> :0; SET s v; HSTRLEN s a -> -WRONGTYPE");
    }
}
