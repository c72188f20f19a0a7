//! BGSAVE [SCHEDULE | CANCEL]
//!
//! Begins a snapshot of this moment, which is written while clients go on. SCHEDULE waits for a rewrite of the append-only file
//! to end; CANCEL (of Valkey) gives up what is being written, or what was scheduled.

use super::saver;
use exec::seams::Start;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group, Reach};

pub static BGSAVE: Command = Command {
    name: "BGSAVE",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    // The snapshot begins at one moment.
    reach: Reach::World,
    summary: "Writes a snapshot of all data to disk, in the background.",
    history: &[("3.2.2", "Added the option SCHEDULE."), ("8.1.0", "Added the option CANCEL (Valkey).")],
    docs: &[Arg {
        name: "operation",
        kind: ArgKind::OneOf,
        optional: true,
        args: &[
            Arg {
                name: "schedule",
                kind: ArgKind::PureToken,
                token: Some("SCHEDULE"),
                since: Some("3.2.2"),
                ..Arg::BASE
            },
            Arg { name: "cancel", kind: ArgKind::PureToken, token: Some("CANCEL"), since: Some("8.1.0"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let start = match args.len() {
        1 => Start::Background { schedule: false },
        2 if args.is(1, "SCHEDULE") => Start::Background { schedule: true },
        2 if args.is(1, "CANCEL") => Start::Cancel,
        _ => return Err(Error::Syntax),
    };
    let status = saver(ctx)?.start(&mut ctx.db, start, None)?;
    ctx.reply.simple(status);
    Ok(())
}
