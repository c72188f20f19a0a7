//! COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Group};
use kit::glob;

pub static LIST: Command = Command {
    name: "LIST",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = commands",
    summary: "Lists the names of commands.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg {
        name: "filterby",
        kind: ArgKind::OneOf,
        token: Some("FILTERBY"),
        optional: true,
        args: &[
            Arg { name: "module-name", token: Some("MODULE"), ..Arg::BASE },
            Arg { name: "category", token: Some("ACLCAT"), ..Arg::BASE },
            Arg { name: "pattern", kind: ArgKind::Pattern, token: Some("PATTERN"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let commands = &ctx.node.commands;
    let names: Vec<&str> = match args.len() {
        2 => commands.all().map(|number| commands.row(number).full_name.as_str()).collect(),
        5 if args.is(2, "FILTERBY") => {
            let value = args.get(4);
            let keep: Box<dyn Fn(u16) -> bool + '_> = if args.is(3, "MODULE") {
                // There are no modules.
                Box::new(|_| false)
            } else if args.is(3, "ACLCAT") {
                let category = Categories::NAMES.iter().find(|(_, name)| kit::text::eq_ignore_case(value, name));
                match category {
                    Some((category, _)) => {
                        Box::new(|number| commands.command(number).all_categories().contains(*category))
                    }
                    None => Box::new(|_| false),
                }
            } else if args.is(3, "PATTERN") {
                Box::new(|number| glob::matches(value, commands.row(number).full_name.as_bytes(), true))
            } else {
                return Err(Error::Syntax);
            };
            commands
                .all()
                .filter(|number| keep(*number))
                .map(|number| commands.row(number).full_name.as_str())
                .collect()
        }
        _ => return Err(Error::Syntax),
    };
    ctx.reply.set(names.len());
    for name in names {
        ctx.reply.bulk_str(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn filters() {
        check(
            "COMMAND LIST FILTERBY PATTERN ech* -> [echo]; COMMAND LIST FILTERBY MODULE x -> []; COMMAND LIST FILTERBY ACLCAT nosuch -> []; COMMAND LIST FILTERBY x y -> -ERR syntax error; COMMAND LIST x -> -ERR syntax error",
        );
        check("COMMAND LIST FILTERBY ACLCAT transaction -> {discard exec multi unwatch watch}");
    }
}
