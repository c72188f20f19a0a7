//! `cjson`: JSON to Lua values and back.
//!
//! A table is an array when all its keys are whole numbers above 0; an empty one is an object. Null is `cjson.null`.
//! Settings are those of one script: each begins with the defaults.

use crate::api::{lua_error, to_number};
use crate::bits::type_of;
use crate::machine::State;
use mlua::{Lua, MultiValue, Result, Table, Value};
use std::rc::Rc;

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    sparse_convert: bool,
    sparse_ratio: u32,
    sparse_safe: u32,
    encode_depth_max: usize,
    decode_depth_max: usize,
    precision: usize,
    encode_invalid: Invalid,
    decode_invalid: bool,
    keep_buffer: bool,
    array_mt: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Allowed,
    Null,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth_max: 1000,
            decode_depth_max: 1000,
            precision: 14,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            keep_buffer: true,
            array_mt: false,
        }
    }
}

/// However many a script asks for: the thread's stack is finite.
const DEPTH_MAX: usize = 4_000;

/// Under this name the machine keeps the metatable that marks arrays.
const ARRAY_MT: &str = "basalt.array_mt";

pub(crate) fn table(lua: &Lua, state: &Rc<State>) -> Result<Table> {
    let cjson = lua.create_table()?;
    cjson.set("null", Value::NULL)?;
    cjson.set("_NAME", "cjson")?;
    cjson.set("_VERSION", "2.1.0")?;
    lua.set_named_registry_value(ARRAY_MT, lua.create_table()?)?;
    let of = Rc::clone(state);
    cjson.set(
        "encode",
        lua.create_function(move |lua, args: MultiValue| {
            let _free = of.unlimited(lua);
            if args.len() != 1 {
                return Err(lua_error(lua, "bad argument #1 to 'encode' (expected 1 argument)"));
            }
            let mut out = Vec::new();
            Encoder { lua, state: &of, settings: of.json.get(), out: &mut out }.value(&args[0], 0)?;
            let text = lua.create_string(&out)?;
            of.check_memory(lua, 0)?;
            Ok(text)
        })?,
    )?;
    let of = Rc::clone(state);
    cjson.set(
        "decode",
        lua.create_function(move |lua, args: MultiValue| {
            let _free = of.unlimited(lua);
            if args.len() != 1 {
                return Err(lua_error(lua, "bad argument #1 to 'decode' (expected 1 argument)"));
            }
            let text = match &args[0] {
                Value::String(text) => text.clone(),
                value @ (Value::Number(_) | Value::Integer(_)) => {
                    lua.coerce_string(value.clone())?.expect("a number has a text")
                }
                other => return Err(crate::api::bad_argument(lua, "decode", 0, "string", Some(other))),
            };
            let text = text.as_bytes();
            if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
                return Err(lua_error(lua, "JSON parser does not support UTF-16 or UTF-32"));
            }
            let mut decoder =
                Decoder { lua, state: &of, settings: of.json.get(), text: &text, at: 0, made: 0, depth: 0 };
            decoder.whole()
        })?,
    )?;
    settings(lua, state, &cjson)?;
    Ok(cjson)
}

