//! INFO replication: a master without replicas, until there are replicas.

use super::Look;
use super::page::Page;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    page.field("role", "master");
    page.field("connected_slaves", 0);
    page.field("master_failover_state", "no-failover");
    page.field("master_replid", &look.ctx.node.replication_id);
    page.field("master_replid2", "0".repeat(40));
    page.field("master_repl_offset", look.ctx.node.log.position());
    page.field("second_repl_offset", -1);
    page.field("repl_backlog_active", 0);
    page.field("repl_backlog_size", look.setting("repl-backlog-size", "0"));
    page.field("repl_backlog_first_byte_offset", 0);
    page.field("repl_backlog_histlen", 0);
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;

    #[test]
    fn the_id_is_this_start_s() {
        let mut node = node(&[]);
        let id = field(&mut node, "INFO replication", "master_replid");
        assert!(id.len() == 40 && id != node.node.run_id);
        assert_eq!(field(&mut node, "INFO replication", "master_replid"), id);
        assert_eq!(field(&mut node, "INFO replication", "role"), "master");
    }
}
