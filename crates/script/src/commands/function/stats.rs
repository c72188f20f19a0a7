//! FUNCTION STATS: who runs, and how much there is.

use super::BASE;
use crate::{libraries, machine};
use exec::{Args, Arity, Command, Ctx, Error, Flags};

pub static STATS: Command = Command {
    name: "STATS",
    arity: Arity::Exactly(2),
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    summary: "The function or script that runs, and counts of libraries and functions.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let running = ctx.node.scripts.running();
    let machine = machine::of(ctx.node);
    let (library_count, function_count) =
        libraries::with_current(&machine, ctx.node, |set| (set.libraries().len(), set.function_count()));
    let now_ns = ctx.node.clock.mono_ns();
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk_str("running_script");
    // Of many the one that runs longest.
    match running.iter().min_by_key(|running| running.started_ns) {
        None => reply.null(),
        Some(running) => {
            reply.map(3);
            reply.bulk_str("name");
            reply.bulk_str(&running.name);
            reply.bulk_str("command");
            reply.array(running.words.len());
            for word in &running.words {
                reply.bulk(word);
            }
            reply.bulk_str("duration_ms");
            reply.int((now_ns.saturating_sub(running.started_ns) / 1_000_000) as i64);
        }
    }
    reply.bulk_str("engines");
    reply.map(1);
    reply.bulk_str("LUA");
    reply.map(2);
    reply.bulk_str("libraries_count");
    reply.int(library_count as i64);
    reply.bulk_str("functions_count");
    reply.int(function_count as i64);
    Ok(())
}

#[test]
fn stats() {
    crate::commands::check(
        "FUNCTION STATS -> [running_script nil engines [LUA [libraries_count :0 functions_count :0]]]",
    );
}
