//! ACL LOAD
//!
//! The users of the ACL file take the place of those there are: all of them, or none if anything is wrong with the
//! file. Connections of users that are gone, and listeners to what they may not hear any more, are closed.

use super::{ADMIN, NO_FILE, close};
use exec::acl::{self, ACL_FILE};
use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static LOAD: Command = Command {
    name: "LOAD",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: ADMIN,
    complexity: "O(N), N = users",
    summary: "Reads the users from the ACL file.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    if ctx.node.config.get(&ACL_FILE).is_empty() {
        return Err(NO_FILE);
    }
    let clients = acl::load(ctx.node).map_err(Error::err)?;
    close(ctx, &clients);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::path::Path;

    fn write(node: &testkit::TestNode, text: &str) {
        node.node.disk.write_atomic(Path::new("/users.acl"), text.as_bytes()).unwrap();
    }

    #[test]
    fn all_or_nothing() {
        let mut node = node(&[("aclfile", "/users.acl")]);
        node.converse("ACL LOAD -> -ERR Error loading ACLs, opening file '/users.acl': ; ACL SETUSER old on nopass ~* &* +@all; c2> AUTH old x -> +OK");
        write(&node, "user alice on nopass (+get ~x)\n\n  user bob +@all\r\n");
        node.converse(
            "ACL LOAD -> +OK; ACL USERS -> [alice bob default]; CLIENT LIST ID 2 -> \"\"; c3> AUTH alice a -> +OK; c3> GET x -> nil
             c3> GET y -> -NOPERM No permissions to access a key",
        );
        write(&node, "user alice +nosuch\nfoo\nuser alice\nuser x (+get\n# hm\nuser bob foo\n");
        node.converse(
            "ACL LOAD -> \"-ERR /users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. /users.acl:2 should start with user keyword followed by the username. WARNING: Duplicate user 'alice' found on line 3. /users.acl:4: Unmatched parenthesis in selector definition. /users.acl:5 should start with user keyword followed by the username. /users.acl:6: Error in applying operation 'foo': Syntax error. WARNING: ACL errors detected, no change to the previously active ACL rules was performed\"
             ACL USERS -> [alice bob default]; c3> GET x -> nil".replace("\"-", "-").replace("performed\"", "performed").as_str(),
        );
    }

    #[test]
    fn the_default_user_is_not_opened_by_saying_nothing_of_it() {
        let mut node = node(&[("aclfile", "/users.acl"), ("requirepass", "secret")]);
        write(&node, "user alice on nopass\n");
        node.converse("AUTH secret -> +OK; ACL LOAD -> +OK; c2> GET k -> -NOAUTH; c2> AUTH secret -> +OK");
    }

    #[test]
    fn only_with_a_file() {
        check(
            "ACL LOAD -> -ERR This Redis instance is not configured to use an ACL file.; ACL SAVE -> -ERR This Redis instance is not",
        );
    }
}
