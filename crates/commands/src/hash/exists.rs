//! HEXISTS key field

use super::read::one_field;
use exec::command::{Arg, ArgKind};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, LOOK};

pub static HEXISTS: Command = Command {
    name: "HEXISTS",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, LOOK)],
    element: 2,
    summary: "Tells whether a hash has a field.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String)],
    run: |ctx, args| one_field(ctx, args, |reply, value| reply.int(i64::from(value.is_some()))),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells() {
        check(
            "HSET h a \"\" -> :1; HEXISTS h a -> :1; HEXISTS h b -> :0; HEXISTS k a -> :0; SET s v; HEXISTS s a -> -WRONGTYPE",
        );
    }
}
