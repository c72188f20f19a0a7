//! `bit`: operations on 32 bits. A number is taken modulo 2^32, results are signed.

use mlua::{Lua, MultiValue, Result, Table, Value};

pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let bit = lua.create_table()?;
    let fold = |name: &'static str, combine: fn(u32, u32) -> u32| {
        lua.create_function(move |lua, args: MultiValue| {
            let mut all = number(lua, name, &args, 0)?;
            for i in 1..args.len() {
                all = combine(all, number(lua, name, &args, i)?);
            }
            Ok(signed(all))
        })
    };
    let shift = |name: &'static str, by: fn(u32, u32) -> u32| {
        lua.create_function(move |lua, args: MultiValue| {
            Ok(signed(by(number(lua, name, &args, 0)?, number(lua, name, &args, 1)? & 31)))
        })
    };
    let one = |name: &'static str, change: fn(u32) -> u32| {
        lua.create_function(move |lua, args: MultiValue| Ok(signed(change(number(lua, name, &args, 0)?))))
    };
    bit.set("tobit", one("tobit", |n| n)?)?;
    bit.set("bnot", one("bnot", |n| !n)?)?;
    bit.set("bswap", one("bswap", u32::swap_bytes)?)?;
    bit.set("band", fold("band", |a, b| a & b)?)?;
    bit.set("bor", fold("bor", |a, b| a | b)?)?;
    bit.set("bxor", fold("bxor", |a, b| a ^ b)?)?;
    bit.set("lshift", shift("lshift", |n, by| n << by)?)?;
    bit.set("rshift", shift("rshift", |n, by| n >> by)?)?;
    bit.set("arshift", shift("arshift", |n, by| ((n as i32) >> by) as u32)?)?;
    bit.set("rol", shift("rol", u32::rotate_left)?)?;
    bit.set("ror", shift("ror", u32::rotate_right)?)?;
    let tohex = lua.create_function(|lua, args: MultiValue| {
        let n = number(lua, "tohex", &args, 0)?;
        let digits = if args.len() > 1 { number(lua, "tohex", &args, 1)? as i32 } else { 8 };
        let count = digits.unsigned_abs().min(8) as usize;
        let all = if digits < 0 { format!("{n:08X}") } else { format!("{n:08x}") };
        lua.create_string(&all[8 - count..])
    })?;
    bit.set("tohex", tohex)?;
    Ok(bit)
}

fn signed(n: u32) -> f64 {
    f64::from(n as i32)
}

fn number(lua: &Lua, function: &str, args: &MultiValue, i: usize) -> Result<u32> {
    let number = args.get(i).and_then(crate::api::to_number);
    let number = number.ok_or_else(|| crate::api::bad_argument(lua, function, i, "number", args.get(i)))?;
    Ok(to_u32(number))
}

/// Modulo 2^32, to the nearest integer.
fn to_u32(n: f64) -> u32 {
    let n = n.round_ties_even();
    if n.abs() < 9.0e15 { n as i64 as u32 } else { n.rem_euclid(4_294_967_296.0) as u32 }
}

/// What stands in a number's place, as Lua's own library names it.
pub(crate) fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::LightUserData(_)) => "userdata",
        Some(value) => value.type_name(),
    }
}

#[cfg(test)]
mod tests {
    use super::to_u32;

    #[test]
    fn wraps() {
        assert_eq!(to_u32(-1.0), u32::MAX);
        assert_eq!(to_u32(4_294_967_296.0 + 5.0), 5);
        assert_eq!(to_u32(2_147_483_648.0), 1 << 31);
        assert_eq!(to_u32(1e300), 0);
        assert_eq!((to_u32(1.5), to_u32(2.5)), (2, 2));
    }
}
