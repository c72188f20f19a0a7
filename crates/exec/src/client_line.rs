//! One client as CLIENT LIST and CLIENT INFO show it.

use crate::client::{ClientRecord, flag};
use crate::node::Node;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// `name=value` pairs in Redis's order, without a line end.
pub fn line(node: &Node, record: &ClientRecord) -> String {
    let now = node.now().0;
    let names = record.names.lock().clone();
    let mut line = String::with_capacity(512);
    let number = record.command.load(Relaxed);
    let command = match u16::try_from(number) {
        Ok(number) if usize::from(number) < node.commands.len() => node.commands.row(number).full_name.as_str(),
        _ => "NULL",
    };
    let events = if record.wants_write.load(Relaxed) { "rw" } else { "r" };
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} watch={} \
         qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={events} \
         cmd={command} user={} redir={} resp={} lib-name={} lib-ver={} io-thread={} tot-net-in={} tot-net-out={} \
         tot-cmds={}",
        record.id.0,
        record.addr,
        record.laddr,
        record.fd,
        names.name,
        (now - record.created_ms).max(0) / 1000,
        (now - record.last_ms.load(Relaxed)).max(0) / 1000,
        flags(record.flags.load(Relaxed)),
        record.db.load(Relaxed),
        record.subscriptions.load(Relaxed),
        record.patterns.load(Relaxed),
        record.shard_subscriptions.load(Relaxed),
        record.multi.load(Relaxed),
        record.watching.load(Relaxed),
        record.query_len.load(Relaxed),
        record.query_free.load(Relaxed),
        record.argv_mem.load(Relaxed),
        record.multi_mem.load(Relaxed),
        record.reply_size.load(Relaxed),
        record.reply_peak.load(Relaxed),
        record.out_len.load(Relaxed),
        record.out_chunks.load(Relaxed),
        record.out_mem.load(Relaxed),
        record.total_mem.load(Relaxed),
        names.user,
        if record.has(flag::TRACKING) { record.redirect.load(Relaxed) as i64 } else { -1 },
        record.resp.load(Relaxed),
        names.lib_name,
        names.lib_ver,
        record.thread.load(Relaxed),
        record.net_in.load(Relaxed),
        record.net_out.load(Relaxed),
        record.commands.load(Relaxed),
    );
    line
}

/// The letters of a client's state, `N` for none.
pub fn flags(bits: u32) -> String {
    let letters: String = flag::LETTERS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| *letter).collect();
    if letters.is_empty() { "N".into() } else { letters }
}
