//! Replies to Lua values, and Lua values to replies.
//!
//! A status is `{ok=…}`, an error `{err=…}`; what RESP3 adds is a table with one field that names it (`map`, `set`,
//! `double`, `big_number`, `verbatim_string`).

use crate::machine::State;
use mlua::{Lua, Result, Table, Value};
use proto::Reply;

/// Tables within tables. Lua's own stack would allow a few more.
const DEPTH_MAX: usize = 1_000;

/// The one value in `bytes`, which a command wrote.
pub(crate) fn to_lua(lua: &Lua, bytes: &[u8]) -> Result<Value> {
    let mut at = 0;
    value(lua, bytes, &mut at)
}

fn value(lua: &Lua, bytes: &[u8], at: &mut usize) -> Result<Value> {
    let line = line(bytes, at);
    let Some((kind, rest)) = line.split_first() else { return Ok(Value::Nil) };
    let number = || kit::text::parse_i64(rest).unwrap_or(-1);
    match kind {
        b':' => Ok(Value::Number(number() as f64)),
        b'$' => match usize::try_from(number()) {
            Ok(len) => Ok(Value::String(lua.create_string(payload(bytes, at, len))?)),
            Err(_) => Ok(Value::Boolean(false)),
        },
        b'+' => single(lua, "ok", rest),
        b'-' => single(lua, "err", rest),
        b'*' | b'>' => match usize::try_from(number()) {
            Ok(count) => Ok(Value::Table(array(lua, bytes, at, count)?)),
            Err(_) => Ok(Value::Boolean(false)),
        },
        b'%' => {
            let count = number().max(0) as usize;
            let map = lua.create_table_with_capacity(0, count.min(bytes.len()))?;
            for _ in 0..count {
                let key = value(lua, bytes, at)?;
                let item = value(lua, bytes, at)?;
                map.raw_set(key, item)?;
            }
            wrapped(lua, "map", Value::Table(map))
        }
        b'~' => {
            let count = number().max(0) as usize;
            let set = lua.create_table_with_capacity(0, count.min(bytes.len()))?;
            for _ in 0..count {
                set.raw_set(value(lua, bytes, at)?, true)?;
            }
            wrapped(lua, "set", Value::Table(set))
        }
        b'|' => {
            // What is said about the value that follows: scripts do not hear it.
            for _ in 0..number().max(0) * 2 {
                value(lua, bytes, at)?;
            }
            value(lua, bytes, at)
        }
        b'_' => Ok(Value::Nil),
        b'#' => Ok(Value::Boolean(rest == b"t")),
        b',' => wrapped(lua, "double", Value::Number(kit::text::parse_f64(rest).unwrap_or(f64::NAN))),
        b'(' => wrapped(lua, "big_number", Value::String(lua.create_string(rest)?)),
        b'=' => {
            let text = payload(bytes, at, number().max(0) as usize);
            let both = lua.create_table()?;
            both.raw_set("format", lua.create_string(text.get(..3).unwrap_or_default())?)?;
            both.raw_set("string", lua.create_string(text.get(4..).unwrap_or_default())?)?;
            wrapped(lua, "verbatim_string", Value::Table(both))
        }
        _ => Ok(Value::Nil),
    }
}

fn array(lua: &Lua, bytes: &[u8], at: &mut usize, count: usize) -> Result<Table> {
    let list = lua.create_table_with_capacity(count.min(bytes.len()), 0)?;
    for i in 1..=count {
        list.raw_set(i, value(lua, bytes, at)?)?;
    }
    Ok(list)
}

fn single(lua: &Lua, field: &str, text: &[u8]) -> Result<Value> {
    wrapped(lua, field, Value::String(lua.create_string(text)?))
}

fn wrapped(lua: &Lua, field: &str, value: Value) -> Result<Value> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(field, value)?;
    Ok(Value::Table(table))
}

fn line<'b>(bytes: &'b [u8], at: &mut usize) -> &'b [u8] {
    let rest = &bytes[(*at).min(bytes.len())..];
    let end = rest.iter().position(|&byte| byte == b'\r').unwrap_or(rest.len());
    *at += end + 2;
    &rest[..end]
}

fn payload<'b>(bytes: &'b [u8], at: &mut usize, len: usize) -> &'b [u8] {
    let begin = (*at).min(bytes.len());
    let end = begin.saturating_add(len).min(bytes.len());
    *at = end + 2;
    &bytes[begin..end]
}

/// A script's result. Not for an error at the top, which its caller looks for.
pub(crate) fn from_lua(state: &State, value: &Value, reply: &mut Reply) -> Result<()> {
    write(state, value, reply, 0)
}

fn write(state: &State, value: &Value, reply: &mut Reply, depth: usize) -> Result<()> {
    match value {
        Value::String(text) => reply.bulk(&text.as_bytes()),
        Value::Integer(n) => reply.int(*n),
        Value::Number(n) => reply.int(to_int(*n)),
        // What it means depends on the protocol that the script chose.
        Value::Boolean(yes) if state.resp3.get() => reply.bool(*yes),
        Value::Boolean(true) => reply.int(1),
        Value::Table(table) if depth < DEPTH_MAX => write_table(state, table, reply, depth)?,
        Value::Table(_) => reply.error_text("ERR reached lua stack limit"),
        _ => reply.null(),
    }
    Ok(())
}

fn write_table(state: &State, table: &Table, reply: &mut Reply, depth: usize) -> Result<()> {
    if let Value::String(err) = table.raw_get("err")? {
        reply.error_text(&err.to_string_lossy());
        return Ok(());
    }
    if let Value::String(ok) = table.raw_get("ok")? {
        reply.simple(&ok.to_string_lossy());
        return Ok(());
    }
    if let Some(n) = number(&table.raw_get("double")?) {
        reply.double(n);
        return Ok(());
    }
    if let Value::Table(map) = table.raw_get("map")? {
        let later = reply.map_later();
        let mut count = 0;
        map.for_each(|key: Value, item: Value| {
            count += 1;
            write(state, &key, reply, depth + 1)?;
            write(state, &item, reply, depth + 1)
        })?;
        reply.map_finish(later, count);
        return Ok(());
    }
    if let Value::Table(set) = table.raw_get("set")? {
        let later = reply.set_later();
        let mut count = 0;
        set.for_each(|key: Value, _: Value| {
            count += 1;
            write(state, &key, reply, depth + 1)
        })?;
        reply.set_finish(later, count);
        return Ok(());
    }
    if let Value::String(digits) = table.raw_get("big_number")? {
        let digits: String = digits.to_string_lossy().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        reply.big_number(&digits);
        return Ok(());
    }
    if let Value::Table(both) = table.raw_get("verbatim_string")?
        && let (Value::String(format), Value::String(text)) = (both.raw_get("format")?, both.raw_get("string")?)
    {
        let format: String =
            format.to_string_lossy().chars().filter(char::is_ascii).chain("   ".chars()).take(3).collect();
        reply.verbatim(&format, &text.as_bytes());
        return Ok(());
    }
    let later = reply.array_later();
    let mut count = 0;
    loop {
        let item: Value = table.raw_get(count + 1)?;
        if item.is_nil() {
            break;
        }
        write(state, &item, reply, depth + 1)?;
        count += 1;
    }
    reply.array_finish(later, count);
    Ok(())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::Integer(n) => Some(*n as f64),
        _ => None,
    }
}

/// As the processor converts: what does not fit is the least number.
fn to_int(n: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n) { n as i64 } else { i64::MIN }
}
