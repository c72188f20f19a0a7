//! ACL USERS

use super::ADMIN;
use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static USERS: Command = Command {
    name: "USERS",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: ADMIN,
    complexity: "O(N), N = users",
    summary: "Lists the names of all users.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let users = ctx.node.acl.all();
    ctx.reply.array(users.len());
    for user in users {
        ctx.reply.bulk(&user.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn names() {
        check("ACL SETUSER zoe; ACL SETUSER abe; ACL USERS -> [abe default zoe]");
    }
}
