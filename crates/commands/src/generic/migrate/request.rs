//! The words of MIGRATE.

use exec::links::Goal;
use exec::{Args, Error};

pub(super) struct Request {
    pub target: Target,
    /// Where the keys stand among the words.
    pub keys: Vec<usize>,
}

#[derive(Clone)]
pub(super) struct Target {
    pub goal: Goal,
    pub db: i64,
    pub timeout_ms: u64,
    pub copy: bool,
    pub replace: bool,
}

const TIMEOUT_MS: u64 = 1000;

impl Request {
    pub(super) fn parse(args: &Args) -> Result<Request, Error> {
        let db = args.int(4)?;
        let timeout_ms = match args.int(5)? {
            ..=0 => TIMEOUT_MS,
            ms => ms as u64,
        };
        let port = u16::try_from(args.int(2)?).map_err(|_| Error::Static("ERR Invalid TCP port"))?;
        let host = String::from_utf8_lossy(args.get(1)).into_owned();
        let goal = Goal { host, port, auth: Vec::new() };
        let mut target = Target { goal, db, timeout_ms, copy: false, replace: false };
        let mut keys = vec![3];
        let mut i = 6;
        while i < args.len() {
            let after = args.len() - i - 1;
            if args.is(i, "COPY") {
                target.copy = true;
            } else if args.is(i, "REPLACE") {
                target.replace = true;
            } else if args.is(i, "AUTH") && after >= 1 {
                target.goal.auth = vec![args.get(i + 1).to_vec()];
                i += 1;
            } else if args.is(i, "AUTH2") && after >= 2 {
                target.goal.auth = vec![args.get(i + 1).to_vec(), args.get(i + 2).to_vec()];
                i += 2;
            } else if args.is(i, "KEYS") {
                if !args.get(3).is_empty() {
                    return Err(Error::Static(
                        "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
                    ));
                }
                keys = (i + 1..args.len()).collect();
                break;
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        Ok(Request { target, keys })
    }
}
