//! LATENCY DOCTOR
//!
//! Reads the samples for a person: what was slow, how often, and what to look at.

use super::FLAGS;
use exec::latency::{Series, THRESHOLD};
use exec::{Args, Arity, Command, Ctx, Error, Group, slowlog};
use std::fmt::Write;

pub static DOCTOR: Command = Command {
    name: "DOCTOR",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Explains the latency samples.",
    tips: super::TIPS,
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let threshold = ctx.node.config.get(&THRESHOLD);
    let events = ctx.node.latency.all();
    let text = if threshold == 0 && events.is_empty() {
        "Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n".to_string()
    } else if events.is_empty() {
        format!("No event took {threshold} ms or longer since the server started or LATENCY RESET.\n")
    } else {
        report(&events, ctx.node.config.get(&slowlog::SLOWER_THAN))
    };
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn report(events: &[(&'static str, Series)], slower_than_us: i64) -> String {
    let mut text = String::from("Events that took long:\n");
    for (event, series) in events {
        let mean = series.sum_ms / series.count.max(1);
        let _ = writeln!(text, "- {event}: {} times, mean {mean} ms, worst {} ms.", series.count, series.max_ms);
    }
    text.push_str("\nWhat to look at:\n");
    let names: Vec<&str> = events.iter().map(|(event, _)| *event).collect();
    if names.iter().any(|name| name.ends_with("command")) {
        let hint = match slower_than_us {
            -1 => "the slow log is off: CONFIG SET slowlog-log-slower-than 1000, then SLOWLOG GET names the commands.",
            _ => "SLOWLOG GET names the commands; those over many elements (KEYS, big ranges) can be done in steps.",
        };
        let _ = writeln!(text, "- command: {hint}");
    }
    if names.contains(&"expire-cycle") {
        text.push_str("- expire-cycle: many keys die at one moment; spread their deadlines.\n");
    }
    if names.iter().any(|name| name.starts_with("eviction")) {
        text.push_str("- eviction: memory is at its limit; raise maxmemory or write less.\n");
    }
    let any = |names_of_event: &[&str]| names.iter().any(|name| names_of_event.contains(name));
    if any(&["aof-write-pending-fsync", "aof-fsync-always"]) {
        text.push_str(
            "- aof: the disk syncs slowly; appendfsync everysec waits for it less, a disk of its own not at all.\n",
        );
    }
    if any(&["aof-write-active-child"]) {
        text.push_str(
            "- aof: snapshots and the log share a disk; see no-appendfsync-on-rewrite and rdb-save-incremental-fsync.\n",
        );
    }
    if any(&["aof-write-alone", "aof-rename"]) {
        text.push_str("- aof: the disk is slow with nothing else to do: is something beside this server busy on it?\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn explains() {
        let mut node = node(&[]);
        node.converse("LATENCY DOCTOR -> \"Latency monitoring is off\"*");
        node.node.latency.note(1, "command", 1, 40);
        node.converse("LATENCY DOCTOR -> \"Events that took long:\\n- command: 1 times, mean 40 ms, worst 40 ms.\"*");
    }
}
