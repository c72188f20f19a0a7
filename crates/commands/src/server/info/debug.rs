//! INFO debug, only by its name: what the event loops did at most, for looking into pauses.

use super::Look;
use super::page::Page;
use exec::metrics;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let (turn_nanos_max, turn_commands_max) = node.samples.turn_max();
    page.field("eventloop_duration_aof_sum", 0);
    page.field("eventloop_duration_cron_sum", node.tallies.sum(&metrics::CRON_NANOS) / 1000);
    page.field("eventloop_duration_max", turn_nanos_max / 1000);
    page.field("eventloop_cmd_per_cycle_max", turn_commands_max);
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;

    #[test]
    fn the_longest_turn() {
        let mut node = node(&[]);
        node.node.samples.note_turn(7_000_000, 3);
        node.node.samples.note_turn(2_000_000, 5);
        assert_eq!(field(&mut node, "INFO debug", "eventloop_duration_max"), "7000");
        assert_eq!(field(&mut node, "INFO debug", "eventloop_cmd_per_cycle_max"), "5");
    }
}
