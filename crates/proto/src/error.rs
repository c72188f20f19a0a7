//! Errors that clients see, spelled here and nowhere else.
//!
//! Client libraries match on the first word and often on the whole text, so the texts are Redis's.
//! `Display` gives the line without the leading `-`.
//! Always true: an error fits in 24 bytes, because every command body returns one; a text never
//! ends a reply early, since the reply buffer turns line ends into blanks.

use std::fmt;

/// Why a command has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    // ---- arguments
    Syntax,
    NotInteger,
    NotFloat,
    OutOfRange,
    MustBePositive,
    /// The command's name, as it is to be shown.
    InvalidExpire(&'static str),
    Overflow,
    NanOrInfinity,
    StringTooLong,
    InvalidDbIndex,
    DbOutOfRange,
    OffsetOutOfRange,
    BitOffset,
    BitValue,
    BitArg,
    InvalidCursor,
    TimeoutNotFloat,
    TimeoutNegative,
    /// The command's name as it is to be shown: `get`, `client|kill`.
    WrongArity(Box<str>),
    /// The whole text; see `Error::unknown_command`.
    UnknownCommand(Box<[u8]>),
    /// The whole text; see `Error::unknown_subcommand`.
    UnknownSubcommand(Box<[u8]>),

    // ---- data
    WrongType,
    NoSuchKey,
    SameObject,
    BusyKey,

    // ---- who may do what, and when
    NoAuth,
    WrongPass,
    /// What follows `NOPERM `.
    NoPerm(Box<str>),
    NoProto,
    Oom,
    Loading,
    Busy,
    NotBusy,
    Unkillable,
    NoScript,
    ReadOnly,
    MasterDown,
    NoReplicas,
    /// What follows `MISCONF `.
    MisConf(Box<str>),

    // ---- transactions
    ExecAbort,
    NestedMulti,
    ExecWithoutMulti,
    DiscardWithoutMulti,
    WatchInMulti,
    NotInMulti,

    // ---- cluster
    CrossSlot,
    TryAgain,
    ClusterDown,
    SlotNotServed,
    Moved {
        slot: u16,
        addr: Box<str>,
    },
    Ask {
        slot: u16,
        addr: Box<str>,
    },

    // ---- anything else, prefix included
    Static(&'static str),
    Text(Box<str>),

    // ---- never shown to a client
    /// A key is not in memory: the executor brings it and runs the command again.
    Away,
    /// The client waits for a key or an event: the executor parks it.
    Park,
}

const _: () = assert!(size_of::<Error>() <= 24, "every command body returns one");

impl Error {
    /// An error of which `text` is the whole line, its prefix included.
    pub fn text(text: impl Into<String>) -> Error {
        Error::Text(text.into().into_boxed_str())
    }

    /// An error of the common kind: `ERR ` and the message.
    pub fn err(message: impl fmt::Display) -> Error {
        Error::Text(format!("ERR {message}").into_boxed_str())
    }

    /// `name` as declared; it is shown in lower case.
    pub fn wrong_arity(name: &str) -> Error {
        Error::WrongArity(name.to_ascii_lowercase().into_boxed_str())
    }

    /// Shows the name and the first arguments, as much as helps to find the caller: 128 bytes each.
    pub fn unknown_command<'a>(name: &[u8], args: impl IntoIterator<Item = &'a [u8]>) -> Error {
        let mut shown_args: Vec<u8> = Vec::new();
        for arg in args {
            // The quotes and the blank are not counted before the next argument is: so says Redis.
            let Some(room) = SHOWN_LEN_MAX.checked_sub(shown_args.len()).filter(|&room| room > 0) else {
                break;
            };
            shown_args.push(b'\'');
            shown_args.extend_from_slice(&arg[..arg.len().min(room)]);
            shown_args.extend_from_slice(b"' ");
        }
        let text = [b"ERR unknown command '", cut(name), b"', with args beginning with: ", &shown_args].concat();
        Error::UnknownCommand(one_line(text))
    }

    /// `command` as declared; it is shown in upper case.
    pub fn unknown_subcommand(command: &str, subcommand: &[u8]) -> Error {
        let command = command.to_ascii_uppercase();
        let text = [b"ERR unknown subcommand '", cut(subcommand), b"'. Try ", command.as_bytes(), b" HELP."].concat();
        Error::UnknownSubcommand(one_line(text))
    }

    /// For containers that check the arguments of their subcommands themselves.
    pub fn unknown_subcommand_or_arity(command: &str, subcommand: &[u8]) -> Error {
        let command = command.to_ascii_uppercase();
        let begin = b"ERR unknown subcommand or wrong number of arguments for '";
        let text = [begin, cut(subcommand), b"'. Try ", command.as_bytes(), b" HELP."].concat();
        Error::UnknownSubcommand(one_line(text))
    }

    /// The first word, which INFO counts errors by.
    pub fn prefix(&self) -> &str {
        let text: &str = match self {
            Error::Moved { .. } => "MOVED",
            Error::Ask { .. } => "ASK",
            Error::NoPerm(_) => "NOPERM",
            Error::MisConf(_) => "MISCONF",
            Error::WrongArity(_) | Error::InvalidExpire(_) | Error::UnknownCommand(_) | Error::UnknownSubcommand(_) => {
                "ERR"
            }
            Error::Text(text) => text,
            other => other.fixed_text(),
        };
        text.split(' ').next().unwrap_or_default()
    }

    /// Whether the executor handles it itself and no client may see it.
    pub fn is_internal(&self) -> bool {
        matches!(self, Error::Away | Error::Park)
    }

    /// The line of an error that says always the same; empty for one that has something to add.
    pub(crate) fn fixed_text(&self) -> &'static str {
        match self {
            Error::Syntax => "ERR syntax error",
            Error::NotInteger => "ERR value is not an integer or out of range",
            Error::NotFloat => "ERR value is not a valid float",
            Error::OutOfRange => "ERR value is out of range",
            Error::MustBePositive => "ERR value is out of range, must be positive",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::NanOrInfinity => "ERR increment would produce NaN or Infinity",
            Error::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Error::InvalidDbIndex => "ERR invalid DB index",
            Error::DbOutOfRange => "ERR DB index is out of range",
            Error::OffsetOutOfRange => "ERR offset is out of range",
            Error::BitOffset => "ERR bit offset is not an integer or out of range",
            Error::BitValue => "ERR bit is not an integer or out of range",
            Error::BitArg => "ERR The bit argument must be 1 or 0.",
            Error::InvalidCursor => "ERR invalid cursor",
            Error::TimeoutNotFloat => "ERR timeout is not a float or out of range",
            Error::TimeoutNegative => "ERR timeout is negative",
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::NoSuchKey => "ERR no such key",
            Error::SameObject => "ERR source and destination objects are the same",
            Error::BusyKey => "BUSYKEY Target key name already exists.",
            Error::NoAuth => "NOAUTH Authentication required.",
            Error::WrongPass => "WRONGPASS invalid username-password pair or user is disabled.",
            Error::NoProto => "NOPROTO unsupported protocol version",
            Error::Oom => "OOM command not allowed when used memory > 'maxmemory'.",
            Error::Loading => "LOADING Redis is loading the dataset in memory",
            Error::Busy => "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            Error::NotBusy => "NOTBUSY No scripts in execution right now.",
            Error::Unkillable => {
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either \
                 wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
            }
            Error::NoScript => "NOSCRIPT No matching script. Please use EVAL.",
            Error::ReadOnly => "READONLY You can't write against a read only replica.",
            Error::MasterDown => "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            Error::NoReplicas => "NOREPLICAS Not enough good replicas to write.",
            Error::ExecAbort => "EXECABORT Transaction discarded because of previous errors.",
            Error::NestedMulti => "ERR MULTI calls can not be nested",
            Error::ExecWithoutMulti => "ERR EXEC without MULTI",
            Error::DiscardWithoutMulti => "ERR DISCARD without MULTI",
            Error::WatchInMulti => "ERR WATCH inside MULTI is not allowed",
            Error::NotInMulti => "ERR Command not allowed inside a transaction",
            Error::CrossSlot => "CROSSSLOT Keys in request don't hash to the same slot",
            Error::TryAgain => "TRYAGAIN Multiple keys request during rehashing of slot",
            Error::ClusterDown => "CLUSTERDOWN The cluster is down",
            Error::SlotNotServed => "CLUSTERDOWN Hash slot not served",
            Error::Static(text) => text,
            Error::Away => "ERR internal: a key is not in memory",
            Error::Park => "ERR internal: the client waits",
            Error::InvalidExpire(_)
            | Error::WrongArity(_)
            | Error::UnknownCommand(_)
            | Error::UnknownSubcommand(_)
            | Error::NoPerm(_)
            | Error::MisConf(_)
            | Error::Moved { .. }
            | Error::Ask { .. }
            | Error::Text(_) => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidExpire(command) => {
                write!(f, "ERR invalid expire time in '{command}' command")
            }
            Error::WrongArity(command) => {
                write!(f, "ERR wrong number of arguments for '{command}' command")
            }
            Error::NoPerm(rest) => write!(f, "NOPERM {rest}"),
            Error::MisConf(rest) => write!(f, "MISCONF {rest}"),
            Error::Moved { slot, addr } => write!(f, "MOVED {slot} {addr}"),
            Error::Ask { slot, addr } => write!(f, "ASK {slot} {addr}"),
            Error::UnknownCommand(text) | Error::UnknownSubcommand(text) => f.write_str(&String::from_utf8_lossy(text)),
            Error::Text(text) => f.write_str(text),
            other => f.write_str(other.fixed_text()),
        }
    }
}

