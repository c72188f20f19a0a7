//! ACL DELUSER user [user …]
//!
//! The users' connections are closed, and can do nothing from this moment on.

use super::{ADMIN, close};
use exec::acl;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};

pub static DELUSER: Command = Command {
    name: "DELUSER",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(3),
    flags: ADMIN,
    complexity: "O(N), N = connections",
    summary: "Deletes users and closes their connections.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[Arg { name: "username", multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let names: Vec<&[u8]> = args.iter_from(2).collect();
    let (count, clients) = acl::delete_users(ctx.node, &names)?;
    close(ctx, &clients);
    ctx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn deletes() {
        check(
            "ACL SETUSER a; ACL SETUSER b; ACL DELUSER a b c a -> :2; ACL USERS -> [default]
             ACL DELUSER c default -> -ERR The 'default' user cannot be removed",
        );
    }

    #[test]
    fn closes_connections() {
        check(
            "ACL SETUSER bob on nopass ~* +@all; c2> AUTH bob x -> +OK; c3> PING -> +PONG; ACL DELUSER bob -> :1
             CLIENT LIST ID 2 -> \"\"; CLIENT KILL ID 3 -> :1",
        );
        // Its own connection hears the answer.
        check(
            "ACL SETUSER bob on nopass ~* +@all; c2> AUTH bob x -> +OK; c2> ACL DELUSER bob -> :1; ACL USERS -> [default]",
        );
    }
}
