//! ACL SETUSER user [rule …]
//!
//! Makes a user, or changes one: all rules in order, or none of them when one is wrong. The next command of the user's
//! connections goes by the new rules; those that listen to a channel they may not hear any more are closed.

use super::{ADMIN, close};
use exec::acl;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Group};

pub static SETUSER: Command = Command {
    name: "SETUSER",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(3),
    flags: ADMIN,
    complexity: "O(N), N = rules",
    summary: "Makes a user or changes its rules.",
    history: &[("6.2.0", "Channel patterns."), ("7.0.0", "Selectors, and permissions by key.")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[Arg { name: "username", ..Arg::BASE }, Arg { name: "rule", optional: true, multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let words: Vec<&[u8]> = args.iter_from(3).collect();
    let clients = acl::set_user(ctx.node, args.get(2), &words)?;
    close(ctx, &clients);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    /// What GETUSER shows as commands after these rules.
    fn commands(rules: &str) -> String {
        let mut node = node(&[]);
        node.converse(&format!("ACL SETUSER u {rules} -> +OK"));
        String::from_utf8_lossy(
            &node.node.acl.get(b"u").unwrap().rules().shown_sets().next().unwrap().commands.into_bytes(),
        )
        .into_owned()
    }

    #[test]
    fn rules_are_kept_short() {
        for (rules, shown) in [
            ("+@all -@hash -@slow +hget", "+@all -@hash -@slow +hget"),
            ("+@all -@hash -@slow +hget -@hash", "+@all -@slow +hget -@hash"),
            ("+@all -@hash +hget +@hash", "+@all +hget +@hash"),
            ("-@string -@slow +@all", "+@all"),
            ("-@all +@HASH +@hash +@HaSh", "-@all +@hash"),
            ("-@all +HGET +hget +hGeT", "-@all +hget"),
            ("-@all +@hash +@slow +@set +@set +@slow +@hash", "-@all +@set +@slow +@hash"),
            ("-@all +hget -hset +hset -hget", "-@all +hset -hget"),
            ("-@all +client|list +client|list +config|get +config +acl|list -acl", "-@all +client|list +config -acl"),
            ("-@all +select|0 +select|0 +debug|segfault +debug", "-@all +select|0 +debug"),
            ("-@all +config +config|get -config|set +config", "-@all +config"),
            ("+@all +client|id", "+@all +client|id"),
            ("-debug +debug|a +debug|b", "-@all -debug +debug|a +debug|b"),
        ] {
            assert_eq!(commands(rules), shown, "{rules}");
        }
    }

    #[test]
    fn commands_and_categories() {
        check(
            "ACL SETUSER u on nopass +@all -client +client|id +client|setname -@list +lpush -select +select|0 ~* &*; c2> AUTH u x -> +OK
             c2> CLIENT ID -> *; c2> CLIENT SETNAME x -> +OK; c2> CLIENT LIST -> -NOPERM User u has no permissions to run the 'client|list' command
             c2> LPUSH l a -> :1; c2> LLEN l -> -NOPERM User u has no permissions to run the 'llen' command
             c2> SELECT 0 -> +OK; c2> select 1 -> -NOPERM User u has no permissions to run the 'select' command
             ACL SETUSER u +@all; c2> LLEN l -> :1; ACL SETUSER u -@all; c2> PING -> -NOPERM User u has no permissions to run the 'ping' command
             c2> AUTH default x -> +OK; c2> PING -> +PONG",
        );
    }

    #[test]
    fn keys_and_who_wanted_what() {
        check(
            "ACL SETUSER bob on nopass +@all ~a:* %R~r (%W~w +@write); c2> AUTH bob x -> +OK; c2> SET a:1 x -> +OK; c2> GET r -> nil
             c2> GET k -> -NOPERM No permissions to access a key: user 'bob', command 'get', key 'k'
             c2> MSET a:1 x k y -> -NOPERM No permissions to access a key: user 'bob', command 'mset', key 'k'
             c2> SET r x -> -NOPERM No permissions to access a key; c2> SET w x -> +OK; c2> GET w -> -NOPERM No permissions to access a key
             c2> RENAME a:1 w -> -NOPERM; c2> LPUSH w x -> -WRONGTYPE; c2> DEL a:1 -> :1; c2> OBJECT ENCODING k -> -NOPERM; c2> SUNION a:x k -> -NOPERM",
        );
    }

    #[test]
    fn channels() {
        check(
            "ACL SETUSER p on nopass +@all resetchannels &foo:1 &bar:*; c2> AUTH p x -> +OK; c2> PUBLISH foo:1 m -> :0; c2> SPUBLISH bar:2 m -> :0
             c2> PUBLISH zap m -> -NOPERM No permissions to access a channel: user 'p', command 'publish', channel 'zap'
             c2> SUBSCRIBE foo:1 zap -> -NOPERM No permissions to access a channel; c2> PSUBSCRIBE bar:baz -> -NOPERM; c2> SSUBSCRIBE zap -> -NOPERM
             c2> PSUBSCRIBE bar:* -> [psubscribe bar:* :1]; c2> SUBSCRIBE bar:x -> [subscribe bar:x :2]; c2> UNSUBSCRIBE nothing -> [unsubscribe nothing :2]",
        );
    }

    #[test]
    fn who_lost_its_channel_is_closed() {
        check(
            "ACL SETUSER p on nopass +@all resetchannels &foo &bar:*; c2> AUTH p x; c2> SUBSCRIBE foo -> [subscribe foo :1]; c3> AUTH p x
             c3> PSUBSCRIBE bar:* -> [psubscribe bar:* :1]; ACL SETUSER p resetchannels &foo &other; CLIENT LIST ID 3 -> \"\"
             PUBLISH foo m -> :1; c2> <- [message foo m]; ACL SETUSER p allchannels; PUBLISH foo n -> :1; ACL SETUSER p resetchannels
             CLIENT LIST ID 2 -> \"\"; PUBLISH foo m -> :0",
        );
    }

    #[test]
    fn databases() {
        check(
            "ACL SETUSER d on nopass +@all ~* db=0,2; c2> AUTH d x -> +OK; c2> SET k v -> +OK; c2> SELECT 2 -> +OK
             c2> SELECT 1 -> -NOPERM No permissions to access a database: user 'd', command 'select', database '1'
             c2> FLUSHALL -> -NOPERM No permissions to access a database; c2> SWAPDB 0 1 -> -NOPERM; c2> SWAPDB 0 2 -> +OK
             c2> COPY k k2 DB 3 -> -NOPERM; c2> MOVE k 1 -> -NOPERM; c2> MOVE k 0 -> :1
             ACL SETUSER d resetdbs; c2> GET k -> -NOPERM No permissions to access a database: user 'd', command 'get', database '2'
             c2> DBSIZE -> -NOPERM; c2> PING -> +PONG; ACL SETUSER d db=1; c2> MULTI; c2> SELECT 1 -> +QUEUED; c2> GET k -> +QUEUED; c2> EXEC -> [+OK nil]
             ACL SETUSER d alldbs; c2> FLUSHALL -> +OK; ACL SETUSER d db=16 -> -ERR Error in ACL SETUSER modifier 'db=16'; ACL SETUSER d db= -> -ERR Error",
        );
    }

    #[test]
    fn asked_again_at_exec_and_when_served() {
        check(
            "ACL SETUSER u on nopass +@all ~*; c2> AUTH u x; c2> MULTI; c2> SET k 1 -> +QUEUED; c2> PING -> +QUEUED; ACL SETUSER u -set
             c2> EXEC -> *; EXISTS k -> :0",
        );
        check(
            "ACL SETUSER u on nopass +@all ~*; c2> AUTH u x; c2> BLPOP l 0 -> parked; ACL SETUSER u resetkeys; RPUSH l a -> :1
             c2> <- -NOPERM No permissions to access a key; LLEN l -> :1; c2> PING -> +PONG",
        );
    }

    #[test]
    fn refuses_and_changes_nothing() {
        let modifier = |word: &str, why: &str| {
            format!("ACL SETUSER u on {word} -> -ERR Error in ACL SETUSER modifier '{word}': {why}")
        };
        let unknown = "Unknown command or category name in ACL";
        let hash = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
        for (word, why) in [
            ("foo", "Syntax error"),
            ("%~", "Syntax error"),
            ("%", "Syntax error"),
            ("%X~a", "Syntax error"),
            (")", "Syntax error"),
            ("(this-is-invalid)", "Syntax error"),
            ("+nosuch", unknown),
            ("+", unknown),
            ("-select|0", unknown),
            ("+config|asdf", unknown),
            ("+get|a|b", unknown),
            ("-@nope", unknown),
            ("+config|get|x", "Allowing first-arg of a subcommand is not supported"),
            ("#abc", hash),
            ("!abc", hash),
            ("<nope", "The password you are trying to remove from the user does not exist"),
        ] {
            check(&format!("{}; ACL GETUSER u -> nil", modifier(word, why)));
        }
        check(
            "ACL SETUSER u ~* ~x -> -ERR Error in ACL SETUSER modifier '~x': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid
             ACL SETUSER u &* &x -> -ERR Error in ACL SETUSER modifier '&x': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid
             ACL SETUSER u (&* &x) -> -ERR Error in ACL SETUSER modifier '(&* &x)': Adding a pattern after the *
             ACL SETUSER u on (+PING (+SELECT -> -ERR Unmatched parenthesis in acl selector starting at '(+PING'.
             ACL SETUSER \"a a\" -> -ERR Usernames can't contain spaces or null characters; ACL USERS -> [default]",
        );
    }

    #[test]
    fn passwords_and_the_default_user() {
        check(
            "ACL SETUSER u >a; c2> AUTH u a -> -WRONGPASS; ACL SETUSER u on; c2> AUTH u a -> +OK; ACL SETUSER u >b <a; c2> AUTH u a -> -WRONGPASS
             c2> AUTH u b -> +OK; ACL SETUSER u nopass; c2> AUTH u anything -> +OK; ACL SETUSER u resetpass; c2> AUTH u b -> -WRONGPASS",
        );
        check(
            "PING; ACL SETUSER default off; c2> PING -> -NOAUTH; ACL SETUSER default on; c2> PING -> +PONG; PING -> +PONG",
        );
        check(
            "CONFIG SET requirepass x -> +OK; c2> PING -> -NOAUTH; ACL LIST -> [ \"user default on sanitize-payload #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 ~* &* +@all\"]
             CONFIG SET requirepass \"\" -> +OK; ACL LIST -> [ \"user default on nopass sanitize-payload ~* &* +@all\"]",
        );
    }

    #[test]
    fn new_users_hear_what_the_option_says() {
        check(
            "CONFIG SET acl-pubsub-default allchannels -> +OK; ACL SETUSER u on; CONFIG SET acl-pubsub-default resetchannels; ACL SETUSER v on
             ACL LIST -> [* \"user u on sanitize-payload &* -@all\" \"user v on sanitize-payload resetchannels -@all\"]",
        );
    }

    #[test]
    fn no_effect_for_the_log() {
        let mut node = node(&[]);
        node.converse("ACL SETUSER u on; ACL DELUSER u -> :1");
        assert!(node.log.lines().is_empty());
    }
}
