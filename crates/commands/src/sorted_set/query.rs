//! What ZRANGE and its older forms ask for: which elements, which way, how many, with scores or without.

use super::bounds::Bounds;
use exec::{Args, Error};
use std::ops::Range;
use types::SortedSet;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's name says already; `None`: its options say it.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) by: Option<By>,
    pub(super) backwards: Option<bool>,
    /// ZRANGESTORE knows no WITHSCORES.
    pub(super) stores: bool,
}

#[derive(Debug)]
pub(super) struct Query<'a> {
    bounds: Bounds<'a>,
    pub(super) backwards: bool,
    offset: i64,
    /// Negative: no limit.
    count: i64,
    pub(super) with_scores: bool,
}

impl<'a> Query<'a> {
    /// The ends of the range stand at word `at`, options behind them.
    pub(super) fn parse(args: &Args<'a>, at: usize, dialect: Dialect) -> Result<Query<'a>, Error> {
        let (mut by, mut backwards, mut with_scores) = (dialect.by, dialect.backwards, false);
        let (mut offset, mut count) = (0, -1);
        let mut i = at + 2;
        while i < args.len() {
            if !dialect.stores && args.is(i, "WITHSCORES") {
                with_scores = true;
            } else if args.is(i, "LIMIT") && i + 2 < args.len() {
                (offset, count) = (args.int(i + 1)?, args.int(i + 2)?);
                i += 2;
            } else if dialect.backwards.is_none() && args.is(i, "REV") {
                backwards = Some(true);
            } else if dialect.by.is_none() && args.is(i, "BYLEX") {
                by = Some(By::Lex);
            } else if dialect.by.is_none() && args.is(i, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        let (by, backwards) = (by.unwrap_or(By::Rank), backwards.unwrap_or(false));
        if count != -1 && by == By::Rank {
            const TEXT: &str = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
            return Err(Error::Static(TEXT));
        }
        if with_scores && by == By::Lex {
            return Err(Error::Static("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        let (first, second) = (args.get(at), args.get(at + 1));
        // Backwards the higher end is named first. Ranks are counted from where the walk begins.
        let (min, max) = if backwards && by != By::Rank { (second, first) } else { (first, second) };
        let bounds = match by {
            By::Rank => Bounds::by_rank(min, max)?,
            By::Score => Bounds::by_score(min, max)?,
            By::Lex => Bounds::by_lex(min, max)?,
        };
        Ok(Query { bounds, backwards, offset, count, with_scores })
    }

    /// The ranks it means in this set.
    pub(super) fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let Range { start, end } = self.bounds.ranks(set);
        if let Bounds::Rank(..) = self.bounds {
            return if self.backwards { set.len() - end..set.len() - start } else { start..end };
        }
        let Ok(offset) = usize::try_from(self.offset) else { return 0..0 };
        let left = (end - start).saturating_sub(offset);
        let taken = usize::try_from(self.count).map_or(left, |count| count.min(left));
        if left == 0 {
            0..0
        } else if self.backwards {
            end - offset - taken..end - offset
        } else {
            start + offset..start + offset + taken
        }
    }
}
