//! `struct`: packs numbers and strings by a format, as C lays them out.
//!
//! `<` `>` byte order, `!n` alignment, `b` `h` `l` `i` `In` integers (capital: unsigned), `T` a size, `f` `d` floats,
//! `cn` n bytes (`c0` as many as there are, or as the number before says), `s` up to a zero, `x` a byte of padding.

use crate::api::{bad_argument, lua_error, to_number};
use crate::machine::State;
use mlua::{Lua, MultiValue, Result, Table, Value};
use std::rc::Rc;

const INT_BYTES_MAX: usize = 32;
const PADDED_BYTES_MAX: usize = 64 << 20;

pub(crate) fn table(lua: &Lua, state: &Rc<State>) -> Result<Table> {
    let table = lua.create_table()?;
    let of = Rc::clone(state);
    table.set(
        "pack",
        lua.create_function(move |lua, args: MultiValue| {
            let _free = of.unlimited(lua);
            let packed = pack(lua, &args)?;
            let text = lua.create_string(packed)?;
            of.check_memory(lua, 0)?;
            Ok(text)
        })?,
    )?;
    let of = Rc::clone(state);
    table.set(
        "unpack",
        lua.create_function(move |lua, args: MultiValue| {
            let _free = of.unlimited(lua);
            unpack(lua, &args)
        })?,
    )?;
    table.set("size", lua.create_function(|lua, args: MultiValue| size(lua, &args))?)?;
    Ok(table)
}

/// One item of a format.
enum Item {
    Int { bytes: usize, signed: bool },
    Float,
    Double,
    Chars(usize),
    ZeroEnded,
    Padding,
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Item::Int { bytes, .. } => *bytes,
            Item::Float => 4,
            Item::Double => 8,
            Item::Chars(len) => *len,
            Item::ZeroEnded => 0,
            Item::Padding => 1,
        }
    }

    fn aligns(&self) -> bool {
        !matches!(self, Item::Chars(_) | Item::ZeroEnded | Item::Padding)
    }
}

struct Format<'f> {
    lua: &'f Lua,
    text: &'f [u8],
    at: usize,
    little: bool,
    align: usize,
}

impl<'f> Format<'f> {
    fn new(lua: &'f Lua, text: &'f [u8]) -> Format<'f> {
        Format { lua, text, at: 0, little: true, align: 1 }
    }

    fn number(&mut self, without: usize) -> Result<usize> {
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Ok(without);
        }
        let text = std::str::from_utf8(&self.text[self.at..self.at + digits]).unwrap_or_default();
        self.at += digits;
        match text.parse::<usize>() {
            Ok(n) if n <= i32::MAX as usize => Ok(n),
            _ => Err(lua_error(self.lua, "integral size overflow")),
        }
    }

    fn int(&mut self, without: usize, signed: bool) -> Result<Item> {
        let bytes = self.number(without)?;
        if bytes == 0 || bytes > INT_BYTES_MAX {
            return Err(lua_error(
                self.lua,
                format_args!("integral size {bytes} is larger than limit of {INT_BYTES_MAX}"),
            ));
        }
        Ok(Item::Int { bytes, signed })
    }

    fn next(&mut self) -> Result<Option<Item>> {
        while let Some(&code) = self.text.get(self.at) {
            self.at += 1;
            return Ok(Some(match code {
                b'b' => Item::Int { bytes: 1, signed: true },
                b'B' => Item::Int { bytes: 1, signed: false },
                b'h' => Item::Int { bytes: 2, signed: true },
                b'H' => Item::Int { bytes: 2, signed: false },
                b'l' => Item::Int { bytes: 8, signed: true },
                b'L' | b'T' => Item::Int { bytes: 8, signed: false },
                b'i' => self.int(4, true)?,
                b'I' => self.int(4, false)?,
                b'f' => Item::Float,
                b'd' => Item::Double,
                b'x' => Item::Padding,
                b'c' => Item::Chars(self.number(1)?),
                b's' => Item::ZeroEnded,
                b' ' => continue,
                b'<' => {
                    self.little = true;
                    continue;
                }
                b'>' => {
                    self.little = false;
                    continue;
                }
                b'!' => {
                    let align = self.number(8)?;
                    if align == 0 || !align.is_power_of_two() {
                        return Err(lua_error(self.lua, "alignment is not a power of 2"));
                    }
                    self.align = align;
                    continue;
                }
                other => {
                    let code = char::from(other);
                    return Err(lua_error(self.lua, format_args!("invalid format option '{code}'")));
                }
            }));
        }
        Ok(None)
    }

    /// How much to leave free before the item.
    fn padding(&self, item: &Item, at: usize) -> usize {
        let align = item.bytes().min(self.align);
        if !item.aligns() || align <= 1 || !align.is_power_of_two() { 0 } else { at.wrapping_neg() & (align - 1) }
    }
}

fn text_at<'a>(lua: &Lua, function: &str, args: &'a MultiValue, i: usize) -> Result<std::borrow::Cow<'a, [u8]>> {
    match args.get(i) {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec().into()),
        Some(value @ (Value::Number(_) | Value::Integer(_))) => {
            Ok(lua.coerce_string(value.clone())?.map(|text| text.as_bytes().to_vec()).unwrap_or_default().into())
        }
        other => Err(bad_argument(lua, function, i, "string", other)),
    }
}

fn number_at(lua: &Lua, args: &MultiValue, i: usize) -> Result<f64> {
    args.get(i).and_then(to_number).ok_or_else(|| bad_argument(lua, "pack", i, "number", args.get(i)))
}

