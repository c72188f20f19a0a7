//! DEBUG CONFIG-REWRITE-FORCE-ALL

use crate::server::config::rewrite::rewrite_file;
use exec::{Args, Ctx, Error};

pub(super) fn force_all(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    rewrite_file(ctx.node, true)?;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn writes_what_is_at_its_default() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("DEBUG CONFIG-REWRITE-FORCE-ALL -> -ERR The server is running without a config file");
        node.node.config_file.set("/basalt.conf".into()).unwrap();
        node.converse("DEBUG CONFIG-REWRITE-FORCE-ALL -> +OK");
        let file = String::from_utf8(node.node.disk.read(Path::new("/basalt.conf")).unwrap()).unwrap();
        assert!(file.lines().any(|line| line == "maxmemory-samples 5"), "{file}");
    }
}
