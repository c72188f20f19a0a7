//! The table `redis`, and what else the server gives to scripts.

use crate::machine::{CALLER, State, Stop};
use crate::{bits, json, libraries, msgpack, reply, structs};
use exec::script::{Called, Rules};
use mlua::{Error as LuaError, Lua, MultiValue, Result, Table, Value};
use proto::{Error, Word};
use std::fmt;
use std::rc::Rc;

/// An error on its way through Lua.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A reply: scripts see `{err=…}`. Counted already when a command gave it.
    Reply { counted: bool },
    /// Of the language: scripts see a text.
    Text,
    /// The end of the script.
    Stop(Stop),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    pub(crate) fn text(text: impl Into<String>) -> Fault {
        Fault { kind: Kind::Text, text: text.into() }
    }

    pub(crate) fn reply(text: impl Into<String>) -> Fault {
        Fault { kind: Kind::Reply { counted: false }, text: text.into() }
    }

    pub(crate) fn stop(stop: Stop) -> Fault {
        let text = match stop {
            Stop::Killed => "Script killed by user with SCRIPT KILL...",
            Stop::LoadTimeout => "FUNCTION LOAD timeout",
            Stop::TooLong | Stop::WantsAll => "the script runs again elsewhere",
        };
        Fault { kind: Kind::Stop(stop), text: text.into() }
    }
}

/// An error of the language, with the place of the Lua code that called the function.
pub(crate) fn lua_error(lua: &Lua, message: impl fmt::Display) -> LuaError {
    LuaError::external(Fault::text(format!("{}{message}", place(lua, 1))))
}

/// `user_script:1: `
fn place(lua: &Lua, level: usize) -> String {
    let place = lua.inspect_stack(level, |debug| {
        let line = debug.current_line()?;
        debug.source().short_src.map(|source| format!("{source}:{line}: "))
    });
    place.flatten().unwrap_or_default()
}

/// Like `luaL_checknumber`'s and others'.
pub(crate) fn bad_argument(lua: &Lua, function: &str, i: usize, wanted: &str, got: Option<&Value>) -> LuaError {
    let got = bits::type_of(got);
    lua_error(lua, format_args!("bad argument #{} to '{function}' ({wanted} expected, got {got})", i + 1))
}

pub(crate) fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::Integer(n) => Some(*n as f64),
        Value::String(text) => {
            let text = text.as_bytes();
            let text = std::str::from_utf8(&text).ok()?.trim().to_owned();
            if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                return u64::from_str_radix(hex, 16).ok().map(|n| n as f64);
            }
            kit::text::parse_f64(text.as_bytes())
        }
        _ => None,
    }
}

