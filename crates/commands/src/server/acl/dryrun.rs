//! ACL DRYRUN user command [arg …]
//!
//! Whether the user might run the command with these words: `OK`, or the reason why not as a text.

use super::ADMIN;
use exec::acl;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};

pub static DRYRUN: Command = Command {
    name: "DRYRUN",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(4),
    flags: ADMIN,
    complexity: "O(N), N = rules of the user",
    summary: "Tells whether a user may run a command, without running it.",
    docs: &[
        Arg { name: "username", ..Arg::BASE },
        Arg { name: "command", ..Arg::BASE },
        Arg { name: "arg", optional: true, multiple: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let node = ctx.node;
    let user =
        node.acl.get(args.get(2)).ok_or_else(|| Error::text(format!("ERR User '{}' not found", args.text(2))))?;
    let unknown = || Error::text(format!("ERR Command '{}' not found", args.text(3)));
    let mut number = node.commands.find(args.get(3)).ok_or_else(unknown)?;
    if !node.commands.row(number).subcommands.is_empty()
        && let Some(sub) = args.opt(4)
    {
        number = node.commands.find_sub(number, sub).ok_or_else(unknown)?;
    }
    let words: Vec<&[u8]> = args.iter_from(3).collect();
    if !node.commands.command(number).arity.admits(words.len()) {
        return Err(Error::WrongArity(node.commands.row(number).full_name.as_str().into()));
    }
    match acl::dry_run(node, &user, ctx.session.db, number, &words) {
        Ok(()) => ctx.reply.ok(),
        Err(why) => ctx.reply.bulk_str(&why),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells() {
        check(
            "ACL SETUSER t +@all -del %R~read* %W~write* ~rw* &c
             ACL DRYRUN t GET read -> +OK; ACL DRYRUN t get write -> \"User t has no permissions to access the 'write' key\"
             ACL DRYRUN t DEL rw -> \"User t has no permissions to run the 'del' command\"
             ACL DRYRUN t COPY read write -> +OK; ACL DRYRUN t COPY write read -> \"User t has no permissions to access the 'write' key\"
             ACL DRYRUN t EXISTS write -> +OK; ACL DRYRUN t EXISTS none -> \"User t has no permissions to access the 'none' key\"
             ACL DRYRUN t PUBLISH c x -> +OK; ACL DRYRUN t PUBLISH d x -> \"User t has no permissions to access the 'd' channel\"
             ACL DRYRUN t MEMORY USAGE read -> +OK; ACL DRYRUN t MEMORY USAGE x -> \"User t has no permissions to access the 'x' key\"
             ACL DRYRUN t SORT read STORE write -> +OK; ACL DRYRUN t SORT read STORE read -> \"User t has no permissions to access the 'read' key\"",
        );
    }

    #[test]
    fn options_change_what_is_done_to_a_key() {
        check(
            "ACL SETUSER t +@all %R~r %W~w
             ACL DRYRUN t SET w v -> +OK; ACL DRYRUN t SET w get -> +OK; ACL DRYRUN t SET w v GET -> *has*; ACL DRYRUN t SET r v -> *has*
             ACL DRYRUN t BITFIELD r get u4 0 -> +OK; ACL DRYRUN t BITFIELD r get u4 0 set u4 0 1 -> *has*
             ACL DRYRUN t BITFIELD w set u4 0 1 -> *has*".replace("*has*", "\"User t has no\"*").as_str(),
        );
    }

    #[test]
    fn refuses() {
        check(
            "ACL DRYRUN nobody GET k -> -ERR User 'nobody' not found; ACL DRYRUN default nosuch k -> -ERR Command 'nosuch' not found
             ACL DRYRUN default SET k -> -ERR wrong number of arguments for 'set' command; ACL DRYRUN default config foo -> -ERR Command 'config' not found",
        );
    }
}
