//! ACL LOG [count | RESET]
//!
//! What was refused of late: commands, keys, channels, databases, passwords.

use super::{ADMIN, too_many};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Group};

pub static LOG: Command = Command {
    name: "LOG",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(2),
    flags: ADMIN,
    complexity: "O(N), N = entries shown",
    summary: "Shows what was refused of late.",
    history: &[("7.2.0", "Entry ids and times.")],
    docs: &[Arg {
        name: "operation",
        kind: ArgKind::OneOf,
        optional: true,
        args: &[Arg { name: "count", kind: ArgKind::Integer, ..Arg::BASE }, Arg::token("reset", "RESET")],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

const COUNT_DEFAULT: usize = 10;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let log = &ctx.node.acl.log;
    let count = match args.len() {
        2 => COUNT_DEFAULT,
        3 if args.is(2, "RESET") => {
            log.clear();
            ctx.reply.ok();
            return Ok(());
        }
        3 => usize::try_from(args.int(2)?).unwrap_or(0),
        _ => return Err(too_many("LOG")),
    };
    let now = ctx.now();
    let entries = log.newest(count);
    let reply = &mut *ctx.reply;
    reply.array(entries.len());
    for entry in entries {
        reply.map(10);
        reply.bulk_str("count");
        reply.int(entry.count as i64);
        reply.bulk_str("reason");
        reply.bulk_str(entry.refused.reason);
        reply.bulk_str("context");
        reply.bulk_str(entry.refused.context.name());
        reply.bulk_str("object");
        reply.bulk(&entry.refused.object);
        reply.bulk_str("username");
        reply.bulk(&entry.refused.username);
        reply.bulk_str("age-seconds");
        reply.double(now.since_ms(entry.updated).max(0) as f64 / 1000.0);
        reply.bulk_str("client-info");
        reply.bulk_str(&entry.refused.client_info);
        reply.bulk_str("entry-id");
        reply.int(entry.id as i64);
        reply.bulk_str("timestamp-created");
        reply.int(entry.created.0);
        reply.bulk_str("timestamp-last-updated");
        reply.int(entry.updated.0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn tells_what_was_refused() {
        let mut node = node(&[]);
        node.converse(
            "ACL SETUSER bob on >p ~a +get +multi +exec +publish; c2> AUTH bob wrong; c2> AUTH bob p -> +OK
             c2> SET a 1; c2> GET b; c2> GET b; c2> PUBLISH ch x; c2> MULTI; c2> DEL a; c2> EXEC -> -EXECABORT",
        );
        let entries = node.node.acl.log.newest(10);
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                let refused = &entry.refused;
                let (object, user) =
                    (String::from_utf8_lossy(&refused.object), String::from_utf8_lossy(&refused.username));
                format!("{} {} {} {} {object} {user}", entry.id, entry.count, refused.reason, refused.context.name())
            })
            .collect();
        assert_eq!(
            seen,
            [
                "4 1 command multi del bob",
                "3 1 channel toplevel ch bob",
                "2 2 key toplevel b bob",
                "1 1 command toplevel set bob",
                "0 1 auth toplevel AUTH bob"
            ]
        );
        assert!(entries[1].refused.client_info.contains(" cmd=publish user=bob "), "{:?}", entries[1]);
        node.converse(
            "~1500ms; ACL LOG 1 -> [[count :1 reason command context multi object del username bob age-seconds 1.5 client-info id=2* entry-id :4 timestamp-created :1767225600000 timestamp-last-updated :1767225600000]]
             ACL LOG RESET -> +OK; ACL LOG -> []; ACL LOG x -> -ERR value is not an integer; ACL LOG -1 -> []; ACL LOG 1 2 -> -ERR unknown subcommand or wrong number of arguments for 'LOG'",
        );
        let info = String::from_utf8(node.ask(1, &["INFO", "stats"])).unwrap();
        for line in ["denied_auth:1", "denied_cmd:2", "denied_key:2", "denied_channel:1", "denied_db:0"] {
            assert!(info.contains(&format!("acl_access_{line}\r")), "{line} in {info}");
        }
    }
}
