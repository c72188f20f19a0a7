//! The options of XADD and XTRIM: `[NOMKSTREAM] [(MAXLEN | MINID) [= | ~] threshold [LIMIT count]]`.
//!
//! `~` trims whole chunks only, and at most LIMIT entries at once: a hundred chunks of them when nothing is said.

use super::ids;
use super::limits::NODE_ENTRIES_MAX;
use exec::{Args, Ctx, Error};
use types::Stream;
use types::stream::{Id, Trim};

/// What LIMIT is at most when nothing is said, and what it is when chunks have no limit.
const LIMIT_MAX: u64 = 1_000_000;
const LIMIT_WITHOUT_CHUNKS: u64 = 10_000;

#[derive(Clone, Copy)]
pub(super) enum Threshold {
    Nothing,
    Len(u64),
    Below(Id),
}

pub(super) struct Options {
    pub make: bool,
    pub threshold: Threshold,
    pub trim: Trim,
    /// The first word that is no option: XADD's ID.
    pub end: usize,
}

impl Options {
    pub(super) fn is_rough(&self) -> bool {
        matches!(self.trim, Trim::Roughly(_))
    }

    /// Takes away what is too much; how many entries went.
    pub(super) fn apply(&self, stream: &mut Stream) -> u64 {
        match self.threshold {
            Threshold::Nothing => 0,
            Threshold::Len(keep) => stream.entries_mut().trim_to_len(keep, self.trim),
            Threshold::Below(id) => stream.entries_mut().trim_below(id, self.trim),
        }
    }
}

/// XADD's options end with the first word that is none; XTRIM has nothing else.
pub(super) fn parse(ctx: &Ctx, args: &Args, is_xadd: bool) -> Result<Options, Error> {
    let mut options = Options { make: true, threshold: Threshold::Nothing, trim: Trim::Exactly, end: args.len() };
    let (mut rough, mut limit) = (false, None);
    let mut at = 2;
    while at < args.len() {
        let has_more = at + 1 < args.len();
        let is_len = has_more && args.is(at, "MAXLEN");
        if is_len || has_more && args.is(at, "MINID") {
            if !matches!(options.threshold, Threshold::Nothing) {
                return Err(Error::Static(
                    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
                ));
            }
            at += 1;
            if at + 1 < args.len() && matches!(args.get(at), b"~" | b"=") {
                rough = args.get(at) == b"~";
                at += 1;
            }
            options.threshold = if is_len {
                let len = args.int(at)?;
                let len = u64::try_from(len).map_err(|_| Error::Static("ERR The MAXLEN argument must be >= 0."))?;
                Threshold::Len(len)
            } else {
                Threshold::Below(ids::id(args.get(at))?)
            };
        } else if has_more && args.is(at, "LIMIT") {
            at += 1;
            let count = u64::try_from(args.int(at)?);
            limit = Some(count.map_err(|_| Error::Static("ERR The LIMIT argument must be >= 0."))?);
        } else if is_xadd && args.is(at, "NOMKSTREAM") {
            options.make = false;
        } else if is_xadd {
            options.end = at;
            break;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    check(&options, rough, limit, is_xadd)?;
    if rough {
        options.trim = Trim::Roughly(limit.unwrap_or_else(|| usual_limit(ctx)));
    }
    Ok(options)
}

fn check(options: &Options, rough: bool, limit: Option<u64>, is_xadd: bool) -> Result<(), Error> {
    match options.threshold {
        Threshold::Nothing if limit.is_some() => {
            Err(Error::Static("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"))
        }
        Threshold::Nothing if !is_xadd => {
            Err(Error::Static("ERR syntax error, XTRIM must be called with a trimming strategy"))
        }
        _ if limit.is_some() && !rough => {
            Err(Error::Static("ERR syntax error, LIMIT cannot be used without the special ~ option"))
        }
        _ => Ok(()),
    }
}

fn usual_limit(ctx: &Ctx) -> u64 {
    match ctx.node.config.get(&NODE_ENTRIES_MAX).unsigned_abs() {
        0 => LIMIT_WITHOUT_CHUNKS,
        entries => entries.saturating_mul(100).min(LIMIT_MAX),
    }
}