fn settings(lua: &Lua, state: &Rc<State>, cjson: &Table) -> Result<()> {
    type Set = fn(&mut Settings, &Lua, &MultiValue) -> Result<Vec<Value>>;
    let all: [(&str, Set); 8] = [
        ("encode_sparse_array", |settings, lua, args| {
            if let Some(convert) = args.front().filter(|value| !value.is_nil()) {
                settings.sparse_convert = boolean(lua, "encode_sparse_array", convert)?;
            }
            settings.sparse_ratio =
                limit(lua, "encode_sparse_array", args, 1, 0, settings.sparse_ratio as usize)? as u32;
            settings.sparse_safe = limit(lua, "encode_sparse_array", args, 2, 0, settings.sparse_safe as usize)? as u32;
            Ok(vec![
                Value::Boolean(settings.sparse_convert),
                Value::Number(settings.sparse_ratio.into()),
                Value::Number(settings.sparse_safe.into()),
            ])
        }),
        ("encode_max_depth", |settings, lua, args| {
            settings.encode_depth_max = limit(lua, "encode_max_depth", args, 0, 1, settings.encode_depth_max)?;
            Ok(vec![Value::Number(settings.encode_depth_max as f64)])
        }),
        ("decode_max_depth", |settings, lua, args| {
            settings.decode_depth_max = limit(lua, "decode_max_depth", args, 0, 1, settings.decode_depth_max)?;
            Ok(vec![Value::Number(settings.decode_depth_max as f64)])
        }),
        ("encode_number_precision", |settings, lua, args| {
            let precision = limit(lua, "encode_number_precision", args, 0, 1, settings.precision)?;
            if precision > 16 {
                return Err(lua_error(
                    lua,
                    "bad argument #1 to 'encode_number_precision' (expected integer between 1 and 16)",
                ));
            }
            settings.precision = precision;
            Ok(vec![Value::Number(precision as f64)])
        }),
        ("encode_keep_buffer", |settings, lua, args| {
            if let Some(keep) = args.front().filter(|value| !value.is_nil()) {
                settings.keep_buffer = boolean(lua, "encode_keep_buffer", keep)?;
            }
            Ok(vec![Value::Boolean(settings.keep_buffer)])
        }),
        ("encode_invalid_numbers", |settings, lua, args| {
            match args.front() {
                None | Some(Value::Nil) => {}
                Some(Value::String(text)) if text.as_bytes() == &b"null"[..] => settings.encode_invalid = Invalid::Null,
                Some(value) => {
                    let allowed = boolean(lua, "encode_invalid_numbers", value)?;
                    settings.encode_invalid = if allowed { Invalid::Allowed } else { Invalid::Refused };
                }
            }
            Ok(vec![match settings.encode_invalid {
                Invalid::Refused => Value::Boolean(false),
                Invalid::Allowed => Value::Boolean(true),
                Invalid::Null => Value::String(lua.create_string("null")?),
            }])
        }),
        ("decode_invalid_numbers", |settings, lua, args| {
            if let Some(value) = args.front().filter(|value| !value.is_nil()) {
                settings.decode_invalid = boolean(lua, "decode_invalid_numbers", value)?;
            }
            Ok(vec![Value::Boolean(settings.decode_invalid)])
        }),
        ("decode_array_with_array_mt", |settings, lua, args| {
            if let Some(value) = args.front().filter(|value| !value.is_nil()) {
                settings.array_mt = boolean(lua, "decode_array_with_array_mt", value)?;
            }
            Ok(vec![Value::Boolean(settings.array_mt)])
        }),
    ];
    for (name, set) in all {
        let of = Rc::clone(state);
        cjson.set(
            name,
            lua.create_function(move |lua, args: MultiValue| {
                let _free = of.unlimited(lua);
                let mut settings = of.json.get();
                let shown = set(&mut settings, lua, &args)?;
                of.json.set(settings);
                Ok(MultiValue::from_vec(shown))
            })?,
        )?;
    }
    Ok(())
}

fn boolean(lua: &Lua, function: &str, value: &Value) -> Result<bool> {
    match value {
        Value::Boolean(yes) => Ok(*yes),
        Value::String(text) if text.as_bytes() == &b"on"[..] => Ok(true),
        Value::String(text) if text.as_bytes() == &b"off"[..] => Ok(false),
        _ => Err(lua_error(lua, format_args!("bad argument #1 to '{function}' (invalid option)"))),
    }
}

fn limit(lua: &Lua, function: &str, args: &MultiValue, i: usize, low: usize, present: usize) -> Result<usize> {
    match args.get(i) {
        None | Some(Value::Nil) => Ok(present),
        Some(value) => match to_number(value) {
            Some(n) if n >= low as f64 && n <= f64::from(i32::MAX) => Ok(n as usize),
            _ => Err(lua_error(
                lua,
                format_args!(
                    "bad argument #{} to '{function}' (expected integer between {low} and {})",
                    i + 1,
                    i32::MAX
                ),
            )),
        },
    }
}