/// What `sandbox.lua` is given.
pub(crate) fn table(lua: &Lua, state: &Rc<State>) -> Result<Table> {
    let native = lua.create_table()?;
    native.set("redis", redis(lua, state)?)?;
    let of = Rc::clone(state);
    native.set(
        "library",
        lua.create_function(move |lua, name: String| {
            let _free = of.unlimited(lua);
            match &*name {
                "bit" => bits::table(lua),
                "cjson" => json::table(lua, &of),
                "cmsgpack" => msgpack::table(lua, &of),
                "struct" => structs::table(lua, &of),
                other => Err(lua_error(lua, format_args!("no library '{other}'"))),
            }
        })?,
    )?;
    native.set("register_function", libraries::register(lua, state)?)?;
    let random = Rc::clone(state);
    native.set(
        "random",
        lua.create_function(move |lua, (low, high): (Option<f64>, Option<f64>)| {
            let unit = (random.random.borrow_mut().next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            match (low, high) {
                (None, _) => Ok(unit),
                (Some(high), None) if high >= 1.0 => Ok((unit * high.floor()).floor() + 1.0),
                (Some(low), Some(high)) if low <= high => Ok((unit * (high - low + 1.0)).floor() + low),
                _ => Err(lua_error(lua, "bad argument #1 to 'random' (interval is empty)")),
            }
        })?,
    )?;
    let seeded = Rc::clone(state);
    native.set(
        "randomseed",
        lua.create_function(move |_, seed: f64| {
            *seeded.random.borrow_mut() = kit::world::Rng::new(seed as i64 as u64);
            Ok(())
        })?,
    )?;
    native.set("caught", lua.create_function(caught)?)?;
    let of = Rc::clone(state);
    native.set("located", lua.create_function(move |lua, error: Value| located(lua, &of, error))?)?;
    Ok(native)
}

fn redis(lua: &Lua, state: &Rc<State>) -> Result<Table> {
    let redis = lua.create_table()?;
    for (name, protected) in [("call", false), ("pcall", true)] {
        let state = Rc::clone(state);
        let call = move |lua: &Lua, args: MultiValue| {
            let _free = state.unlimited(lua);
            match call(lua, &state, &args) {
                Err(error) if protected => match fault(&error) {
                    Some(fault) if matches!(fault.kind, Kind::Reply { .. }) => error_table(lua, fault),
                    _ => Err(error),
                },
                outcome => outcome,
            }
        };
        redis.set(name, lua.create_function(call)?)?;
    }
    for (name, field) in [("error_reply", "err"), ("status_reply", "ok")] {
        let make = move |lua: &Lua, args: MultiValue| {
            let table = lua.create_table()?;
            let text = match (args.len(), args.front()) {
                (1, Some(Value::String(text))) => text.as_bytes().to_vec(),
                _ => {
                    table.raw_set("err", "ERR wrong number or type of arguments")?;
                    return Ok(table);
                }
            };
            if field == "err" {
                // Without a code of its own it gets the common one.
                let bare = text.strip_prefix(b"-").unwrap_or(&text);
                let text = if bare.contains(&b' ') { bare.to_vec() } else { [b"ERR ", bare].concat() };
                table.raw_set(field, lua.create_string(text)?)?;
            } else {
                table.raw_set(field, lua.create_string(text)?)?;
            }
            Ok(table)
        };
        redis.set(name, lua.create_function(make)?)?;
    }
    redis.set(
        "sha1hex",
        lua.create_function(|lua, args: MultiValue| match (args.len(), args.front()) {
            (1, Some(value)) => lua.create_string(kit::sha::sha1_hex(&text_of(lua, value)?)),
            _ => Err(reply_error("ERR wrong number of arguments")),
        })?,
    )?;
    redis.set("log", lua.create_function(log)?)?;
    let resp = Rc::clone(state);
    redis.set(
        "setresp",
        lua.create_function(move |_, args: MultiValue| {
            if args.len() != 1 {
                return Err(reply_error("ERR redis.setresp() requires one argument."));
            }
            match args.front().and_then(to_number) {
                Some(2.0) => resp.resp3.set(false),
                Some(3.0) => resp.resp3.set(true),
                _ => return Err(reply_error("ERR RESP version must be 2 or 3.")),
            }
            Ok(())
        })?,
    )?;
    let repl = Rc::clone(state);
    redis.set(
        "set_repl",
        lua.create_function(move |_, args: MultiValue| {
            if args.len() != 1 {
                return Err(reply_error("ERR redis.set_repl() requires two arguments."));
            }
            match args.front().and_then(to_number) {
                Some(flags) if (0.0..=3.0).contains(&flags) => {
                    repl.replicate.set(flags as u32 != 0);
                    Ok(())
                }
                _ => Err(reply_error(
                    "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
                )),
            }
        })?,
    )?;
    redis.set("replicate_commands", lua.create_function(|_, _: MultiValue| Ok(true))?)?;
    redis.set("breakpoint", lua.create_function(|_, _: MultiValue| Ok(false))?)?;
    redis.set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    let acl = Rc::clone(state);
    redis.set("acl_check_cmd", lua.create_function(move |lua, args: MultiValue| acl_check(lua, &acl, &args))?)?;
    for (name, number) in [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)] {
        redis.set(name, number)?;
    }
    for (name, number) in [("REPL_NONE", 0), ("REPL_AOF", 1), ("REPL_SLAVE", 2), ("REPL_REPLICA", 2), ("REPL_ALL", 3)] {
        redis.set(name, number)?;
    }
    let version = exec::version::REDIS;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    redis.set("REDIS_VERSION", version)?;
    redis.set("REDIS_VERSION_NUM", part() << 16 | part() << 8 | part())?;
    Ok(redis)
}

fn reply_error(text: &str) -> LuaError {
    LuaError::external(Fault::reply(text))
}

/// A string's bytes, or a number's text as Lua writes it.
fn text_of(lua: &Lua, value: &Value) -> Result<Vec<u8>> {
    let text = lua.coerce_string(value.clone())?;
    Ok(text.map(|text| text.as_bytes().to_vec()).unwrap_or_default())
}

