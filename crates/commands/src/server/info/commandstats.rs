//! INFO commandstats: a line for each command and subcommand that was called or refused.

use super::Look;
use super::page::Page;
use exec::stats::Summary;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    for number in node.commands.all() {
        let Summary { calls, nanos, rejected, failed } = node.command_stats.summary(number);
        if calls == 0 && rejected == 0 && failed == 0 {
            continue;
        }
        let usec_per_call = if calls == 0 { 0.0 } else { nanos as f64 / 1000.0 / calls as f64 };
        page.field(
            &format!("cmdstat_{}", node.commands.row(number).full_name),
            format_args!(
                "calls={calls},usec={},usec_per_call={usec_per_call:.2},rejected_calls={rejected},failed_calls={failed}",
                nanos / 1000
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{field, info};
    use crate::node;

    #[test]
    fn calls_refusals_and_failures() {
        let mut node = node(&[]);
        node.converse("SET k v; GET k; GET; EXEC; CLIENT ID; CLIENT KILL");
        let mut field = |name: &str| field(&mut node, "INFO commandstats", name);
        assert_eq!(field("cmdstat_get"), "calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
        assert_eq!(field("cmdstat_exec"), "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1");
        assert_eq!(field("cmdstat_client|id"), "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0");
        assert_eq!(field("cmdstat_client|kill"), "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
        assert!(!info(&mut node, "INFO commandstats").contains("cmdstat_del"));
    }
}