struct Encoder<'e> {
    lua: &'e Lua,
    state: &'e State,
    settings: Settings,
    out: &'e mut Vec<u8>,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::Nil | Value::LightUserData(mlua::LightUserData(_)) if value.is_nil() || value.is_null() => {
                self.out.extend_from_slice(b"null");
            }
            Value::Boolean(yes) => self.out.extend_from_slice(if *yes { b"true" } else { b"false" }),
            Value::Integer(n) => self.number(*n as f64)?,
            Value::Number(n) => self.number(*n)?,
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Table(table) => self.table(table, depth + 1)?,
            other => return Err(self.refuse(other, "type not supported")),
        }
        Ok(())
    }

    fn refuse(&self, value: &Value, why: &str) -> mlua::Error {
        lua_error(self.lua, format_args!("Cannot serialise {}: {why}", type_of(Some(value))))
    }

    fn number(&mut self, n: f64) -> Result<()> {
        if n.is_finite() {
            write_g(self.out, n, self.settings.precision);
            return Ok(());
        }
        match self.settings.encode_invalid {
            Invalid::Refused => {
                return Err(lua_error(self.lua, "Cannot serialise number: must not be NaN or Inf"));
            }
            Invalid::Null => self.out.extend_from_slice(b"null"),
            Invalid::Allowed if n.is_nan() => self.out.extend_from_slice(b"nan"),
            Invalid::Allowed => self.out.extend_from_slice(if n > 0.0 { b"inf" } else { b"-inf" }),
        }
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'/' => self.out.extend_from_slice(b"\\/"),
                8 => self.out.extend_from_slice(b"\\b"),
                12 => self.out.extend_from_slice(b"\\f"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0..32 | 127 => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<()> {
        if depth > self.settings.encode_depth_max.min(DEPTH_MAX) {
            return Err(lua_error(self.lua, format_args!("Cannot serialise, excessive depth ({depth})")));
        }
        self.state.check_memory(self.lua, self.out.len())?;
        match self.array_len(table)? {
            Some(len) if len > 0 || self.is_marked(table)? => {
                self.out.push(b'[');
                for i in 1..=len {
                    if i > 1 {
                        self.out.push(b',');
                    }
                    let item: Value = table.raw_get(i)?;
                    self.value(&item, depth)?;
                }
                self.out.push(b']');
                Ok(())
            }
            _ => self.object(table, depth),
        }
    }

    fn is_marked(&self, table: &Table) -> Result<bool> {
        let Some(mt) = table.metatable() else { return Ok(false) };
        Ok(self.lua.named_registry_value::<Table>(ARRAY_MT)?.to_pointer() == mt.to_pointer())
    }

    /// Its length, when all keys are whole numbers and not too far apart.
    fn array_len(&self, table: &Table) -> Result<Option<usize>> {
        let (mut greatest, mut count) = (0.0_f64, 0u64);
        let mut is_array = true;
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            let key = match key {
                Value::Integer(n) => n as f64,
                Value::Number(n) => n,
                _ => -1.0,
            };
            if key < 1.0 || key.fract() != 0.0 || key > f64::from(i32::MAX) {
                is_array = false;
                break;
            }
            greatest = greatest.max(key);
            count += 1;
        }
        if !is_array {
            return Ok(None);
        }
        let settings = &self.settings;
        let too_sparse = settings.sparse_ratio > 0
            && greatest > count as f64 * f64::from(settings.sparse_ratio)
            && greatest > f64::from(settings.sparse_safe);
        if too_sparse {
            if !settings.sparse_convert {
                return Err(lua_error(self.lua, "Cannot serialise table: excessively sparse array"));
            }
            return Ok(None);
        }
        Ok(Some(greatest as usize))
    }

    fn object(&mut self, table: &Table, depth: usize) -> Result<()> {
        self.out.push(b'{');
        let mut first = true;
        for pair in table.pairs::<Value, Value>() {
            let (key, item) = pair?;
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            match &key {
                Value::String(text) => self.string(&text.as_bytes()),
                Value::Number(_) | Value::Integer(_) => {
                    self.out.push(b'"');
                    self.number(to_number(&key).unwrap_or(0.0))?;
                    self.out.push(b'"');
                }
                other => return Err(self.refuse(other, "table key must be a number or string")),
            }
            self.out.push(b':');
            self.value(&item, depth)?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// C's "%.{precision}g".
fn write_g(out: &mut Vec<u8>, n: f64, precision: usize) {
    if n == 0.0 {
        return out.extend_from_slice(if n.is_sign_negative() { b"-0" } else { b"0" });
    }
    if n.fract() == 0.0 && n.abs() < 1e14 && precision >= 14 {
        return kit::text::write_i64(out, n as i64);
    }
    let scientific = format!("{n:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    let text = if (-4..precision as i32).contains(&exponent) {
        trimmed(&format!("{n:.*}", (precision as i32 - 1 - exponent).max(0) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

struct Decoder<'d> {
    lua: &'d Lua,
    state: &'d State,
    settings: Settings,
    text: &'d [u8],
    at: usize,
    /// Values made since the memory was looked at.
    made: usize,
    depth: usize,
}

enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Text(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Error(what) => what,
        }
    }
}

impl Decoder<'_> {
    fn whole(&mut self) -> Result<Value> {
        let (token, at) = self.token();
        let value = self.value(token, at)?;
        match self.token() {
            (Token::End, _) => Ok(value),
            (token, at) => Err(self.expected("the end", &token, at)),
        }
    }

    fn expected(&self, what: &str, found: &Token, at: usize) -> mlua::Error {
        let found = found.name();
        lua_error(self.lua, format_args!("Expected {what} but found {found} at character {}", at + 1))
    }

    fn value(&mut self, token: Token, at: usize) -> Result<Value> {
        self.made += 1;
        if self.made.is_multiple_of(1024) {
            self.state.check_memory(self.lua, 0)?;
        }
        match token {
            Token::Text(text) => Ok(Value::String(self.lua.create_string(text)?)),
            Token::Number(n) => Ok(Value::Number(n)),
            Token::Boolean(yes) => Ok(Value::Boolean(yes)),
            Token::Null => Ok(Value::NULL),
            Token::ObjectBegin => self.nested(at, Decoder::object),
            Token::ArrayBegin => self.nested(at, Decoder::array),
            other => Err(self.expected("value", &other, at)),
        }
    }

    fn nested(&mut self, at: usize, read: impl FnOnce(&mut Self) -> Result<Table>) -> Result<Value> {
        self.depth += 1;
        if self.depth > self.settings.decode_depth_max.min(DEPTH_MAX) {
            return Err(lua_error(
                self.lua,
                format_args!("Found too many nested data structures ({}) at character {}", self.depth, at + 1),
            ));
        }
        let table = read(self)?;
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn object(&mut self) -> Result<Table> {
        let object = self.lua.create_table()?;
        let (mut token, mut at) = self.token();
        if matches!(token, Token::ObjectEnd) {
            return Ok(object);
        }
        loop {
            let Token::Text(key) = token else { return Err(self.expected("object key string", &token, at)) };
            let (colon, colon_at) = self.token();
            if !matches!(colon, Token::Colon) {
                return Err(self.expected("colon", &colon, colon_at));
            }
            let (first, first_at) = self.token();
            let item = self.value(first, first_at)?;
            object.raw_set(self.lua.create_string(key)?, item)?;
            match self.token() {
                (Token::ObjectEnd, _) => return Ok(object),
                (Token::Comma, _) => (token, at) = self.token(),
                (other, other_at) => return Err(self.expected("comma or object end", &other, other_at)),
            }
        }
    }

    fn array(&mut self) -> Result<Table> {
        let array = self.lua.create_table()?;
        if self.settings.array_mt {
            array.set_metatable(Some(self.lua.named_registry_value(ARRAY_MT)?))?;
        }
        let (mut token, mut at) = self.token();
        if matches!(token, Token::ArrayEnd) {
            return Ok(array);
        }
        for i in 1.. {
            let item = self.value(token, at)?;
            array.raw_set(i, item)?;
            match self.token() {
                (Token::ArrayEnd, _) => break,
                (Token::Comma, _) => (token, at) = self.token(),
                (other, other_at) => return Err(self.expected("comma or array end", &other, other_at)),
            }
        }
        Ok(array)
    }

    /// The next token and where it begins.
    fn token(&mut self) -> (Token, usize) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        let at = self.at;
        let Some(&byte) = self.text.get(at) else { return (Token::End, at) };
        self.at += 1;
        let token = match byte {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => match self.string() {
                Ok(text) => Token::Text(text),
                Err((what, place)) => return (Token::Error(what), place),
            },
            b'-' | b'0'..=b'9' | b'+' | b'.' | b'i' | b'I' | b'n' | b'N' | b't' | b'f' => self.word(at),
            _ => Token::Error("invalid token"),
        };
        (token, at)
    }

    fn word(&mut self, at: usize) -> Token {
        let rest = &self.text[at..];
        for (word, token) in
            [(&b"true"[..], Token::Boolean(true)), (b"false", Token::Boolean(false)), (b"null", Token::Null)]
        {
            if rest.starts_with(word) {
                self.at = at + word.len();
                return token;
            }
        }
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        let Ok(text) = std::str::from_utf8(word) else { return Token::Error("invalid token") };
        let bare = text.strip_prefix('-').unwrap_or(text);
        let looks_odd = text.starts_with('+')
            || bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.')
            || bare.len() > 1 && bare.starts_with('0') && !bare[1..].starts_with(['.', 'e', 'E']);
        if looks_odd && !self.settings.decode_invalid {
            return Token::Error("invalid number");
        }
        self.at = at + word.len();
        let lower = bare.to_ascii_lowercase();
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        match lower.as_str() {
            "inf" | "infinity" => return Token::Number(sign * f64::INFINITY),
            "nan" => return Token::Number(f64::NAN),
            _ => {}
        }
        if let Some(hex) = lower.strip_prefix("0x")
            && let Ok(n) = u64::from_str_radix(hex, 16)
        {
            return Token::Number(sign * n as f64);
        }
        if !text.bytes().any(|byte| byte.is_ascii_digit())
            || text.bytes().any(|byte| byte.is_ascii_alphabetic() && !b"eE".contains(&byte))
        {
            self.at = at + 1;
            return Token::Error("invalid token");
        }
        text.trim_start_matches('+').parse().map_or(Token::Error("invalid number"), Token::Number)
    }

    /// Behind the opening quote.
    fn string(&mut self) -> std::result::Result<Vec<u8>, (&'static str, usize)> {
        let mut text = Vec::new();
        loop {
            let at = self.at;
            let Some(&byte) = self.text.get(at) else { return Err(("unexpected end of string", at)) };
            self.at += 1;
            match byte {
                b'"' => return Ok(text),
                b'\\' => {
                    let Some(&code) = self.text.get(self.at) else { return Err(("unexpected end of string", self.at)) };
                    self.at += 1;
                    text.push(match code {
                        b'"' | b'\\' | b'/' => code,
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'u' => {
                            let Some(c) = self.unicode() else { return Err(("invalid unicode escape code", at)) };
                            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                            continue;
                        }
                        _ => return Err(("invalid escape code", at)),
                    });
                }
                _ => text.push(byte),
            }
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if self.text.get(self.at..self.at + 2)? != b"\\u" {
            return None;
        }
        self.at += 2;
        let second = self.hex4().filter(|second| (0xdc00..0xe000).contains(second))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
        let n = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        self.at += 4;
        Some(n)
    }
}

#[cfg(test)]
mod tests {
    use super::write_g;

    #[test]
    fn numbers_as_c_writes_them() {
        for (n, precision, text) in [
            (0.1, 14, "0.1"),
            (1e15, 14, "1e+15"),
            (123.0, 14, "123"),
            (-5e3, 14, "-5000"),
            (3e-4, 14, "0.0003"),
            (1e-5, 14, "1e-05"),
            (1.0 / 3.0, 14, "0.33333333333333"),
            (1.0 / 3.0, 3, "0.333"),
            (12345.0, 3, "1.23e+04"),
            (100.0, 3, "100"),
            (99999999999999.0, 14, "99999999999999"),
        ] {
            let mut out = Vec::new();
            write_g(&mut out, n, precision);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
