//! INFO threads: how the clients are spread over the event loops. Redis's first thread only runs commands;
//! here all of them do all of it.

use super::Look;
use super::page::Page;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    for (thread, clients) in look.crowd().by_thread.iter().enumerate() {
        page.field(&format!("io_thread_{thread}"), format_args!("clients={clients}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;

    #[test]
    fn one_line_a_thread() {
        let mut node = node(&[]);
        node.converse("PING; c2> PING");
        assert_eq!(field(&mut node, "INFO threads", "io_thread_0"), "clients=2");
    }
}
