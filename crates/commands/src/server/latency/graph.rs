//! LATENCY GRAPH event
//!
//! The samples of an event as a small chart: a column a sample, its age below it.

use super::FLAGS;
use exec::latency::Series;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};

pub static GRAPH: Command = Command {
    name: "GRAPH",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    summary: "Draws the samples of an event.",
    tips: super::TIPS,
    docs: &[Arg { name: "event", ..Arg::BASE }],
    run,
    ..Command::BASE
};

const COLUMNS_MAX: usize = 80;
const ROWS: u64 = 4;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let event = args.text(2);
    let Some(series) = ctx.node.latency.get(&event).filter(|series| !series.samples.is_empty()) else {
        return Err(Error::text(format!("ERR No samples available for event '{event}'")));
    };
    let text = draw(&event, &series, ctx.now().secs());
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn draw(event: &str, series: &Series, now_secs: i64) -> String {
    let skip = series.samples.len().saturating_sub(COLUMNS_MAX);
    let shown: Vec<_> = series.samples.iter().skip(skip).collect();
    let high = shown.iter().map(|sample| sample.ms).max().unwrap_or(0);
    let low = shown.iter().map(|sample| sample.ms).min().unwrap_or(0);
    let mut text =
        format!("{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n", series.max_ms, "-".repeat(80));
    for row in (0..ROWS).rev() {
        for sample in &shown {
            let height = if high == low { ROWS } else { 1 + (sample.ms - low) * (ROWS - 1) / (high - low) };
            text.push(match height.cmp(&(row + 1)) {
                std::cmp::Ordering::Less => ' ',
                std::cmp::Ordering::Equal => '#',
                std::cmp::Ordering::Greater => '|',
            });
        }
        text.push('\n');
    }
    text.push('\n');
    // Ages are written downwards, a column each.
    let ages: Vec<Vec<char>> = shown.iter().map(|sample| age(now_secs - sample.unix_secs).chars().collect()).collect();
    for line in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|age| age.get(line).copied().unwrap_or(' ')));
        text.push('\n');
    }
    text
}

fn age(secs: i64) -> String {
    match secs.max(0) {
        secs @ 0..60 => format!("{secs}s"),
        secs @ 60..3600 => format!("{}m", secs / 60),
        secs @ 3600..86_400 => format!("{}h", secs / 3600),
        secs => format!("{}d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn draws() {
        let mut node = node(&[]);
        node.node.latency.note(1, "command", 1_767_225_500, 500);
        node.node.latency.note(1, "command", 1_767_225_590, 300);
        node.converse("LATENCY GRAPH command -> \"command - high 500 ms, low 300 ms (all time high 500 ms)\\n\"*; LATENCY GRAPH nosuch -> -ERR No samples available for event 'nosuch'");
    }
}
