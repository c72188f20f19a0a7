//! LATENCY LATEST · LATENCY HISTORY event · LATENCY RESET [event …]

use super::{FLAGS, TIPS};
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};

pub static LATEST: Command = Command {
    name: "LATEST",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Returns the latest sample of each event.",
    tips: TIPS,
    run: latest,
    ..Command::BASE
};

pub static HISTORY: Command = Command {
    name: "HISTORY",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    summary: "Returns the samples of an event.",
    tips: TIPS,
    docs: &[Arg { name: "event", ..Arg::BASE }],
    run: history,
    ..Command::BASE
};

pub static RESET: Command = Command {
    name: "RESET",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    summary: "Forgets the samples of some or all events.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    docs: &[Arg { name: "event", optional: true, multiple: true, ..Arg::BASE }],
    run: reset,
    ..Command::BASE
};

fn latest(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let all = ctx.node.latency.all();
    let rows = all.iter().filter_map(|(event, series)| Some((event, series, series.samples.back()?)));
    let rows: Vec<_> = rows.collect();
    ctx.reply.array(rows.len());
    for (event, series, last) in rows {
        ctx.reply.array(4);
        ctx.reply.bulk_str(event);
        ctx.reply.int(last.unix_secs);
        ctx.reply.int(last.ms as i64);
        ctx.reply.int(series.max_ms as i64);
    }
    Ok(())
}

fn history(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let series = ctx.node.latency.get(&args.text(2)).unwrap_or_default();
    ctx.reply.array(series.samples.len());
    for sample in &series.samples {
        ctx.reply.array(2);
        ctx.reply.int(sample.unix_secs);
        ctx.reply.int(sample.ms as i64);
    }
    Ok(())
}

fn reset(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let names: Vec<String> = (2..args.len()).map(|i| args.text(i)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ctx.reply.int(ctx.node.latency.reset(&names) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn samples_are_shown_and_forgotten() {
        let mut node = node(&[]);
        node.node.latency.note(10, "command", 100, 20);
        node.node.latency.note(10, "command", 101, 15);
        node.node.latency.note(10, "expire-cycle", 101, 15);
        node.converse(
            "LATENCY LATEST -> [[command :101 :15 :20] [expire-cycle :101 :15 :15]]; LATENCY HISTORY command -> [[:100 :20] [:101 :15]]
             LATENCY HISTORY nosuch -> []; LATENCY RESET nosuch -> :0; LATENCY RESET command -> :1; LATENCY RESET -> :1; LATENCY LATEST -> []",
        );
    }
}
