//! CONFIG SET name value [name value …]
//!
//! All or nothing: every pair is checked and put in place, then carried out (`Node::appliers`); what fails takes all of
//! it back, and what was carried out already is carried out again with the old values. One CONFIG SET runs at a time.
//! The error names the first pair that is to blame.

use super::{FLAGS, TIPS};
use exec::node::{Node, alarm};
use exec::options::{ENABLE_PROTECTED, allows, apply_all};
use exec::seams::{Mail, Saved};
use exec::session::Why;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Group};
use kit::opt::{AnyOpt, Change};
use kit::text::eq_ignore_case;
use proto::Reply;
use std::sync::Arc;

pub static SET: Command = Command {
    name: "SET",
    group: Group::Server,
    since: "2.0.0",
    arity: Arity::AtLeast(4),
    flags: FLAGS,
    complexity: "O(N), N = options set",
    summary: "Sets options while the server runs.",
    history: &[("7.0.0", "Takes several options.")],
    tips: TIPS,
    docs: &[Arg {
        name: "data",
        kind: ArgKind::Block,
        multiple: true,
        args: &[Arg { name: "parameter", ..Arg::BASE }, Arg { name: "value", ..Arg::BASE }],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let words: Vec<&[u8]> = args.iter_from(2).collect();
    let mut pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let node = ctx.node;
    let may_change_protected = allows(&node.config, &ENABLE_PROTECTED, &ctx.session.record);
    for (i, (name, value)) in pairs.iter().enumerate() {
        let opt = known(node, name)?;
        if !says_what_is(node, opt, value) {
            refusal(node, opt, may_change_protected).map_or(Ok(()), |reason| Err(reason(name)))?;
        }
        if pairs[..i].iter().any(|(other, _)| eq_ignore_case(other, name)) {
            return Err(failed(name, "duplicate parameter"));
        }
    }
    pairs.retain(|(name, value)| !known(node, name).is_ok_and(|opt| says_what_is(node, opt, value)));
    let turns_log = {
        let _turn = node.config_turn.lock();
        let (mut undo, mut again) = (Vec::new(), Vec::new());
        put_in_place(node, &pairs, &mut undo, &mut again)?;
        carry_out(node, &mut undo, &again)?;
        undo.iter().any(|(_, change)| change.opt.name() == APPEND_ONLY)
    };
    // It is answered when the log is on, with its files there, or closed.
    if turns_log
        && ctx.may_wait()
        && let Some(saver) = node.saver.get().cloned()
        && saver.log_settles(answer_later(ctx))
    {
        return Err(ctx.wait(Why::Working, None));
    }
    ctx.reply.ok();
    Ok(())
}

const APPEND_ONLY: &str = "appendonly";

fn answer_later(ctx: &Ctx) -> Saved {
    let (client, node, resp3) = (Arc::clone(&ctx.session.record), ctx.node.itself.clone(), ctx.reply.is_resp3());
    Box::new(move |settled| {
        let Some(node) = node.upgrade() else { return };
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        match settled {
            Ok(()) => reply.ok(),
            Err(why) => reply
                .error(&failed(APPEND_ONLY.as_bytes(), &format!("Unable to turn on AOF. Check server logs. ({why})"))),
        }
        node.send(&client, Mail::Served(client.id, reply, 0));
    })
}

fn known(node: &Node, name: &[u8]) -> Result<&'static dyn AnyOpt, Error> {
    if let Some(opt) = node.config.find(name).filter(|opt| !opt.traits().file_only) {
        return Ok(opt);
    }
    let shown = String::from_utf8_lossy(name);
    let hint = node.config.nearest(name).map_or(String::new(), |near| format!(", did you mean '{near}'?"));
    Err(Error::err(format!("Unknown option or number of arguments for CONFIG SET - '{shown}'{hint}")))
}

/// An immutable option is given the value it has: who sets back all that CONFIG GET showed may do so.
fn says_what_is(node: &Node, opt: &dyn AnyOpt, value: &[u8]) -> bool {
    opt.traits().immutable && node.config.show(opt.name()).is_some_and(|shown| shown.as_bytes() == value)
}

type Refusal = fn(&[u8]) -> Error;

/// Why this option may not be changed now.
fn refusal(node: &Node, opt: &dyn AnyOpt, may_change_protected: bool) -> Option<Refusal> {
    let traits = opt.traits();
    if traits.immutable {
        return Some(|name| failed(name, "can't set immutable config"));
    }
    if traits.protected && !may_change_protected {
        return Some(|name| failed(name, "can't set protected config"));
    }
    if traits.not_while_loading && node.alarms.get() & (alarm::LOADING | alarm::ASYNC_LOADING) != 0 {
        return Some(|_| Error::Loading);
    }
    None
}

fn failed(name: &[u8], reason: &str) -> Error {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Error::err(format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
}

/// Names of changed options as they were given, each with the change that takes it back.
type Undo = Vec<(String, Change)>;

/// Names of options as they were given, and their own, which were set to what they were and name a file.
type Again = Vec<(String, &'static str)>;

fn put_in_place(node: &Node, pairs: &[(&[u8], &[u8])], undo: &mut Undo, again: &mut Again) -> Result<(), Error> {
    for (name, value) in pairs {
        match node.config.parse(name, &[value]) {
            Ok(change) => {
                let opt = change.opt;
                let given = String::from_utf8_lossy(name).into_owned();
                match node.config.swap(change) {
                    Some(old) => undo.push((given, old)),
                    None if opt.traits().names_file => again.push((given, opt.name())),
                    None => {}
                }
            }
            Err(reason) => {
                take_back(node, undo);
                return Err(failed(name, &reason));
            }
        }
    }
    Ok(())
}

fn carry_out(node: &Node, undo: &mut Undo, again: &Again) -> Result<(), Error> {
    apply_all(node);
    let concerned = |options: &[&str]| {
        let changed = undo.iter().map(|(given, change)| (given, change.opt.name()));
        let set = again.iter().map(|(given, name)| (given, *name));
        changed.chain(set).find(|(_, name)| options.contains(name))
    };
    let mut done = Vec::new();
    for applier in node.appliers.get().into_iter().flatten() {
        let Some((given, _)) = concerned(applier.options) else { continue };
        done.push(applier);
        let Err(reason) = (applier.apply)(node) else { continue };
        let error = failed(given.as_bytes(), &reason);
        take_back(node, undo);
        apply_all(node);
        for applier in done {
            if let Err(reason) = (applier.apply)(node) {
                kit::warning!("Could not restore {}: {reason}", applier.options.join(", "));
            }
        }
        return Err(error);
    }
    Ok(())
}

fn take_back(node: &Node, undo: &mut Undo) {
    while let Some((_, change)) = undo.pop() {
        node.config.swap(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, node};
    use exec::node::Applier;
    use kit::opt::{Opt, Text};
    use std::sync::mpsc::channel;

    #[test]
    fn sets_and_takes_over() {
        let mut node = node(&[]);
        node.converse(
            "CONFIG SET maxmemory 1mb -> +OK; CONFIG GET maxmemory -> [maxmemory 1048576]
             CONFIG SET MAXMEMORY-SAMPLES 7 maxmemory-policy allkeys-lru notify-keyspace-events KEA -> +OK
             CONFIG GET maxmemory-samples maxmemory-policy -> [maxmemory-samples 7 maxmemory-policy allkeys-lru]
             CONFIG SET commandlog-slow-execution-max-len 9 -> +OK; CONFIG GET slowlog-max-len -> [slowlog-max-len 9]",
        );
        assert_eq!(node.node.memory.limit.load(std::sync::atomic::Ordering::Relaxed), 1 << 20);
        assert_ne!(node.node.notify.load(std::sync::atomic::Ordering::Relaxed), 0);
    }

    #[test]
    fn refuses_in_redis_s_words() {
        check(
            "CONFIG SET maxmemory -> -ERR wrong number of arguments for 'config|set' command
             CONFIG SET maxmemory 1 foo -> -ERR syntax error
             CONFIG SET foo bar -> -ERR Unknown option or number of arguments for CONFIG SET - 'foo'
             CONFIG SET maxmemory x foo bar -> -ERR Unknown option or number of arguments for CONFIG SET - 'foo'
             CONFIG SET maxmemry 1 -> -ERR Unknown option or number of arguments for CONFIG SET - 'maxmemry', did you mean 'maxmemory'?
             CONFIG SET rename-command \"a b\" -> -ERR Unknown option or number of arguments for CONFIG SET - 'rename-command'
             CONFIG SET MAXMEMORY x -> -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value
             CONFIG SET commandlog-slow-execution-max-len x -> -ERR CONFIG SET failed (possibly related to argument 'commandlog-slow-execution-max-len') - argument couldn't be parsed into an integer
             CONFIG SET databases 5 -> -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
             CONFIG SET databases 16 -> +OK
             CONFIG SET maxmemory 1 MAXMEMORY 2 -> -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter
             CONFIG GET maxmemory -> [maxmemory 0]",
        );
    }

    #[test]
    fn all_or_nothing() {
        check(
            "CONFIG SET maxmemory 5 maxmemory-samples 0 -> -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument must be between 1 and 64 inclusive
             CONFIG GET maxmemory -> [maxmemory 0]; SET k v -> +OK",
        );
    }

    #[test]
    fn what_cannot_be_carried_out_is_taken_back() {
        let mut node = node(&[("latency-monitor-threshold", "3")]);
        let (sender, seen) = channel();
        let note = |name: &'static str| {
            let sender = sender.clone();
            move |node: &exec::Node| {
                let value = node.config.show(name).unwrap();
                sender.send(format!("{name} {value}")).unwrap();
                if value == "7" { Err("no sevens".to_owned()) } else { Ok(()) }
            }
        };
        let appliers = vec![
            Applier { options: &["latency-monitor-threshold"], apply: Box::new(note("latency-monitor-threshold")) },
            Applier { options: &["slowlog-max-len"], apply: Box::new(note("slowlog-max-len")) },
            Applier { options: &["maxmemory"], apply: Box::new(note("maxmemory")) },
        ];
        node.node.appliers.set(appliers).ok().unwrap();
        node.converse(
            "CONFIG SET latency-monitor-threshold 4 maxmemory-samples 9 commandlog-slow-execution-max-len 7 -> -ERR CONFIG SET failed (possibly related to argument 'commandlog-slow-execution-max-len') - no sevens
             CONFIG GET latency-monitor-threshold slowlog-max-len maxmemory-samples -> [latency-monitor-threshold 3 slowlog-max-len 128 maxmemory-samples 5]
             CONFIG SET slowlog-max-len 128 latency-monitor-threshold 5 -> +OK",
        );
        let seen: Vec<String> = seen.try_iter().collect();
        assert_eq!(
            seen,
            [
                "latency-monitor-threshold 4",
                "slowlog-max-len 7",
                "latency-monitor-threshold 3",
                "slowlog-max-len 128",
                "latency-monitor-threshold 5"
            ],
            "only what changed is carried out"
        );
    }

    static FOLDER: Opt<Text> = Opt::text("folder", "", "A folder.").protected().not_while_loading();

    #[test]
    fn what_may_not_change_now() {
        let node = node(&[]);
        let reason = |allowed: bool| refusal(&node.node, &FOLDER, allowed).map(|reason| reason(b"folder").to_string());
        let protected = "ERR CONFIG SET failed (possibly related to argument 'folder') - can't set protected config";
        assert_eq!((reason(false).as_deref(), reason(true)), (Some(protected), None));
        node.node.alarms.set(alarm::LOADING, true);
        assert_eq!(reason(true).unwrap(), Error::Loading.to_string());
    }
}
