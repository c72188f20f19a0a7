//! What EVAL, EVALSHA and FCALL have in common: the checks before a script runs, the run, and its end.

use crate::libraries::Callback;
use crate::machine::{self, Begin, CALLER, Compiled, Machine, Stop};
use crate::shebang::{ALLOW_CROSS_SLOT, ALLOW_OOM, ALLOW_STALE, NO_CLUSTER, NO_WRITES};
use crate::{api, reply};
use exec::node::alarm;
use exec::script::{Caller, Ended, Script};
use exec::scripts::{Habits, Length};
use exec::{Args, Ctx, Error};
use mlua::{Table, Value};
use proto::Reply;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// Above, a run counts as long: what a command may take of an event loop at most.
const SHORT_NANOS: u64 = 500_000;

/// A script or a function of a library, about to run.
pub(super) struct Run {
    pub of: Of,
    pub key_count: usize,
    /// None: it is judged by its commands.
    pub flags: Option<u32>,
    /// EVAL_RO and the like.
    pub read_only: bool,
}

/// Counted by this thread alone: all threads would write the count of a shared one with each call.
pub(super) enum Of {
    Script(Rc<Compiled>),
    Function(Rc<Callback>),
}

impl Of {
    fn habits(&self) -> &Habits {
        match self {
            Of::Script(script) => &script.source.habits,
            Of::Function(it) => &it.described().habits,
        }
    }

    fn name(&self) -> &str {
        match self {
            Of::Script(script) => &script.source.sha,
            Of::Function(it) => &it.described().name,
        }
    }
}

/// How many of the words behind the second are keys.
pub(super) fn key_count(args: &Args, not_a_number: Error) -> Result<usize, Error> {
    let Ok(count) = args.int(2) else { return Err(not_a_number) };
    if count < 0 {
        return Err(Error::Static("ERR Number of keys can't be negative"));
    }
    match usize::try_from(count) {
        Ok(count) if count <= args.len() - 3 => Ok(count),
        _ => Err(Error::Static("ERR Number of keys can't be greater than number of args")),
    }
}

/// Runs it when the body is done, here or on a script thread.
pub(super) fn start(ctx: &mut Ctx, args: &Args, run: Run) -> Result<(), Error> {
    allowed(ctx, &run)?;
    if !ctx.is_on_script_thread() {
        exec::monitor::show(ctx, args);
    }
    // Who listens gets what the script publishes after its answer: from here both come in that order.
    let listens = ctx.session.subscriptions.is_some();
    if ctx.may_defer() && !listens && run.of.habits().length() != Length::Short {
        return Err(ctx.defer(args));
    }
    ctx.run_script(Box::new(run));
    Ok(())
}

/// A script that says what it does is refused at once when that cannot be done.
fn allowed(ctx: &Ctx, run: &Run) -> Result<(), Error> {
    let Some(flags) = run.flags else { return Ok(()) };
    let writes = flags & NO_WRITES == 0;
    if writes && run.read_only {
        return Err(Error::Static("ERR Can not execute a script with write flag using *_ro command."));
    }
    let alarms = ctx.node.alarms.get();
    if alarms == 0 || ctx.session.internal {
        return Ok(());
    }
    let on = |alarm: u32| alarms & alarm != 0;
    if on(alarm::STALE_REPLICA) && flags & ALLOW_STALE == 0 {
        return Err(Error::MasterDown);
    }
    if writes {
        if on(alarm::READ_ONLY_REPLICA) {
            return Err(Error::Static("READONLY You can not run script with write flag on readonly replica."));
        }
        exec::gates::writable(ctx.node, alarms)?;
        if on(alarm::MAXMEMORY) && flags & ALLOW_OOM == 0 && ctx.node.memory.excess() > 0 {
            return Err(Error::Static(
                "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
            ));
        }
    }
    Ok(())
}

impl Script for Run {
    fn wants_all(&self, now_ns: u64) -> bool {
        self.of.habits().wants_all(now_ns)
    }

    fn is_trusted(&self) -> bool {
        self.of.habits().is_trusted()
    }

    fn note_reach(&self, strayed: bool) {
        self.of.habits().note_reach(strayed);
    }

    fn met(&self, now_ns: u64) {
        self.of.habits().met(now_ns);
    }

