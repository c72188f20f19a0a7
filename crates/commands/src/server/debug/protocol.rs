//! DEBUG PROTOCOL type: one reply of each type, for tests of clients. The values are Redis's, because clients' tests
//! compare them.

use exec::{Args, Ctx, Error};
use proto::Reply;

pub(super) fn protocol(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (_, write) = TYPES.iter().find(|(name, _)| args.is(2, name)).ok_or_else(unknown)?;
    write(ctx.reply)
}

type Write = fn(&mut Reply) -> Result<(), Error>;

#[allow(clippy::approx_constant, reason = "3.141 is what Redis answers, not pi")]
static TYPES: &[(&str, Write)] = &[
    ("string", |reply| {
        reply.bulk_str("Hello World");
        Ok(())
    }),
    ("integer", |reply| {
        reply.int(12345);
        Ok(())
    }),
    ("double", |reply| {
        reply.double(3.141);
        Ok(())
    }),
    ("bignum", |reply| {
        reply.big_number("1234567999999999999999999999999999999");
        Ok(())
    }),
    ("null", |reply| {
        reply.null();
        Ok(())
    }),
    ("array", |reply| {
        reply.array(3);
        (0..3).for_each(|n| reply.int(n));
        Ok(())
    }),
    ("set", |reply| {
        reply.set(3);
        (0..3).for_each(|n| reply.int(n));
        Ok(())
    }),
    ("map", |reply| {
        reply.map(3);
        for n in 0..3 {
            reply.int(n);
            reply.bool(n == 1);
        }
        Ok(())
    }),
    ("attrib", attribute),
    ("push", push),
    ("verbatim", |reply| {
        reply.verbatim("txt", b"This is a verbatim\nstring");
        Ok(())
    }),
    ("true", |reply| {
        reply.bool(true);
        Ok(())
    }),
    ("false", |reply| {
        reply.bool(false);
        Ok(())
    }),
];

/// Attributes come before the reply they belong to; a client of RESP2 sees only the reply.
fn attribute(reply: &mut Reply) -> Result<(), Error> {
    if reply.attribute(1) {
        reply.bulk_str("key-popularity");
        reply.array(2);
        reply.bulk_str("key:123");
        reply.int(90);
    }
    reply.bulk_str("Some real reply following the attribute");
    Ok(())
}

/// A push answers nothing, so a reply follows for the client that waits for one.
fn push(reply: &mut Reply) -> Result<(), Error> {
    if !reply.is_resp3() {
        return Err(Error::Static("ERR RESP2 is not supported by this command"));
    }
    reply.push(2);
    reply.bulk_str("server-cpu-usage");
    reply.int(42);
    reply.bulk_str("Some real reply following the push reply");
    Ok(())
}

fn unknown() -> Error {
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    Error::err(format!("Wrong protocol type name. Please use one of the following: {}", names.join("|")))
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn in_resp2() {
        check(
            "DEBUG PROTOCOL string -> \"Hello World\"; DEBUG PROTOCOL integer -> :12345; DEBUG PROTOCOL double -> 3.141; DEBUG PROTOCOL null -> nil",
        );
        check(
            "DEBUG PROTOCOL bignum -> 1234567999999999999999999999999999999; DEBUG PROTOCOL true -> :1; DEBUG PROTOCOL false -> :0",
        );
        check(
            "DEBUG PROTOCOL array -> [:0 :1 :2]; DEBUG PROTOCOL set -> [:0 :1 :2]; DEBUG PROTOCOL map -> [:0 :0 :1 :1 :2 :0]",
        );
        check(
            "DEBUG PROTOCOL attrib -> \"Some real reply following the attribute\"; DEBUG PROTOCOL push -> -ERR RESP2 is not supported by this command",
        );
        check(
            "DEBUG PROTOCOL xx -> -ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
        );
    }

    #[test]
    fn in_resp3() {
        check(
            "HELLO 3; DEBUG PROTOCOL double -> ,3.141; DEBUG PROTOCOL bignum -> (1234567999999999999999999999999999999; DEBUG PROTOCOL TRUE -> #t",
        );
        check(
            "HELLO 3; DEBUG PROTOCOL set -> ~[:0 :1 :2]; DEBUG PROTOCOL map -> %[:0 #f :1 #t :2 #f]; DEBUG PROTOCOL verbatim -> \"This is a verbatim\\nstring\"",
        );
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("HELLO 3");
        let mut text = |name| String::from_utf8(node.ask(1, &["DEBUG", "PROTOCOL", name])).unwrap();
        let attribute = "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n";
        assert_eq!(text("attrib"), attribute);
        let push = ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n";
        assert_eq!(text("push"), push);
    }
}
