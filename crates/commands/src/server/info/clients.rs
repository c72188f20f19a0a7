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
    let (blocking_keys, blocking_keys_on_nokey) = exec::block::count_keys(&mut look.ctx.db);
    let crowd = look.crowd();
    page.fields(&[
        ("client_recent_max_input_buffer", recent.input),
        ("client_recent_max_output_buffer", recent.output),
        ("blocked_clients", node.clients.blocked.load(Relaxed)),
        ("tracking_clients", crowd.tracking),
        ("pubsub_clients", crowd.pubsub),
        ("watching_clients", crowd.watching),
        ("total_watched_keys", crowd.watched_keys),
        ("total_blocking_keys", blocking_keys),
        ("total_blocking_keys_on_nokey", blocking_keys_on_nokey),
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

    #[test]
    fn keys_that_somebody_waits_for() {
        let mut node = node(&[]);
        let keys = |node: &mut testkit::TestNode| {
            ["total_blocking_keys", "total_blocking_keys_on_nokey"].map(|name| field(node, "INFO clients", name))
        };
        assert_eq!(keys(&mut node), ["0", "0"]);
        node.converse("XGROUP CREATE s g $ MKSTREAM; c2> XREAD BLOCK 0 STREAMS a s $ $ -> parked");
        node.converse("c3> XREADGROUP GROUP g c BLOCK 0 STREAMS s > -> parked");
        assert_eq!(keys(&mut node), ["2", "1"]);
        node.converse("DEL s; c3> <- -NOGROUP");
        assert_eq!(keys(&mut node), ["2", "0"]);
    }
}
