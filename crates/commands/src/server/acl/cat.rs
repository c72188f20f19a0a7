//! ACL CAT [category]
//!
//! The categories, or the commands and subcommands of one, as rules name them.

use super::{FLAGS, too_many};
use exec::acl::Catalog;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Group};

pub static CAT: Command = Command {
    name: "CAT",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(1), as there are so many categories and commands",
    summary: "Lists the categories, or the commands of one.",
    docs: &[Arg { name: "categoryname", optional: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match args.len() {
        2 => {
            ctx.reply.array(Categories::NAMES.len());
            for (_, name) in Categories::NAMES {
                ctx.reply.bulk_str(name);
            }
        }
        3 => {
            let category = Catalog::category(args.get(2))
                .ok_or_else(|| Error::text(format!("ERR Unknown category '{}'", args.text(2))))?;
            let catalog = &ctx.node.acl.catalog;
            let members: Vec<&str> = catalog.members(category).map(|number| catalog.name(number)).collect();
            ctx.reply.array(members.len());
            for name in members {
                ctx.reply.bulk_str(name);
            }
        }
        _ => return Err(too_many("CAT")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn lists() {
        check(
            "ACL CAT -> [keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection transaction scripting]
             ACL CAT Transaction -> {discard exec multi unwatch watch}
             ACL CAT nope -> -ERR Unknown category 'nope'
             ACL CAT a b -> -ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.",
        );
    }
}
