//! DUMP key
//!
//! The value in RDB form, sealed: what RESTORE takes, here and in any Redis from 7.0 on (7.4 if fields of a hash have
//! deadlines). Deadline and access clock of the key are not part of it.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use keyspace::{EntryRef, ValueRef};
use types::rdb::{self, Form};

pub static DUMP: Command = Command {
    name: "DUMP",
    group: Group::Generic,
    since: "2.6.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N) with N bytes of the value.",
    summary: "The value of a key in a form that RESTORE takes.",
    docs: &[super::KEY],
    tips: super::NEVER_THE_SAME,
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let compress = ctx.node.config.get(&exec::options::RDB_COMPRESSION);
    let Some(entry) = ctx.db.read_entry(args.key(1))? else {
        ctx.reply.null();
        return Ok(());
    };
    let payload = payload(&entry, compress)?;
    ctx.reply.bulk(&payload);
    Ok(())
}

/// A value as DUMP gives it.
pub(super) fn payload(entry: &EntryRef, compress: bool) -> Result<Vec<u8>, Error> {
    let text = Form::for_dump_of_string(compress);
    Ok(match entry.value() {
        ValueRef::Int(int) => rdb::dump_string(&text, |out| rdb::write_int(int, out)),
        ValueRef::Str(bytes) | ValueRef::Raw(bytes) => {
            rdb::dump_string(&text, |out| rdb::write_string(bytes, compress, out))
        }
        ValueRef::Object(object) => {
            let object = object.view();
            rdb::dump(&object, &Form::for_dump(&object, compress))
                .map_err(|refused| Error::err(format_args!("{refused}")))?
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn strings_as_redis_dumps_them() {
        check("DUMP none -> nil; DUMP -> -ERR wrong number of arguments for 'dump' command");
        let mut node = node(&[]);
        for (value, payload) in
            [("a", &b"\0\x01a\n\0"[..]), ("300", b"\0\xc1\x2c\x01\n\0"), ("70000000000", b"\0\x0b70000000000\n\0")]
        {
            node.converse(&format!("SET k {value}"));
            let Value::Bulk(dumped) = node.ask_line("DUMP k") else { panic!("no payload") };
            assert_eq!(&dumped[..dumped.len() - 8], payload, "{value}");
        }
        let long = "ab".repeat(200);
        node.converse(&format!("SET k {long}; CONFIG SET rdbcompression no"));
        let Value::Bulk(plain) = node.ask_line("DUMP k") else { panic!("no payload") };
        node.converse("CONFIG SET rdbcompression yes");
        let Value::Bulk(packed) = node.ask_line("DUMP k") else { panic!("no payload") };
        assert!(plain.len() > 400 && packed.len() < 40);
    }
}
