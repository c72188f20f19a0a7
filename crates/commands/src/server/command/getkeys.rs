//! COMMAND GETKEYS command … · COMMAND GETKEYSANDFLAGS command …

use super::describe::access_names;
use exec::command::{Begin, Find};
use exec::keys::{Found, Misfit, access_of, each_key};
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Node};

const DOCS: &[Arg] =
    &[Arg { name: "command", ..Arg::BASE }, Arg { name: "arg", optional: true, multiple: true, ..Arg::BASE }];

pub static GETKEYS: Command = Command {
    name: "GETKEYS",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::AtLeast(3),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = words",
    summary: "Finds the keys of a request.",
    docs: DOCS,
    run: keys,
    ..Command::BASE
};

pub static GETKEYSANDFLAGS: Command = Command {
    name: "GETKEYSANDFLAGS",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(3),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = words",
    summary: "Finds the keys of a request and what it does with them.",
    docs: DOCS,
    run: keys_and_flags,
    ..Command::BASE
};

fn keys(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let found = find(ctx.node, args)?;
    ctx.reply.array(found.len());
    for key in found {
        ctx.reply.bulk(args.get(key.word));
    }
    Ok(())
}

fn keys_and_flags(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let found = find(ctx.node, args)?;
    ctx.reply.array(found.len());
    for key in found {
        ctx.reply.array(2);
        ctx.reply.bulk(args.get(key.word));
        let names = access_names(key.access);
        ctx.reply.set(names.len());
        for name in names {
            ctx.reply.simple(&name);
        }
    }
    Ok(())
}

/// Keys of the request that begins at word 2; positions are those of the whole request.
fn find(node: &Node, args: &Args) -> Result<Vec<Found>, Error> {
    let invalid = Error::Static("ERR Invalid arguments specified for command");
    let mut number = node.commands.find(args.get(2)).ok_or(Error::Static("ERR Invalid command specified"))?;
    if !node.commands.row(number).subcommands.is_empty()
        && let Some(sub) = args.opt(3).and_then(|name| node.commands.find_sub(number, name))
    {
        number = sub;
    }
    let command = node.commands.command(number);
    let words = args.len() - 2;
    if command.keys.is_empty() {
        return Err(Error::Static("ERR The command has no key arguments"));
    }
    if !command.arity.admits(words) {
        return Err(Error::Static("ERR Invalid number of arguments specified for command"));
    }
    let word = |i: usize| args.get(i + 2);
    let may_have_none = command.has(Flags::NO_MANDATORY_KEYS);
    // A command that runs leaves it to its body to refuse this.
    let counts_none = !may_have_none
        && command.keys.iter().any(|spec| match (spec.begin, spec.find) {
            (Begin::Index(begin), Find::Count { at, .. }) => args.opt((begin + at + 2) as usize) == Some(b"0"),
            _ => false,
        });
    if counts_none {
        return Err(invalid);
    }
    let mut found = Vec::new();
    let outcome = each_key(command, words, &word, &mut |key| {
        found.push(Found { word: key.word + 2, access: access_of(command, words, &word, key.access) });
    });
    match outcome {
        // Scripts name their keys or not; a bad count is theirs to refuse.
        _ if may_have_none => Ok(found),
        Err(Misfit::Invalid) => Err(invalid),
        Ok(()) | Err(Misfit::Unknown) if found.is_empty() => Err(invalid),
        Ok(()) | Err(Misfit::Unknown) => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn finds() {
        check(
            "COMMAND GETKEYS get k -> [k]; COMMAND GETKEYS watch a b c -> [a b c]; COMMAND GETKEYSANDFLAGS get k -> [[k [+RO +access]]]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "COMMAND GETKEYS nosuch -> -ERR Invalid command specified; COMMAND GETKEYS ping -> -ERR The command has no key arguments; COMMAND GETKEYS get -> -ERR Invalid number of arguments specified for command; COMMAND GETKEYS ZUNIONSTORE d 0 a -> -ERR Invalid arguments specified for command",
        );
    }
}
