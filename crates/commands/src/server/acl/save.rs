//! ACL SAVE
//!
//! Writes all users to the ACL file, whole or not at all.

use super::{ADMIN, NO_FILE};
use exec::acl::{self, ACL_FILE};
use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static SAVE: Command = Command {
    name: "SAVE",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: ADMIN,
    complexity: "O(N), N = users",
    summary: "Writes the users to the ACL file.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let path = ctx.node.config.get(&ACL_FILE);
    if path.is_empty() {
        return Err(NO_FILE);
    }
    acl::save(ctx.node).map_err(|error| {
        kit::warning!("Saving ACL file {path}: {error}");
        Error::Static(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        )
    })?;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;
    use std::path::Path;

    #[test]
    fn what_is_saved_can_be_loaded() {
        let mut node = node(&[("aclfile", "/users.acl")]);
        node.converse("ACL SETUSER eve on >p ~a:* %R~b &c (+set ~s) +@read -get; ACL SAVE -> +OK");
        let before = node.ask_line("ACL LIST");
        node.converse("ACL SETUSER eve reset; ACL SETUSER other; ACL LOAD -> +OK");
        assert_eq!(node.ask_line("ACL LIST"), before);
        let file = node.node.disk.read(Path::new("/users.acl")).unwrap();
        assert!(file.starts_with(b"user default on nopass sanitize-payload ~* &* +@all\nuser eve on "));
    }

    #[test]
    fn tells_when_it_could_not() {
        node(&[("aclfile", "/no/such/folder/users.acl")])
            .converse("ACL SAVE -> -ERR There was an error trying to save");
    }
}