fn pack(lua: &Lua, args: &MultiValue) -> Result<Vec<u8>> {
    let text = text_at(lua, "pack", args, 0)?;
    let mut format = Format::new(lua, &text);
    let mut out = Vec::new();
    let mut arg = 1;
    while let Some(item) = format.next()? {
        out.resize(out.len() + format.padding(&item, out.len()), 0);
        match item {
            Item::Int { bytes, .. } => {
                let n = number_at(lua, args, arg)?;
                let n = if n < 0.0 { n as i64 as i128 } else { i128::from(n as u64) };
                let all = (0..bytes).map(|i| if i < 16 { (n >> (8 * i)) as u8 } else { (n >> 127) as u8 });
                let from = out.len();
                out.extend(all);
                if !format.little {
                    out[from..].reverse();
                }
            }
            Item::Float => {
                let n = number_at(lua, args, arg)? as f32;
                out.extend_from_slice(&if format.little { n.to_le_bytes() } else { n.to_be_bytes() });
            }
            Item::Double => {
                let n = number_at(lua, args, arg)?;
                out.extend_from_slice(&if format.little { n.to_le_bytes() } else { n.to_be_bytes() });
            }
            Item::Chars(len) => {
                let text = text_at(lua, "pack", args, arg)?;
                let len = if len == 0 { text.len() } else { len };
                if text.len() < len {
                    return Err(lua_error(lua, format_args!("bad argument #{} to 'pack' (string too short)", arg + 1)));
                }
                out.extend_from_slice(&text[..len]);
            }
            Item::ZeroEnded => {
                out.extend_from_slice(&text_at(lua, "pack", args, arg)?);
                out.push(0);
            }
            Item::Padding => {
                out.push(0);
                continue;
            }
        }
        arg += 1;
        if out.len() > PADDED_BYTES_MAX.max(1 << 30) {
            return Err(lua_error(lua, "not enough memory"));
        }
    }
    Ok(out)
}

fn unpack(lua: &Lua, args: &MultiValue) -> Result<MultiValue> {
    let text = text_at(lua, "unpack", args, 0)?;
    let data = text_at(lua, "unpack", args, 1)?;
    let from = match args.get(2) {
        None | Some(Value::Nil) => 1.0,
        Some(value) => to_number(value).ok_or_else(|| bad_argument(lua, "unpack", 2, "number", Some(value)))?,
    };
    if !(1.0..=9e15).contains(&from) {
        return Err(lua_error(lua, "bad argument #3 to 'unpack' (offset must be 1 or greater)"));
    }
    let mut format = Format::new(lua, &text);
    let mut at = from as usize - 1;
    let mut values: Vec<Value> = Vec::new();
    let too_short = || lua_error(lua, "bad argument #2 to 'unpack' (data string too short)");
    while let Some(item) = format.next()? {
        at += format.padding(&item, at);
        let len = match item {
            // As many as the number before says.
            Item::Chars(0) => match values.pop().as_ref().and_then(to_number) {
                Some(n) if n >= 0.0 => n as usize,
                _ => return Err(lua_error(lua, "format 'c0' needs a previous size")),
            },
            Item::ZeroEnded => {
                let rest = data.get(at..).ok_or_else(too_short)?;
                let end = rest.iter().position(|&byte| byte == 0);
                end.ok_or_else(|| lua_error(lua, "unfinished string in data"))? + 1
            }
            ref other => other.bytes(),
        };
        let bytes = at.checked_add(len).and_then(|end| data.get(at..end)).ok_or_else(too_short)?;
        at += len;
        values.push(match item {
            Item::Int { signed, .. } => Value::Number(int(bytes, format.little, signed)),
            Item::Float => {
                let bytes = bytes.try_into().unwrap_or_default();
                Value::Number(f64::from(if format.little {
                    f32::from_le_bytes(bytes)
                } else {
                    f32::from_be_bytes(bytes)
                }))
            }
            Item::Double => {
                let bytes = bytes.try_into().unwrap_or_default();
                Value::Number(if format.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
            }
            Item::Chars(_) => Value::String(lua.create_string(bytes)?),
            Item::ZeroEnded => Value::String(lua.create_string(&bytes[..len - 1])?),
            Item::Padding => continue,
        });
        if values.len() > 7_000 {
            return Err(lua_error(lua, "too many results to unpack"));
        }
    }
    values.push(Value::Number((at + 1) as f64));
    Ok(MultiValue::from_vec(values))
}

/// The lowest eight bytes.
fn int(bytes: &[u8], little: bool, signed: bool) -> f64 {
    let at = |i: usize| if little { bytes[i] } else { bytes[bytes.len() - 1 - i] };
    let len = bytes.len().min(8);
    let n = (0..len).fold(0u64, |n, i| n | u64::from(at(i)) << (8 * i));
    if !signed {
        return n as f64;
    }
    let unused = 64 - 8 * len as u32;
    ((n << unused) as i64 >> unused) as f64
}

fn size(lua: &Lua, args: &MultiValue) -> Result<f64> {
    let text = text_at(lua, "size", args, 0)?;
    let mut format = Format::new(lua, &text);
    let mut at = 0usize;
    while let Some(item) = format.next()? {
        match item {
            Item::ZeroEnded => {
                return Err(lua_error(lua, "bad argument #1 to 'size' (variable-size format in struct.size)"));
            }
            Item::Chars(0) => {
                return Err(lua_error(lua, "bad argument #1 to 'size' (variable-length format)"));
            }
            _ => {}
        }
        at = at.saturating_add(format.padding(&item, at)).saturating_add(item.bytes());
    }
    Ok(at as f64)
}
