//! ACL LIST
//!
//! All users as lines of a configuration file.

use super::ADMIN;
use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static LIST: Command = Command {
    name: "LIST",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: ADMIN,
    complexity: "O(N), N = users",
    summary: "Shows all users' rules as lines of a configuration file.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let lines = ctx.node.acl.lines();
    ctx.reply.array(lines.len());
    for line in lines {
        ctx.reply.bulk(&[b"user ", line.as_slice()].concat());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn lines() {
        check(
            "ACL LIST -> [ \"user default on nopass sanitize-payload ~* &* +@all\"]
             ACL SETUSER alice on >p resetchannels &foo +@all -config|set (~x %W~y +get) resetdbs; ACL SETUSER bob skip-sanitize-payload
             ACL LIST -> [ \"user alice on sanitize-payload #148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940 resetchannels &foo resetdbs +@all -config|set (~x %W~y resetchannels -@all +get)\" \"user bob off skip-sanitize-payload resetchannels -@all\" \"user default on nopass sanitize-payload ~* &* +@all\"]",
        );
    }
}
