//! ACL WHOAMI

use super::FLAGS;
use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static WHOAMI: Command = Command {
    name: "WHOAMI",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Tells which user this connection is.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.bulk(ctx.session.user.name());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn who() {
        check(
            "ACL WHOAMI -> default; ACL SETUSER bob on nopass +acl|whoami +client|list; AUTH bob x; ACL WHOAMI -> bob
             CLIENT LIST USER bob -> \"id=1 \"*; CLIENT LIST USER nobody -> -ERR No such user 'nobody'",
        );
    }
}