    fn run(&mut self, caller: &mut dyn Caller, args: &Args, reply: &mut Reply) -> Ended {
        let machine = machine::of(caller.node());
        let flags = self.flags.unwrap_or(0);
        let begin = Begin {
            name: self.of.name(),
            is_function: matches!(self.of, Of::Function(..)),
            read_only: self.read_only || flags & NO_WRITES != 0,
            deny_oom: flags & ALLOW_OOM == 0,
            allow_cross_slot: self.flags.is_none() || flags & ALLOW_CROSS_SLOT != 0,
        };
        machine.begin(begin, caller);
        if flags & NO_CLUSTER != 0 {
            caller.note_incompatible();
        }
        let may_defer = caller.may_defer();
        // Whatever happens, it is not on the list of those who run any more.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.call(&machine, caller, args)));
        machine.end(caller.node());
        let outcome = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        let habits = self.of.habits();
        match machine.state.stop.take() {
            Some(Stop::WantsAll) => return Ended::WantsAll,
            Some(Stop::TooLong) => {
                habits.set_length(Length::Long);
                return Ended::TooLong;
            }
            Some(Stop::Killed | Stop::LoadTimeout) => {}
            None if may_defer => {}
            None => habits.note_run(machine.state.nanos(caller.node()) <= SHORT_NANOS),
        }
        match outcome {
            Ok((true, Value::Table(table))) if has_err(&table) => failed(&table, None),
            Ok((true, value)) => match reply::from_lua(&machine.state, &value, reply) {
                Ok(()) => Ended::Done,
                Err(error) => lua_failed(&error),
            },
            Ok((false, Value::Table(error))) => failed(&error, Some(self.of.name())),
            Ok((false, Value::String(text))) => {
                let text = format!("ERR {} script: {}", text.to_string_lossy(), self.of.name());
                Ended::Failed { error: Error::text(text), counted: false }
            }
            Ok((false, _)) => Ended::Failed { error: Error::Static("ERR unknown error"), counted: false },
            Err(error) => lua_failed(&error),
        }
    }
}

impl Run {
    fn call(&self, machine: &Machine, caller: &mut dyn Caller, args: &Args) -> mlua::Result<(bool, Value)> {
        let words = |from: usize, to: usize| -> mlua::Result<Table> {
            let list = machine.lua.create_table_with_capacity(to - from, 0)?;
            for i in from..to {
                list.raw_set(i - from + 1, machine.lua.create_string(args.get(i))?)?;
            }
            Ok(list)
        };
        let keys = words(3, 3 + self.key_count)?;
        let has_args = args.len() > 3 + self.key_count;
        match &self.of {
            Of::Function(it) => {
                let argv = words(3 + self.key_count, args.len())?;
                machine.globals.raw_set(&machine.keys_name, Value::Nil)?;
                machine.forget_argv()?;
                CALLER.set(caller, || machine.limited(|| machine.run_with.call((&it.function, keys, argv))))
            }
            Of::Script(script) => {
                machine.globals.raw_set(&machine.keys_name, keys)?;
                machine.set_argv(has_args.then(|| words(3 + self.key_count, args.len())).transpose()?)?;
                CALLER.set(caller, || machine.limited(|| machine.run.call(&script.function)))
            }
        }
    }
}

fn has_err(table: &Table) -> bool {
    matches!(table.raw_get("err"), Ok(Value::String(_)))
}

/// The end by an error: `name` when it was thrown and not returned.
fn failed(table: &Table, name: Option<&str>) -> Ended {
    let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
    let mut text = match field("err") {
        Value::String(text) => text.to_string_lossy(),
        _ => "ERR unknown error".into(),
    };
    if let Some(name) = name {
        if let (Value::String(source), Some(line)) = (field("source"), api::to_number(&field("line"))) {
            text.push_str(&format!(" script: {name}, on {}:{line}.", source.to_string_lossy()));
        } else {
            text.push_str(&format!(" script: {name}"));
        }
    }
    let counted = matches!(field("ignore_error_stats_update"), Value::Boolean(true));
    Ended::Failed { error: Error::text(text), counted }
}

fn lua_failed(error: &mlua::Error) -> Ended {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    Ended::Failed { error: Error::err(line), counted: false }
}