impl std::error::Error for Error {}

/// Why a stream cannot be understood any further. The request parser's texts are Redis's; they go
/// to the client behind `-ERR `, and then the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    InvalidMultibulkLength,
    InvalidBulkLength,
    /// The byte that stood where `$` belongs.
    ExpectedBulk(u8),
    TooBigInline,
    TooBigMultibulkCount,
    TooBigBulkCount,
    UnauthenticatedMultibulkLength,
    UnauthenticatedBulkLength,
    UnbalancedQuotes,
    /// Redis waits for 64 KiB more and then calls the line too big; we say what it is.
    NulInInline,
    /// More unread bytes than a position can name (4 GiB).
    RequestTooBig,
    /// Only from `resp_client`: a reply that is none.
    BadReply(&'static str),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            ProtocolError::InvalidMultibulkLength => f.write_str("invalid multibulk length"),
            ProtocolError::InvalidBulkLength => f.write_str("invalid bulk length"),
            ProtocolError::ExpectedBulk(got) => {
                write!(f, "expected '$', got '{}'", char::from(*got))
            }
            ProtocolError::TooBigInline => f.write_str("too big inline request"),
            ProtocolError::TooBigMultibulkCount => f.write_str("too big mbulk count string"),
            ProtocolError::TooBigBulkCount => f.write_str("too big bulk count string"),
            ProtocolError::UnauthenticatedMultibulkLength => f.write_str("unauthenticated multibulk length"),
            ProtocolError::UnauthenticatedBulkLength => f.write_str("unauthenticated bulk length"),
            ProtocolError::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            ProtocolError::NulInInline => f.write_str("NUL byte in inline request"),
            ProtocolError::RequestTooBig => f.write_str("request of more than 4 GiB"),
            ProtocolError::BadReply(what) => write!(f, "bad reply, {what}"),
        }
    }
}

