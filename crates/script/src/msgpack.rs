//! `cmsgpack`: MessagePack to Lua values and back.
//!
//! Whole numbers are packed as integers, others as the shorter float that holds them. Tables with the keys 1 to n are
//! arrays. What is nested too deep, and what has no form, is packed as nil.

use crate::api::{bad_argument, lua_error, to_number};
use crate::machine::State;
use mlua::{Lua, MultiValue, Result, Table, Value};
use std::rc::Rc;

const PACK_DEPTH_MAX: usize = 16;
const UNPACK_DEPTH_MAX: usize = 1_000;

pub(crate) fn table(lua: &Lua, state: &Rc<State>) -> Result<Table> {
    let cmsgpack = lua.create_table()?;
    cmsgpack.set("_NAME", "cmsgpack")?;
    cmsgpack.set("_VERSION", "lua-cmsgpack 0.4.0")?;
    cmsgpack.set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    let of = Rc::clone(state);
    cmsgpack.set(
        "pack",
        lua.create_function(move |lua, args: MultiValue| {
            let _free = of.unlimited(lua);
            if args.is_empty() {
                return Err(lua_error(lua, "bad argument #0 to 'pack' (MessagePack pack needs input.)"));
            }
            let mut out = Vec::new();
            for value in &args {
                pack(&mut out, value, 0)?;
                of.check_memory(lua, out.len())?;
            }
            lua.create_string(out)
        })?,
    )?;
    let of = Rc::clone(state);
    cmsgpack.set(
        "unpack",
        lua.create_function(move |lua, args: MultiValue| {
            let text = text(lua, "unpack", &args)?;
            Unpacker::new(lua, &of, &text, 0).all(0, false)
        })?,
    )?;
    let of = Rc::clone(state);
    cmsgpack.set(
        "unpack_one",
        lua.create_function(move |lua, args: MultiValue| {
            let text = text(lua, "unpack_one", &args)?;
            let from = args.get(1).and_then(to_number).unwrap_or(0.0);
            limited(lua, &of, &text, 1.0, from)
        })?,
    )?;
    let of = Rc::clone(state);
    cmsgpack.set(
        "unpack_limit",
        lua.create_function(move |lua, args: MultiValue| {
            let text = text(lua, "unpack_limit", &args)?;
            let Some(limit) = args.get(1).and_then(to_number) else {
                return Err(bad_argument(lua, "unpack_limit", 1, "number", args.get(1)));
            };
            let from = args.get(2).and_then(to_number).unwrap_or(0.0);
            limited(lua, &of, &text, limit, from)
        })?,
    )?;
    Ok(cmsgpack)
}

fn text(lua: &Lua, function: &str, args: &MultiValue) -> Result<Vec<u8>> {
    match args.front() {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(value @ (Value::Number(_) | Value::Integer(_))) => {
            Ok(lua.coerce_string(value.clone())?.map(|text| text.as_bytes().to_vec()).unwrap_or_default())
        }
        other => Err(bad_argument(lua, function, 0, "string", other)),
    }
}

/// At most `limit` values: where they ended first, -1 for the end of the text.
fn limited(lua: &Lua, state: &State, text: &[u8], limit: f64, from: f64) -> Result<MultiValue> {
    if limit < 0.0 || from < 0.0 {
        return Err(lua_error(
            lua,
            format_args!("Invalid request to unpack with offset of {from} and limit of {}.", text.len()),
        ));
    }
    if from > text.len() as f64 {
        return Err(lua_error(lua, format_args!("Start offset {from} greater than input length {}.", text.len())));
    }
    Unpacker::new(lua, state, text, from as usize).all(limit as usize, true)
}

