//! INFO cluster

use super::Look;
use super::page::Page;
use exec::options::CLUSTER_ENABLED;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    page.field("cluster_enabled", u8::from(look.ctx.node.config.get(&CLUSTER_ENABLED)));
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn on_or_off() {
        node(&[]).converse("INFO cluster -> \"# Cluster\\r\\ncluster_enabled:0\\r\\n\"");
        node(&[("cluster-enabled", "yes")]).converse("INFO cluster -> \"# Cluster\\r\\ncluster_enabled:1\\r\\n\"");
    }
}
