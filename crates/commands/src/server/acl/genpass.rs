//! ACL GENPASS [bits]
//!
//! A password to give to a user: hexadecimal digits from the kernel's source of secrets, not from the node's random
//! numbers, which can be known by who knows their seed.

use super::{FLAGS, too_many};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Group};
use kit::world::Rng;

pub static GENPASS: Command = Command {
    name: "GENPASS",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    summary: "Makes a password that nobody can guess.",
    docs: &[Arg { name: "bits", kind: ArgKind::Integer, optional: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

const BITS_DEFAULT: i64 = 256;
const BITS_MAX: i64 = 4096;
const BITS_A_DIGIT: usize = 4;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let bits = match args.len() {
        2 => BITS_DEFAULT,
        3 => args.int(2)?,
        _ => return Err(too_many("GENPASS")),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(Error::Static(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        ));
    }
    let digits = (bits as usize).div_ceil(BITS_A_DIGIT);
    let mut secret = vec![0; digits.div_ceil(2)];
    Rng::entropy(&mut secret);
    ctx.reply.bulk_str(&kit::sha::hex(&secret)[..digits]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn as_long_as_asked_for() {
        let mut node = node(&[]);
        for (line, len) in [("ACL GENPASS", 64), ("ACL GENPASS 1", 1), ("ACL GENPASS 5", 2), ("ACL GENPASS 4096", 1024)]
        {
            let Value::Bulk(password) = node.ask_line(line) else { panic!("{line}") };
            assert_eq!(password.len(), len, "{line}");
            assert!(password.iter().all(u8::is_ascii_hexdigit));
        }
        assert_ne!(node.ask_line("ACL GENPASS"), node.ask_line("ACL GENPASS"));
    }

    #[test]
    fn refuses() {
        check(
            "ACL GENPASS 0 -> -ERR ACL GENPASS argument must be the number; ACL GENPASS 4097 -> -ERR ACL GENPASS argument must be the number; ACL GENPASS x -> -ERR value is not an integer; ACL GENPASS 1 2 -> -ERR unknown subcommand or wrong number of arguments for 'GENPASS'",
        );
    }
}
