//! SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
//!
//! Saves where saving is possible, then asks the process to stop. When all goes well there is no
//! reply: the connection ends. There are no replicas to wait for, so NOW changes nothing and a
//! shutdown that ABORT could stop is never under way.
//! SAVE without persistence is refused: Redis would write a file, and who asks for it counts on it.

use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group};

pub static SHUTDOWN: Command = Command {
    name: "SHUTDOWN",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::ADMIN
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_MULTI)
        .and(Flags::SENTINEL)
        .and(Flags::ALLOW_BUSY),
    complexity: "O(N) when saving, N = keys; else O(1)",
    summary: "Saves the data, if asked to or configured so, and stops the server.",
    history: &[("7.0.0", "NOW, FORCE and ABORT.")],
    docs: &[
        Arg {
            name: "save-selector",
            kind: ArgKind::OneOf,
            optional: true,
            args: &[
                Arg { name: "nosave", kind: ArgKind::PureToken, token: Some("NOSAVE"), ..Arg::BASE },
                Arg { name: "save", kind: ArgKind::PureToken, token: Some("SAVE"), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
        word("now", "NOW"),
        word("force", "FORCE"),
        word("abort", "ABORT"),
    ],
    run,
    ..Command::BASE
};

const fn word(name: &'static str, token: &'static str) -> Arg {
    Arg { name, kind: ArgKind::PureToken, token: Some(token), since: Some("7.0.0"), optional: true, ..Arg::BASE }
}

#[derive(Default)]
struct Wish {
    save: bool,
    nosave: bool,
    now: bool,
    force: bool,
    abort: bool,
}

fn wish(args: &Args) -> Result<Wish, Error> {
    let mut wish = Wish::default();
    for i in 1..args.len() {
        let known = [
            ("SAVE", &mut wish.save),
            ("NOSAVE", &mut wish.nosave),
            ("NOW", &mut wish.now),
            ("FORCE", &mut wish.force),
            ("ABORT", &mut wish.abort),
        ];
        let (_, chosen) = known.into_iter().find(|(word, _)| args.is(i, word)).ok_or(Error::Syntax)?;
        *chosen = true;
    }
    let more = wish.save || wish.nosave || wish.now || wish.force;
    if wish.save && wish.nosave || wish.abort && more { Err(Error::Syntax) } else { Ok(wish) }
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let wish = wish(args)?;
    if wish.abort {
        return Err(Error::Static("ERR No shutdown in progress."));
    }
    let Some(process) = ctx.node.process.get() else {
        return Err(Error::Static("ERR Errors trying to SHUTDOWN: this process is not stopped by commands."));
    };
    match ctx.node.saver.get() {
        Some(saver) if !wish.nosave => {
            if let Err(cause) = saver.save() {
                kit::warning!("SHUTDOWN could not save: {cause}");
                if !wish.force {
                    return Err(Error::Static("ERR Errors trying to SHUTDOWN. Check logs."));
                }
            }
        }
        None if wish.save && !wish.force => {
            return Err(Error::Static(
                "ERR Errors trying to SHUTDOWN: nothing can be saved, this server has no persistence yet. \
                 SHUTDOWN NOSAVE stops it.",
            ));
        }
        Some(_) | None => {}
    }
    kit::warning!("User requested shutdown...");
    process.stop(wish.force);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use exec::seams::Process;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[derive(Default)]
    struct Stops {
        all: AtomicUsize,
        forced: AtomicUsize,
    }

    impl Process for Stops {
        fn stop(&self, force: bool) {
            self.all.fetch_add(1, Relaxed);
            self.forced.fetch_add(usize::from(force), Relaxed);
        }
    }

    #[test]
    fn refuses() {
        check(
            "SHUTDOWN SAVE NOSAVE -> -ERR syntax error; SHUTDOWN foo -> -ERR syntax error; SHUTDOWN ABORT NOW -> -ERR syntax error",
        );
        check(
            "SHUTDOWN abort -> -ERR No shutdown in progress.; MULTI -> +OK; SHUTDOWN -> -ERR Command not allowed inside a transaction",
        );
    }

    #[test]
    fn stops_without_a_word() {
        let mut node = node(&[]);
        let stops = Arc::new(Stops::default());
        assert!(node.node.process.set(stops.clone()).is_ok());
        node.converse("SHUTDOWN SAVE -> -ERR Errors trying to SHUTDOWN: nothing can be saved");
        for line in ["SHUTDOWN", "SHUTDOWN nosave nosave", "SHUTDOWN NOSAVE NOW FORCE", "SHUTDOWN SAVE FORCE"] {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(node.ask(1, &words).is_empty(), "{line}");
        }
        assert_eq!((stops.all.load(Relaxed), stops.forced.load(Relaxed)), (4, 2));
    }
}
