//! SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
//!
//! Asks the process to stop, which saves first, if it is to, while nothing else runs. When all goes well there is no
//! reply: the connection ends. When the data cannot be saved the client is told and the server goes on, unless FORCE
//! says otherwise. There are no replicas to wait for, so NOW changes nothing.

use exec::node::alarm;
use exec::seams::{Mail, Stop};
use exec::session::Why;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group};
use proto::Reply;
use std::sync::Arc;

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
    let Some(process) = ctx.node.process.get() else {
        return Err(match wish.abort {
            true => Error::Static("ERR No shutdown in progress."),
            false => Error::Static("ERR Errors trying to SHUTDOWN: this process is not stopped by commands."),
        });
    };
    if wish.abort {
        if !process.abort() {
            return Err(Error::Static("ERR No shutdown in progress."));
        }
        ctx.reply.ok();
        return Ok(());
    }
    if !wish.nosave && ctx.node.alarms.get() & alarm::BUSY_SCRIPT != 0 {
        // A snapshot would wait for the script, and nobody could end that any more.
        return Err(ctx.node.scripts.busy_error());
    }
    kit::warning!("User requested shutdown...");
    let save = if wish.save { Some(true) } else { wish.nosave.then_some(false) };
    let refused = Some(refusal(ctx));
    process.stop(Stop { save, now: wish.now, force: wish.force, refused });
    Err(ctx.wait(Why::Working, None))
}

/// Told when the server goes on after all.
fn refusal(ctx: &Ctx) -> Box<dyn FnOnce() + Send> {
    let (client, node, resp3) = (Arc::clone(&ctx.session.record), ctx.node.itself.clone(), ctx.reply.is_resp3());
    Box::new(move || {
        let Some(node) = node.upgrade() else { return };
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        reply.error(&Error::Static("ERR Errors trying to SHUTDOWN. Check logs."));
        node.send(&client, Mail::Served(client.id, reply, 0));
    })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use exec::seams::{Process, Stop};
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Default)]
    struct Stops {
        asked: Mutex<Vec<Stop>>,
    }

    impl Process for Stops {
        fn stop(&self, stop: Stop) {
            self.asked.lock().push(stop);
        }

        fn abort(&self) -> bool {
            self.asked.lock().pop().is_some()
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
        let lines = ["SHUTDOWN", "SHUTDOWN nosave nosave", "SHUTDOWN NOSAVE NOW FORCE", "SHUTDOWN SAVE FORCE"];
        for (client, line) in lines.into_iter().enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(node.ask(client, &words).is_empty(), "{line}");
        }
        let asked: Vec<_> = stops.asked.lock().iter().map(|stop| (stop.save, stop.force)).collect();
        assert_eq!(asked, [(None, false), (Some(false), false), (Some(false), true), (Some(true), true)]);
    }

    #[test]
    fn goes_on_when_it_is_refused_or_taken_back() {
        let mut node = node(&[]);
        let stops = Arc::new(Stops::default());
        assert!(node.node.process.set(stops.clone()).is_ok());
        assert!(node.ask(1, &["SHUTDOWN"]).is_empty());
        let refused = stops.asked.lock().pop().and_then(|stop| stop.refused).unwrap();
        refused();
        node.deliver();
        node.converse("<- -ERR Errors trying to SHUTDOWN. Check logs.");
        assert!(node.ask(2, &["SHUTDOWN"]).is_empty());
        node.converse("SHUTDOWN ABORT -> +OK; SHUTDOWN ABORT -> -ERR No shutdown in progress.");
    }
}
