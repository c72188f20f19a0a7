//! INFO clients. The two peaks are those of the last eight seconds.

use super::Look;
use super::page::Page;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let crowd = look.crowd();
    let recent = node.samples.recent_buffers();
    page.fields(&[("connected_clients", crowd.clients), ("cluster_connections", 0)]);
    page.field("maxclients", look.setting("maxclients", "0"));
    let crowd = look.crowd();
    page.fields(&[
        ("client_recent_max_input_buffer", recent.input),
        ("client_recent_max_output_buffer", recent.output),
        ("blocked_clients", node.clients.blocked.load(Relaxed)),
        ("tracking_clients", crowd.tracking),
        ("pubsub_clients", crowd.pubsub),
        ("watching_clients", crowd.watching),
        ("total_watched_keys", crowd.watched_keys),
        ("total_blocking_keys", 0),
        ("total_blocking_keys_on_nokey", 0),
    ]);
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;

    #[test]
    fn counts() {
        let mut node = node(&[]);
        node.converse(
            "WATCH a b -> +OK; c2> WATCH a -> +OK; c3> PING -> +PONG; CLIENT PAUSE 100 WRITE; c3> SET k v -> parked",
        );
        let mut field = |name: &str| field(&mut node, "INFO clients", name);
        for (name, value) in [
            ("connected_clients", "3"),
            ("blocked_clients", "1"),
            ("watching_clients", "2"),
            ("total_watched_keys", "3"),
            ("pubsub_clients", "0"),
            ("tracking_clients", "0"),
        ] {
            assert_eq!(field(name), value, "{name}");
        }
    }
}
