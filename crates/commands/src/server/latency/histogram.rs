//! LATENCY HISTOGRAM [command …]
//!
//! For each command that was called: how many calls, and how many of them took at most 1, 2, 4 …
//! microseconds (only bounds at which the count grew).

use super::FLAGS;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};
use kit::metric::Histogram;

pub static HISTOGRAM: Command = Command {
    name: "HISTOGRAM",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = commands",
    summary: "Returns how long commands take.",
    tips: super::TIPS,
    docs: &[Arg { name: "command", optional: true, multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let commands = &ctx.node.commands;
    let mut numbers: Vec<u16> = Vec::new();
    if args.len() == 2 {
        numbers.extend(commands.all());
    }
    for name in args.iter_from(2) {
        let Some(number) = commands.find_full(name) else { continue };
        numbers.push(number);
        // A container stands for its subcommands.
        numbers.extend(&commands.row(number).subcommands);
    }
    let called = numbers.into_iter().filter_map(|number| Some((number, ctx.node.command_stats.latency(number)?)));
    let called: Vec<(u16, Histogram)> = called.collect();
    ctx.reply.map(called.len());
    for (number, histogram) in &called {
        ctx.reply.bulk_str(&commands.row(*number).full_name);
        ctx.reply.map(2);
        ctx.reply.bulk_str("calls");
        ctx.reply.int(histogram.count() as i64);
        ctx.reply.bulk_str("histogram_usec");
        let bounds = cumulative(histogram);
        ctx.reply.map(bounds.len());
        for (micros, count) in bounds {
            ctx.reply.int(micros as i64);
            ctx.reply.int(count as i64);
        }
    }
    Ok(())
}

/// Powers of two of microseconds, with the number of calls that took at most that.
fn cumulative(histogram: &Histogram) -> Vec<(u64, u64)> {
    let mut bounds: Vec<(u64, u64)> = Vec::new();
    let mut sum = 0;
    for (last_ns, count) in histogram.buckets() {
        if count == 0 {
            continue;
        }
        sum += count;
        let micros = last_ns.div_ceil(1000).max(1).next_power_of_two();
        match bounds.last_mut() {
            Some((bound, total)) if *bound == micros => *total = sum,
            _ => bounds.push((micros, sum)),
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn counts_up() {
        let histogram = Histogram::default();
        for ns in [100, 900, 1_500, 1_600, 50_000] {
            histogram.record(ns);
        }
        assert_eq!(cumulative(&histogram), [(1, 2), (2, 4), (64, 5)]);
    }

    #[test]
    fn shows_called_commands_only() {
        check(
            "LATENCY HISTOGRAM nosuch echo -> []; ECHO a; LATENCY HISTOGRAM echo -> [echo [calls :1 histogram_usec *]]; CLIENT ID; CLIENT GETNAME; LATENCY HISTOGRAM client -> [client|getname * client|id *]; LATENCY HISTOGRAM client|id -> [client|id *]",
        );
    }
}
