//! INFO errorstats: errors sent to clients, by their first word.

use super::Look;
use super::page::Page;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    for (prefix, count) in look.ctx.node.error_stats.all() {
        // A code that an application made up must not break the lines.
        let prefix: String = prefix.chars().map(|c| if matches!(c, ':' | '\r' | '\n') { '_' } else { c }).collect();
        page.field(&format!("errorstat_{prefix}"), format_args!("count={count}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::info;
    use crate::node;

    #[test]
    fn by_first_word() {
        let mut node = node(&[]);
        assert_eq!(info(&mut node, "INFO errorstats"), "# Errorstats\r\n");
        node.converse("nosuch; EXEC; MULTI; GET; EXEC");
        assert_eq!(
            info(&mut node, "INFO errorstats"),
            "# Errorstats\r\nerrorstat_ERR:count=3\r\nerrorstat_EXECABORT:count=1\r\n"
        );
    }
}
