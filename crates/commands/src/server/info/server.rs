//! INFO server: what runs here, where and since when.

use super::Look;
use super::page::Page;
use exec::options::CLUSTER_ENABLED;
use exec::version;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let now = look.ctx.now();
    let uptime_secs = now.since_ms(node.started_ms.into()).max(0) / 1000;
    page.field("redis_version", version::REDIS);
    page.field("server_name", "basalt");
    page.field("basalt_version", version::BASALT);
    page.field("redis_git_sha1", "00000000");
    page.field("redis_git_dirty", 0);
    page.field("redis_mode", if node.config.get(&CLUSTER_ENABLED) { "cluster" } else { "standalone" });
    page.field("os", &node.samples.machine().system);
    page.field("arch_bits", usize::BITS);
    page.field("multiplexing_api", "epoll");
    page.field("process_id", kit::process::id());
    page.field("process_supervised", "no");
    page.field("run_id", &node.run_id);
    page.field("tcp_port", node.port.load(Relaxed));
    page.field("server_time_usec", node.clock.unix_us());
    page.field("uptime_in_seconds", uptime_secs);
    page.field("uptime_in_days", uptime_secs / 86_400);
    let hz = look.setting("hz", "10");
    page.field("hz", &hz);
    page.field("configured_hz", &hz);
    page.field("lru_clock", now.secs() & 0xff_ffff);
    page.field("executable", &node.executable);
    page.field("config_file", node.config_file.get().map_or("", String::as_str));
    page.field("io_threads_active", u8::from(node.threads > 1));
    listeners(page, look);
}

fn listeners(page: &mut Page, look: &Look) {
    let port = look.ctx.node.port.load(Relaxed);
    let socket = look.setting("unixsocket", "");
    let mut number = 0;
    let mut add = |text: String| {
        page.field(&format!("listener{number}"), text);
        number += 1;
    };
    let bind = look.setting("bind", "");
    let binds: String = bind.split_ascii_whitespace().map(|address| format!("bind={address},")).collect();
    // Without a port of its own the node's is that of encrypted connections.
    if port != 0 && look.setting("port", "any") != "0" {
        add(format!("name=tcp,{binds}port={port}"));
    }
    if !socket.is_empty() {
        add(format!("name=unix,bind={socket}"));
    }
    let tls_port = look.setting("tls-port", "0");
    if tls_port != "0" {
        add(format!("name=tls,{binds}port={tls_port}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn tells_what_runs() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        node.node.port.store(7000, Relaxed);
        node.advance(86_400_000 * 2 + 5000);
        let mut field = |name: &str| field(&mut node, "INFO server", name);
        for (name, value) in [
            ("redis_version", exec::version::REDIS),
            ("redis_mode", "cluster"),
            ("tcp_port", "7000"),
            ("uptime_in_seconds", "172805"),
            ("uptime_in_days", "2"),
            ("server_time_usec", "1767398405000000"),
            ("config_file", ""),
            ("listener0", "name=tcp,port=7000"),
        ] {
            assert_eq!(field(name), value, "{name}");
        }
        assert_eq!(field("run_id").len(), 40);
        assert_eq!(field("process_id"), std::process::id().to_string());
    }
}
