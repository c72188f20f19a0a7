//! CONFIG RESETSTAT
//!
//! What INFO and LATENCY HISTOGRAM count begins anew: counters, errors, commands. What is measured now (memory, clients)
//! stays.

use super::{FLAGS, TIPS};
use exec::{Args, Arity, Command, Ctx, Error, Group};
use std::sync::atomic::Ordering::Relaxed;

pub static RESETSTAT: Command = Command {
    name: "RESETSTAT",
    group: Group::Server,
    since: "2.0.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Begins the statistics anew.",
    tips: TIPS,
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.node.tallies.reset();
    ctx.node.command_stats.reset();
    ctx.node.error_stats.reset();
    ctx.node.samples.reset();
    ctx.node.lock_waits.reset();
    ctx.node.log.times().reset();
    ctx.node.freer.count_anew();
    ctx.node.scripts.evicted.store(0, Relaxed);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;
    use exec::metrics::KEYSPACE_MISSES;

    #[test]
    fn begins_anew() {
        let mut node = node(&[]);
        node.converse("GET none -> nil; GET -> -ERR wrong number; SET k -> -ERR wrong number");
        assert_eq!((node.node.tallies.sum(&KEYSPACE_MISSES), node.node.error_stats.all().is_empty()), (1, false));
        node.converse("CONFIG RESETSTAT -> +OK; CONFIG RESETSTAT x -> -ERR wrong number of arguments for 'config|resetstat' command");
        assert_eq!(node.node.tallies.sum(&KEYSPACE_MISSES), 0);
        let get = node.node.commands.find(b"get").unwrap();
        let reset = node.node.commands.find_full(b"config|resetstat").unwrap();
        assert!(node.node.command_stats.latency(get).is_none_or(|histogram| histogram.count() == 0));
        assert_eq!(node.node.command_stats.summary(reset).calls, 1, "counted after it has run");
    }
}
