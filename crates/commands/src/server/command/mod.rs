//! COMMAND: what commands there are, from their rows.

pub mod count;
pub mod describe;
pub mod docs;
pub mod getkeys;
pub mod help;
pub mod info;
pub mod list;

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub(super) const FLAGS: Flags = Flags::LOADING.and(Flags::STALE).and(Flags::SENTINEL);

pub static COMMAND: Command = Command {
    name: "COMMAND",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::AtLeast(1),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = commands",
    summary: "Describes all commands.",
    tips: &["nondeterministic_output_order"],
    subcommands: COMMANDS,
    run,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] =
    &[&count::COUNT, &docs::DOCS, &getkeys::GETKEYS, &getkeys::GETKEYSANDFLAGS, &help::HELP, &info::INFO, &list::LIST];

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let all: Vec<u16> = ctx.node.commands.top_level().collect();
    ctx.reply.array(all.len());
    for number in all {
        describe::info(ctx.reply, ctx.node, number);
    }
    Ok(())
}