fn log(lua: &Lua, args: MultiValue) -> Result<()> {
    if args.len() < 2 {
        return Err(reply_error("ERR redis.log() requires two arguments or more."));
    }
    let Some(Value::Number(_) | Value::Integer(_)) = args.front() else {
        return Err(reply_error("ERR First argument must be a number (log level)."));
    };
    let level = args.front().and_then(to_number).unwrap_or(-1.0);
    if !(0.0..=3.0).contains(&level) {
        return Err(reply_error("ERR Invalid debug level."));
    }
    let mut line = String::new();
    for value in args.iter().skip(1) {
        if let Value::String(_) | Value::Number(_) | Value::Integer(_) = value {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&String::from_utf8_lossy(&text_of(lua, value)?));
        }
    }
    match level as u32 {
        0 => kit::debug!("{line}"),
        1 => kit::verbose!("{line}"),
        2 => kit::notice!("{line}"),
        _ => kit::warning!("{line}"),
    }
    Ok(())
}

/// The words of a call, into the scratch buffer.
fn gather(args: &MultiValue, buf: &mut Vec<u8>, words: &mut Vec<Word>) -> Result<()> {
    buf.clear();
    words.clear();
    if args.is_empty() {
        return Err(reply_error("ERR Please specify at least one argument for this redis lib call"));
    }
    for value in args {
        let start = buf.len();
        match value {
            Value::String(text) => buf.extend_from_slice(&text.as_bytes()),
            Value::Integer(n) => kit::text::write_i64(buf, *n),
            Value::Number(n) if n.fract() == 0.0 && n.abs() <= (i64::MAX / 2) as f64 => {
                kit::text::write_i64(buf, *n as i64);
            }
            Value::Number(n) => buf.extend_from_slice(kit::text::format_f64(*n).as_bytes()),
            _ => return Err(reply_error("ERR Lua redis lib command arguments must be strings or integers")),
        }
        let (Ok(start), Ok(len)) = (u32::try_from(start), u32::try_from(buf.len() - start)) else {
            return Err(reply_error("ERR Lua redis lib command arguments of more than 4 GiB"));
        };
        words.push(Word { start, len });
    }
    if u32::try_from(buf.len()).is_err() {
        return Err(reply_error("ERR Lua redis lib command arguments of more than 4 GiB"));
    }
    Ok(())
}

fn call(lua: &Lua, state: &State, args: &MultiValue) -> Result<Value> {
    if let Some(stop) = state.stop.get() {
        return Err(state.stop(stop));
    }
    // No command of a script calls another one.
    let scratch = &mut *state.scratch.borrow_mut();
    let outcome = gather(args, &mut scratch.buf, &mut scratch.words).and_then(|()| {
        if !CALLER.is_set() {
            return Err(reply_error("ERR redis.call/pcall can only be called inside a script invocation"));
        }
        scratch.reply.clear();
        scratch.reply.set_resp3(state.resp3.get());
        let rules = Rules {
            read_only: state.read_only.get(),
            deny_oom: state.deny_oom.get(),
            allow_cross_slot: state.allow_cross_slot.get(),
            replicate: state.replicate.get(),
        };
        let called = CALLER.with(|caller| {
            if state.is_listed() {
                // A script of many commands and few instructions is asked to end here.
                let nanos = state.nanos(caller.node());
                state.look_around(caller.node(), caller, nanos)?;
            }
            Ok::<_, LuaError>(caller.call(&scratch.buf, &scratch.words, rules, &mut scratch.reply))
        })?;
        match called {
            Called::Refused(error) => {
                return Err(LuaError::external(Fault { kind: Kind::Reply { counted: true }, text: error.to_string() }));
            }
            Called::WantsAll => return Err(state.stop(Stop::WantsAll)),
            Called::Ran => {}
        }
        let len = scratch.reply.len();
        state.check_memory(lua, len)?;
        let front = scratch.reply.front();
        let bytes = if front.len() == len { front } else { &scratch.reply.to_vec() };
        if let Some(error) = bytes.strip_prefix(b"-") {
            let error = error.strip_suffix(b"\r\n").unwrap_or(error);
            let text = String::from_utf8_lossy(error).into_owned();
            return Err(LuaError::external(Fault { kind: Kind::Reply { counted: true }, text }));
        }
        let value = reply::to_lua(lua, bytes)?;
        state.check_memory(lua, 0)?;
        Ok(value)
    });
    // One large word or reply is not kept for good.
    if scratch.buf.capacity() > 1 << 16 {
        scratch.buf = Vec::new();
    }
    outcome
}

