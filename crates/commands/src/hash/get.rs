//! HGET key field

use super::read::{one_field, say_or_null};
use exec::command::{Arg, ArgKind};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ};

pub static HGET: Command = Command {
    name: "HGET",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    summary: "Returns the value of a field of a hash.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String)],
    run: |ctx, args| one_field(ctx, args, say_or_null),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads() {
        check(
            "HSET h a 1 b x c 007 -> :3; HGET h a -> 1; HGET h b -> x; HGET h c -> 007; HGET h d -> nil; HGET k a -> nil",
        );
        check("SET s v; HGET s a -> -WRONGTYPE; HGET h -> -ERR wrong number of arguments for 'hget' command");
    }
}
