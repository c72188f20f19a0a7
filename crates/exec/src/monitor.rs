//! MONITOR: every command, as a line, to the clients that asked for it.

use crate::args::Args;
use crate::client::flag;
use crate::command::{Command, Flags};
use crate::ctx::Ctx;
use crate::node::Node;
use crate::record;
use crate::seams::Mail;
use crate::session::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Makes this client a monitor.
pub fn join(node: &Node, session: &mut Session) {
    if session.monitor {
        return;
    }
    session.monitor = true;
    session.record.set_flag(flag::MONITOR, true);
    node.monitors.lock().push(Arc::clone(&session.record));
    node.clients.monitors.fetch_add(1, Relaxed);
}

pub fn leave(node: &Node, session: &mut Session) {
    if !session.monitor {
        return;
    }
    session.monitor = false;
    session.record.set_flag(flag::MONITOR, false);
    node.monitors.lock().retain(|record| record.id != session.record.id);
    node.clients.monitors.fetch_sub(1, Relaxed);
}

pub(crate) fn feed(node: &Node, session: &Session, command: &Command, args: &Args, now_us: i64, in_script: bool) {
    if command.has_any(Flags::ADMIN.and(Flags::SKIP_MONITOR)) {
        return;
    }
    send(node, session, args, now_us, in_script);
}

fn send(node: &Node, session: &Session, args: &Args, now_us: i64, in_script: bool) {
    let line = line(node, session, args, now_us, in_script);
    let bytes: Arc<[u8]> = line.into_bytes().into();
    for monitor in node.monitors.lock().iter() {
        node.send(monitor, Mail::Push(monitor.id, Arc::clone(&bytes)));
    }
}

/// A command that skips MONITOR shows itself (EVAL, before the commands of its script).
pub fn show(ctx: &Ctx, args: &Args) {
    if ctx.node.clients.monitors.load(Relaxed) > 0 {
        send(ctx.node, ctx.session, args, ctx.node.clock.unix_us(), false);
    }
}

fn line(node: &Node, session: &Session, args: &Args, now_us: i64, in_script: bool) -> String {
    let addr = if in_script {
        "lua".to_string()
    } else if session.record.has(flag::UNIX_SOCKET) {
        format!("unix:{}", session.record.addr)
    } else {
        session.record.addr.clone()
    };
    let mut line = format!("+{}.{:06} [{} {addr}]", now_us / 1_000_000, now_us % 1_000_000, session.db);
    for word in &record::redacted(node, args) {
        line.push(' ');
        line.push_str(&kit::text::quote(word));
    }
    line.push_str("\r\n");
    line
}