fn acl_check(lua: &Lua, state: &State, args: &MultiValue) -> Result<bool> {
    let _free = state.unlimited(lua);
    let (mut buf, mut words) = (Vec::new(), Vec::new());
    gather(args, &mut buf, &mut words)?;
    if !CALLER.is_set() {
        return Err(reply_error("ERR redis.acl_check_cmd can only be called inside a script invocation"));
    }
    CALLER
        .with(|caller| caller.may_call(&buf, &words))
        .map_err(|error: Error| LuaError::external(Fault::reply(error.to_string())))
}

/// The server's error in an error that Lua carried.
pub(crate) fn fault(error: &LuaError) -> Option<&Fault> {
    error.downcast_ref::<Fault>()
}

fn error_table(lua: &Lua, fault: &Fault) -> Result<Value> {
    let table = lua.create_table()?;
    table.raw_set("err", fault.text.as_str())?;
    if fault.kind == (Kind::Reply { counted: true }) {
        table.raw_set("ignore_error_stats_update", true)?;
    }
    Ok(Value::Table(table))
}

/// What a script sees of an error that it caught, and whether it must not.
fn caught(lua: &Lua, error: Value) -> Result<(Value, bool)> {
    let Value::Error(error) = error else { return Ok((error, false)) };
    match fault(&error) {
        Some(fault) if matches!(fault.kind, Kind::Stop(_)) => Ok((Value::Nil, true)),
        Some(fault) if matches!(fault.kind, Kind::Reply { .. }) => Ok((error_table(lua, fault)?, false)),
        _ => Ok((Value::String(lua.create_string(message_of(&error))?), false)),
    }
}

/// One line, as Lua would say it.
fn message_of(error: &LuaError) -> String {
    if let Some(fault) = fault(error) {
        return fault.text.clone();
    }
    let mut error = error;
    while let LuaError::CallbackError { cause, .. } | LuaError::WithContext { cause, .. } = error {
        error = cause;
    }
    error.to_string().lines().next().unwrap_or_default().to_string()
}

/// Where a script failed: an error that nobody caught, as a table with `err`, `source` and `line`. Called with the
/// stack as it was then.
fn located(lua: &Lua, state: &State, error: Value) -> Result<Value> {
    let _free = state.unlimited(lua);
    let table = lua.create_table()?;
    match &error {
        Value::Error(error) => match fault(error) {
            Some(fault) if matches!(fault.kind, Kind::Reply { .. } | Kind::Stop(_)) => {
                let prefix = if matches!(fault.kind, Kind::Stop(_)) { "ERR " } else { "" };
                table.raw_set("err", format!("{prefix}{}", fault.text))?;
                if fault.kind == (Kind::Reply { counted: true }) {
                    table.raw_set("ignore_error_stats_update", true)?;
                }
            }
            _ => table.raw_set("err", format!("ERR {}", message_of(error)))?,
        },
        Value::Table(given) => {
            let err: Value = given.raw_get("err")?;
            table.raw_set("err", err)?;
            table.raw_set("ignore_error_stats_update", given.raw_get::<Value>("ignore_error_stats_update")?)?;
        }
        other => {
            let text = match other {
                Value::Nil => b"nil".to_vec(),
                Value::Boolean(yes) => yes.to_string().into_bytes(),
                other => text_of(lua, other)?,
            };
            table.raw_set("err", lua.create_string([b"ERR ", &text[..]].concat())?)?;
        }
    }
    for level in 1..32 {
        let found = lua.inspect_stack(level, |debug| {
            let source = debug.source();
            let name = source.source.map(std::borrow::Cow::into_owned).unwrap_or_default();
            (source.what == "C" || name == "=sandbox" || name.starts_with("=["))
                .then_some(())
                .map_or_else(|| Some((name, debug.current_line().unwrap_or(0))), |()| None)
        });
        match found {
            None => break,
            Some(None) => {}
            Some(Some((source, line))) => {
                table.raw_set("source", source)?;
                table.raw_set("line", line)?;
                break;
            }
        }
    }
    Ok(Value::Table(table))
}