fn pack(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<()> {
    match value {
        Value::Boolean(yes) => out.push(if *yes { 0xc3 } else { 0xc2 }),
        Value::Integer(n) => pack_int(out, *n),
        Value::Number(n) if n.fract() == 0.0 && *n >= -9.3e18 && *n < 9_223_372_036_854_775_808.0 => {
            pack_int(out, *n as i64);
        }
        Value::Number(n) if f64::from(*n as f32) == *n => {
            out.push(0xca);
            out.extend_from_slice(&(*n as f32).to_be_bytes());
        }
        Value::Number(n) => {
            out.push(0xcb);
            out.extend_from_slice(&n.to_be_bytes());
        }
        Value::String(text) => {
            let text = text.as_bytes();
            match text.len() {
                len @ 0..32 => out.push(0xa0 | len as u8),
                len @ 32..256 => out.extend_from_slice(&[0xd9, len as u8]),
                len => head(out, len, 0xda, 0xdb),
            }
            out.extend_from_slice(&text);
        }
        Value::Table(table) if depth < PACK_DEPTH_MAX => pack_table(out, table, depth)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

/// A length of two or four bytes.
fn head(out: &mut Vec<u8>, len: usize, two: u8, four: u8) {
    if let Ok(len) = u16::try_from(len) {
        out.push(two);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(four);
        out.extend_from_slice(&(len as u32).to_be_bytes());
    }
}

fn pack_int(out: &mut Vec<u8>, n: i64) {
    match n {
        0..128 => out.push(n as u8),
        128..256 => out.extend_from_slice(&[0xcc, n as u8]),
        256..65_536 => {
            out.push(0xcd);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        65_536..4_294_967_296 => {
            out.push(0xce);
            out.extend_from_slice(&(n as u32).to_be_bytes());
        }
        4_294_967_296.. => {
            out.push(0xcf);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
        -32..0 => out.push(n as i8 as u8),
        -128..-32 => out.extend_from_slice(&[0xd0, n as i8 as u8]),
        -32_768..-128 => {
            out.push(0xd1);
            out.extend_from_slice(&(n as i16).to_be_bytes());
        }
        -2_147_483_648..-32_768 => {
            out.push(0xd2);
            out.extend_from_slice(&(n as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&n.to_be_bytes());
        }
    }
}

fn pack_table(out: &mut Vec<u8>, table: &Table, depth: usize) -> Result<()> {
    let (mut count, mut greatest, mut is_array) = (0usize, 0.0_f64, true);
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair?;
        count += 1;
        match key {
            Value::Integer(n) if n >= 1 => greatest = greatest.max(n as f64),
            Value::Number(n) if n >= 1.0 && n.fract() == 0.0 => greatest = greatest.max(n),
            _ => is_array = false,
        }
    }
    if is_array && greatest == count as f64 {
        match count {
            0..16 => out.push(0x90 | count as u8),
            _ => head(out, count, 0xdc, 0xdd),
        }
        for i in 1..=count {
            pack(out, &table.raw_get(i)?, depth + 1)?;
        }
        return Ok(());
    }
    match count {
        0..16 => out.push(0x80 | count as u8),
        _ => head(out, count, 0xde, 0xdf),
    }
    for pair in table.pairs::<Value, Value>() {
        let (key, item) = pair?;
        pack(out, &key, depth + 1)?;
        pack(out, &item, depth + 1)?;
    }
    Ok(())
}

struct Unpacker<'u> {
    lua: &'u Lua,
    state: &'u State,
    text: &'u [u8],
    at: usize,
    made: usize,
}

impl<'u> Unpacker<'u> {
    fn new(lua: &'u Lua, state: &'u State, text: &'u [u8], at: usize) -> Unpacker<'u> {
        Unpacker { lua, state, text, at, made: 0 }
    }

    fn all(&mut self, limit: usize, tell_end: bool) -> Result<MultiValue> {
        let _free = self.state.unlimited(self.lua);
        let mut values = Vec::new();
        while self.at < self.text.len() && (!tell_end || values.len() < limit) {
            values.push(self.value(0)?);
        }
        // Lua's stack holds no more.
        if values.len() > 7_000 {
            return Err(lua_error(self.lua, "too many results to unpack"));
        }
        if tell_end {
            let end = if self.at >= self.text.len() { -1.0 } else { self.at as f64 };
            values.insert(0, Value::Number(end));
        }
        Ok(MultiValue::from_vec(values))
    }

    fn take(&mut self, len: usize) -> Result<&'u [u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.text.len());
        let Some(end) = end else { return Err(lua_error(self.lua, "Missing bytes in input.")) };
        let bytes = &self.text[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn uint(&mut self, len: usize) -> Result<u64> {
        Ok(self.take(len)?.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    fn string(&mut self, len: usize) -> Result<Value> {
        let bytes = self.take(len)?;
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        self.made += 1;
        if self.made.is_multiple_of(1024) {
            self.state.check_memory(self.lua, 0)?;
        }
        if depth > UNPACK_DEPTH_MAX {
            return Err(lua_error(self.lua, "Bad data format in input."));
        }
        let kind = self.take(1)?[0];
        let number = |n: f64| Ok(Value::Number(n));
        match kind {
            0x00..=0x7f => number(f64::from(kind)),
            0xe0..=0xff => number(f64::from(kind as i8)),
            0xa0..=0xbf => self.string(usize::from(kind & 31)),
            0x90..=0x9f => self.array(usize::from(kind & 15), depth),
            0x80..=0x8f => self.map(usize::from(kind & 15), depth),
            0xc0 => Ok(Value::Nil),
            0xc2 => Ok(Value::Boolean(false)),
            0xc3 => Ok(Value::Boolean(true)),
            0xcc => number(self.uint(1)? as f64),
            0xcd => number(self.uint(2)? as f64),
            0xce => number(self.uint(4)? as f64),
            0xcf => number(self.uint(8)? as f64),
            0xd0 => number(f64::from(self.uint(1)? as i8)),
            0xd1 => number(f64::from(self.uint(2)? as i16)),
            0xd2 => number(f64::from(self.uint(4)? as i32)),
            0xd3 => number(self.uint(8)? as i64 as f64),
            0xca => number(f64::from(f32::from_bits(self.uint(4)? as u32))),
            0xcb => number(f64::from_bits(self.uint(8)?)),
            0xc4 | 0xd9 => {
                let len = self.uint(1)? as usize;
                self.string(len)
            }
            0xc5 | 0xda => {
                let len = self.uint(2)? as usize;
                self.string(len)
            }
            0xc6 | 0xdb => {
                let len = self.uint(4)? as usize;
                self.string(len)
            }
            0xdc => {
                let count = self.uint(2)? as usize;
                self.array(count, depth)
            }
            0xdd => {
                let count = self.uint(4)? as usize;
                self.array(count, depth)
            }
            0xde => {
                let count = self.uint(2)? as usize;
                self.map(count, depth)
            }
            0xdf => {
                let count = self.uint(4)? as usize;
                self.map(count, depth)
            }
            _ => Err(lua_error(self.lua, "Bad data format in input.")),
        }
    }

    fn array(&mut self, count: usize, depth: usize) -> Result<Value> {
        let array = self.lua.create_table()?;
        for i in 1..=count {
            let item = self.value(depth + 1)?;
            array.raw_set(i, item)?;
        }
        Ok(Value::Table(array))
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<Value> {
        let map = self.lua.create_table()?;
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            let item = self.value(depth + 1)?;
            if key.is_nil() || matches!(key, Value::Number(n) if n.is_nan()) {
                return Err(lua_error(self.lua, "Bad data format in input."));
            }
            map.raw_set(key, item)?;
        }
        Ok(Value::Table(map))
    }
}
