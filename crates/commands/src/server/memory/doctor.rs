//! MEMORY DOCTOR
//!
//! Looks at the account for what usually is wrong with memory, and says it in words. The bounds are
//! Redis's, so that both find the same servers ill.

use super::account::{Account, Gap};
use crate::server::crowd::Crowd;
use exec::{Args, Arity, Command, Ctx, Error, Group, Reach};
use kit::text::human_bytes;

pub static DOCTOR: Command = Command {
    name: "DOCTOR",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    reach: Reach::Walk,
    summary: "Looks for memory problems and describes them.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run,
    ..Command::BASE
};

/// Below this nothing can be said: fixed costs outweigh the data.
const USED_BYTES_MIN: u64 = 5 << 20;
const PEAK_PERCENT_MAX: f64 = 150.0;
const RESIDENT_RATIO_MAX: f64 = 1.4;
const FRAGMENTATION_RATIO_MAX: f64 = 1.1;
const ALLOCATOR_RESIDENT_RATIO_MAX: f64 = 1.1;
const OVERHEAD_RATIO_MAX: f64 = 1.1;
/// A gap of fewer bytes is not worth a word, whatever the ratio.
const GAP_BYTES_MIN: i64 = 10 << 20;
const CLIENT_BYTES_MAX: u64 = 200 << 10;
const REPLICA_BYTES_MAX: u64 = 10 << 20;

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let crowd = Crowd::count(ctx.node);
    let account = Account::take(ctx, crowd.normal_bytes, crowd.replica_bytes);
    let replicas = ctx.node.clients.len().saturating_sub(crowd.clients) as u64;
    let text = diagnosis(&account, crowd.clients as u64, replicas);
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn diagnosis(account: &Account, clients: u64, replicas: u64) -> String {
    if account.used < USED_BYTES_MIN {
        return format!(
            "Only {} are in use. With so little nothing can be said about how memory is spent: come back when there are data.\n",
            human_bytes(account.used)
        );
    }
    let mut findings = Vec::new();
    if account.peak as f64 * 100.0 / account.used as f64 > PEAK_PERCENT_MAX {
        findings.push(format!(
            "Peak: {} are in use, but it once were {}. Memory that was freed since may still belong to the process \
             and can be filled again; the ratio of resident to used memory looks worse than it is.",
            human_bytes(account.used),
            human_bytes(account.peak)
        ));
    }
    let ill = |gap: &Gap, ratio_max: f64| gap.ratio > ratio_max && gap.bytes > GAP_BYTES_MIN;
    let resident = account.fragmentation();
    if ill(&resident, RESIDENT_RATIO_MAX) {
        findings.push(format!(
            "Resident memory: it is {:.2} times what is in use, {} more. The findings below, if there are any, say where it is.",
            resident.ratio,
            human_bytes(resident.bytes as u64)
        ));
    }
    for (gap, ratio_max, text) in [
        (
            account.allocator_fragmentation(),
            FRAGMENTATION_RATIO_MAX,
            "Fragmentation: the allocator's pages are not full, because what was freed lay between what stayed.",
        ),
        (
            account.allocator_resident(),
            ALLOCATOR_RESIDENT_RATIO_MAX,
            "Unused pages: the allocator keeps them for a while. MEMORY PURGE gives them back at once.",
        ),
        (
            account.resident_overhead(),
            OVERHEAD_RATIO_MAX,
            "Beyond the allocator: code, stacks of threads, or memory of libraries that is not counted.",
        ),
    ] {
        if ill(&gap, ratio_max) {
            findings.push(format!("{text} Ratio {:.2}, {}.", gap.ratio, human_bytes(gap.bytes as u64)));
        }
    }
    if account.normal_bytes.checked_div(clients).unwrap_or(0) > CLIENT_BYTES_MAX {
        findings.push(format!(
            "Clients: {} of buffers for {clients} of them. One sends large requests or does not read its replies; CLIENT \
             LIST shows which (tot-mem).",
            human_bytes(account.normal_bytes)
        ));
    }
    if account.replica_bytes.checked_div(replicas).unwrap_or(0) > REPLICA_BYTES_MAX {
        findings.push(format!(
            "Replicas: {} of output for {replicas} of them. One is slow, or its link is.",
            human_bytes(account.replica_bytes)
        ));
    }
    if findings.is_empty() {
        return "No memory problem was found.\n".to_string();
    }
    let findings: String = findings.iter().map(|finding| format!("\n * {finding}\n")).collect();
    format!("This is what looks wrong:\n{findings}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;
    use exec::sample::Usage;

    fn account() -> Account {
        let mut usage = Usage { resident_bytes: 110 << 20, ..Usage::default() };
        usage.allocator.allocated = 100 << 20;
        usage.allocator.active = 102 << 20;
        usage.allocator.resident = 105 << 20;
        let (used, startup) = (100 << 20, 1 << 20);
        Account { used, peak: used, startup, normal_bytes: 0, replica_bytes: 0, dbs: Vec::new(), retired: 0, usage }
    }

    #[test]
    fn each_illness_is_found() {
        assert!(diagnosis(&account(), 1, 0).starts_with("No memory problem"));
        let ill = |change: fn(&mut Account), word: &str| {
            let mut account = account();
            change(&mut account);
            let text = diagnosis(&account, 1, 1);
            assert!(text.contains(&format!(" * {word}")), "{word}: {text}");
        };
        ill(|it| it.peak = 200 << 20, "Peak");
        ill(|it| it.usage.resident_bytes = 150 << 20, "Resident");
        ill(|it| it.usage.allocator.active = 120 << 20, "Fragmentation");
        ill(|it| it.usage.allocator.resident = 120 << 20, "Unused pages");
        ill(|it| it.usage.resident_bytes = 130 << 20, "Beyond");
        ill(|it| it.normal_bytes = 1 << 20, "Clients");
        ill(|it| it.replica_bytes = 20 << 20, "Replicas");
        let tiny = Account { used: 1 << 20, peak: 1 << 30, ..account() };
        assert!(diagnosis(&tiny, 1, 0).starts_with("Only 1.00M"));
    }

    #[test]
    fn small_servers_are_let_alone() {
        check("MEMORY DOCTOR -> Only*; MEMORY DOCTOR x -> -ERR wrong number of arguments for 'memory|doctor' command");
    }
}
