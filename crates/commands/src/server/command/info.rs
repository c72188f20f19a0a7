//! COMMAND INFO [name …]

use super::describe;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Group};

pub static INFO: Command = Command {
    name: "INFO",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::AtLeast(2),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = names",
    summary: "Describes some or all commands.",
    history: &[("7.0.0", "Subcommands, and all commands when none is named.")],
    tips: &["nondeterministic_output_order"],
    docs: &[Arg { name: "command-name", optional: true, multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let numbers: Vec<Option<u16>> = match args.len() {
        2 => ctx.node.commands.top_level().map(Some).collect(),
        _ => args.iter_from(2).map(|name| ctx.node.commands.find_full(name)).collect(),
    };
    ctx.reply.array(numbers.len());
    for number in numbers {
        match number {
            Some(number) => describe::info(ctx.reply, ctx.node, number),
            None => ctx.reply.null_array(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn describes() {
        check(
            "COMMAND INFO get nosuch -> [[get :2 [+readonly +fast] :1 :1 :1 [+@read +@string +@fast] [] [[flags [+RO +access] begin_search [type index spec [index :1]] find_keys [type range spec [lastkey :0 keystep :1 limit :0]]]] []] nil[]]",
        );
        check(
            "COMMAND INFO client|id -> [[client|id :2 [+noscript +loading +stale] :0 :0 :0 [+@slow +@connection] [] [] []]]",
        );
    }
}
