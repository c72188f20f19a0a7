//! SMEMBERS key

use super::algebra::say;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::Set;

pub static SMEMBERS: Command = Command {
    name: "SMEMBERS",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = members",
    summary: "All members of the set at a key.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<Set>(args.key(1))?;
    ctx.reply.set(set.as_ref().map_or(0, |set| set.len()));
    if let Some(set) = set {
        set.iter().for_each(|member| say(ctx.reply, member));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn tells_all() {
        check(
            "SMEMBERS s -> []; SADD s 3 1 2; SMEMBERS s -> [1 2 3]; SADD s a; SMEMBERS s -> {a 1 2 3}; SET k v; SMEMBERS k -> -WRONGTYPE",
        );
        check("HELLO 3; SMEMBERS s -> ~[]; SADD s a 1; SMEMBERS s -> ~[a 1]");
        let mut node = node(&[]);
        let long = "x".repeat(300);
        (0..1000).for_each(|i| node.converse(&format!("SADD s m{i}")));
        node.converse(&format!("SADD s {long} 5"));
        let all: String = (0..1000).map(|i| format!("m{i} ")).collect();
        node.converse(&format!("SMEMBERS s -> {{{all} {long} 5}}"));
    }
}