impl std::error::Error for ProtocolError {}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Error {
        Error::err(error)
    }
}

const SHOWN_LEN_MAX: usize = 128;

fn cut(word: &[u8]) -> &[u8] {
    &word[..word.len().min(SHOWN_LEN_MAX)]
}

/// What a client sent stands in it byte for byte, but for line ends: an error is one line.
fn one_line(mut text: Vec<u8>) -> Box<[u8]> {
    text.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &[u8], args: &[&[u8]]) -> String {
        Error::unknown_command(name, args.iter().copied()).to_string()
    }

    #[test]
    fn texts_and_prefixes() {
        for (error, text, prefix) in [
            (Error::Syntax, "ERR syntax error", "ERR"),
            (Error::WrongType, "WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
            (Error::InvalidExpire("set"), "ERR invalid expire time in 'set' command", "ERR"),
            (Error::wrong_arity("GET"), "ERR wrong number of arguments for 'get' command", "ERR"),
            (Error::Moved { slot: 3999, addr: "127.0.0.1:6381".into() }, "MOVED 3999 127.0.0.1:6381", "MOVED"),
            (Error::Ask { slot: 1, addr: "h:1".into() }, "ASK 1 h:1", "ASK"),
            (Error::NoPerm("no".into()), "NOPERM no", "NOPERM"),
            (Error::MisConf("disk".into()), "MISCONF disk", "MISCONF"),
            (Error::Static("NOGROUP no such group"), "NOGROUP no such group", "NOGROUP"),
            (Error::text("ODD one"), "ODD one", "ODD"),
            (Error::err("told"), "ERR told", "ERR"),
            (Error::unknown_subcommand("client", b"x"), "ERR unknown subcommand 'x'. Try CLIENT HELP.", "ERR"),
            (ProtocolError::ExpectedBulk(b'x').into(), "ERR Protocol error: expected '$', got 'x'", "ERR"),
        ] {
            assert_eq!(error.to_string(), text);
            assert_eq!(error.prefix(), prefix);
        }
    }

    #[test]
    fn unknown_command_shows_what_was_sent() {
        assert_eq!(unknown(b"foo", &[]), "ERR unknown command 'foo', with args beginning with: ");
        assert_eq!(unknown(b"foo", &[b"a", b"b"]), "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
        assert_eq!(unknown(b"f\r\no", &[b"a\0"]), "ERR unknown command 'f  o', with args beginning with: 'a\0' ");
    }

    #[test]
    fn unknown_command_is_cut() {
        let long = [b'x'; 300];
        let text = unknown(&long, &[&long, b"never shown"]);
        let x = "x".repeat(128);
        assert_eq!(text, format!("ERR unknown command '{x}', with args beginning with: '{x}' "));
        let text = unknown(b"f", &[&long[..100], &long, b"never shown"]);
        let (first, second) = ("x".repeat(100), "x".repeat(25));
        assert_eq!(text, format!("ERR unknown command 'f', with args beginning with: '{first}' '{second}' "));
    }

    #[test]
    fn internal_errors_are_known_as_such() {
        assert!(Error::Away.is_internal() && Error::Park.is_internal() && !Error::Syntax.is_internal());
    }
}
