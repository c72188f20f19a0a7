//! ACL GETUSER user
//!
//! As Redis shows it, and beside the channels Valkey's list of databases.

use super::ADMIN;
use exec::acl::ShownSet;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};
use proto::Reply;

pub static GETUSER: Command = Command {
    name: "GETUSER",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(3),
    flags: ADMIN,
    complexity: "O(N), N = rules of the user",
    summary: "Shows a user's rules.",
    history: &[("6.2.0", "Channel patterns."), ("7.0.0", "Selectors; patterns are shown as the rules that make them.")],
    docs: &[Arg { name: "username", ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(user) = ctx.node.acl.get(args.get(2)) else {
        ctx.reply.null();
        return Ok(());
    };
    let rules = user.rules();
    let reply = &mut *ctx.reply;
    reply.map(7);
    reply.bulk_str("flags");
    let flags = rules.flags();
    reply.set(flags.len());
    for flag in flags {
        reply.bulk_str(flag);
    }
    reply.bulk_str("passwords");
    let passwords = rules.shown_passwords();
    reply.array(passwords.len());
    for hash in passwords {
        reply.bulk_str(&hash);
    }
    let sets: Vec<ShownSet> = rules.shown_sets().collect();
    let Some((root, others)) = sets.split_first() else { return Ok(()) };
    show(reply, root);
    reply.bulk_str("selectors");
    reply.array(others.len());
    for other in others {
        reply.map(4);
        show(reply, other);
    }
    Ok(())
}

fn show(reply: &mut Reply, set: &ShownSet) {
    reply.bulk_str("commands");
    reply.bulk_str(&set.commands);
    reply.bulk_str("keys");
    reply.bulk(&set.keys);
    reply.bulk_str("channels");
    reply.bulk(&set.channels);
    reply.bulk_str("databases");
    reply.bulk_str(&set.databases);
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn shows() {
        check(
            "ACL GETUSER default -> [flags [on nopass sanitize-payload] passwords [] commands \"+@all\" keys ~* channels &* databases alldbs selectors []]
             ACL SETUSER u >p +get -@string %R~a ~b &c db=1,0 (+set ~x)
             ACL GETUSER u -> [flags [off sanitize-payload] passwords [148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940]
                 commands \"-@all +get -@string\" keys \"%R~a ~b\" channels &c databases db=0,1
                 selectors [[commands \"-@all +set\" keys ~x channels \"\" databases alldbs]]]
             ACL GETUSER nobody -> nil; HELLO 3; ACL GETUSER default -> %[flags ~[on nopass sanitize-payload] passwords [] commands \"+@all\" keys ~* channels &* databases alldbs selectors []]"
                .replace("\n                 ", " ").as_str(),
        );
    }
}
