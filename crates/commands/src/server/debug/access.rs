//! Who may use DEBUG: nobody, clients of this machine, everybody (`enable-debug-command`).

use exec::options::{ENABLE_DEBUG, allows};
use exec::{Ctx, Error};

pub(super) fn check(ctx: &Ctx) -> Result<(), Error> {
    if ctx.session.internal || allows(&ctx.node.config, &ENABLE_DEBUG, &ctx.session.record) {
        return Ok(());
    }
    Err(Error::Static(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a \
         local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    ))
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn no_local_yes() {
        node(&[]).converse("DEBUG HELP -> -ERR DEBUG command not allowed. If the enable-debug-command option is set");
        for setting in ["yes", "local"] {
            node(&[("enable-debug-command", setting)]).converse("DEBUG SLEEP 0 -> +OK");
        }
    }
}
