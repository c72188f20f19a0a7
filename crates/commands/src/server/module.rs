//! MODULE LIST · MODULE LOAD · MODULE LOADEX · MODULE UNLOAD · MODULE HELP
//!
//! Redis's modules are shared libraries that reach into its memory; none can be loaded here, and the refusal says so.

use exec::options::{ENABLE_MODULE, allows};
use exec::{Arg, Args, Arity, Command, Ctx, Error, Flags, Group};

const FLAGS: Flags = Flags::ADMIN.and(Flags::NO_ASYNC_LOADING).and(Flags::NOSCRIPT).and(Flags::PROTECTED);

pub static MODULE: Command = Command {
    name: "MODULE",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for module commands.",
    subcommands: &[&HELP, &LIST, &LOAD, &LOADEX, &UNLOAD],
    ..Command::BASE
};

pub static LIST: Command = Command {
    name: "LIST",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT),
    complexity: "O(N), N = modules",
    summary: "Lists the loaded modules: none.",
    tips: &["nondeterministic_output_order"],
    run: list,
    ..Command::BASE
};

pub static LOAD: Command = Command {
    name: "LOAD",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::AtLeast(3),
    flags: FLAGS,
    summary: "Refused: modules cannot be loaded.",
    docs: &[Arg { name: "path", ..Arg::BASE }, Arg { name: "arg", optional: true, multiple: true, ..Arg::BASE }],
    run: refuse,
    ..Command::BASE
};

pub static LOADEX: Command = Command {
    name: "LOADEX",
    group: Group::Server,
    since: "7.0.0",
    arity: Arity::AtLeast(3),
    flags: FLAGS,
    summary: "Refused: modules cannot be loaded.",
    docs: &[Arg { name: "path", ..Arg::BASE }, Arg { name: "args", optional: true, multiple: true, ..Arg::BASE }],
    run: refuse,
    ..Command::BASE
};

pub static UNLOAD: Command = Command {
    name: "UNLOAD",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    summary: "Refused: there is no module.",
    docs: &[Arg { name: "name", ..Arg::BASE }],
    run: unload,
    ..Command::BASE
};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn allowed(ctx: &Ctx) -> Result<(), Error> {
    if allows(&ctx.node.config, &ENABLE_MODULE, &ctx.session.record) {
        return Ok(());
    }
    Err(Error::Static(
        "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a \
         local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    ))
}

fn list(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.array(0);
    Ok(())
}

fn refuse(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    allowed(ctx)?;
    Err(Error::Static(
        "ERR Error loading the extension. Basalt loads no modules: they are built against the memory of Redis or Valkey.",
    ))
}

fn unload(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    allowed(ctx)?;
    Err(Error::Static("ERR Error unloading module: no such module with that name"))
}

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &MODULE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn there_are_none_and_none_can_be_loaded() {
        check("MODULE LIST -> []; MODULE LOAD /tmp/x.so -> -ERR MODULE command not allowed");
        let settings = [("enable-module-command", "yes")];
        node(&settings).converse(
            "MODULE LOAD /tmp/x.so -> -ERR Error loading the extension.; MODULE UNLOAD x -> -ERR Error unloading module",
        );
    }
}
