//! `basalt restore --dir D`                     which moments there are
//! `basalt restore --dir D --to TIME --out D2`   the data of that moment, as a snapshot in D2
//!
//! D is a server's `dir`. TIME is seconds since 1970, or `2026-11-26 17:05:00` in UTC. A server started in D2 loads the snapshot,
//! and makes it the base of its append-only file.

use super::progress::Bar;
use super::take_value;
use crate::parts;
use ::log::{Log, Moments, Settings};
use exec::{Node, Parts};
use kit::opt::Config;
use kit::text::parse_i64;
use kit::world::{RealClock, RealDisk, Rng};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const USAGE: &str =
    "basalt restore --dir DIR [--to TIME --out DIR2] [--appenddirname NAME] [--appendfilename NAME]";

/// The exit code; an error is for the terminal.
pub(crate) fn run(words: &[String]) -> Result<u8, String> {
    let mut words = words.to_vec();
    let dir = take_value(&mut words, "--dir")?.ok_or_else(|| format!("Usage: {USAGE}"))?;
    let (to, out) = (take_value(&mut words, "--to")?, take_value(&mut words, "--out")?);
    let dir = std::fs::canonicalize(&dir).map_err(|error| format!("{dir}: {error}"))?;
    let mut settings = Settings::new(dir);
    if let Some(name) = take_value(&mut words, "--appenddirname")? {
        settings.folder_name = name;
    }
    if let Some(name) = take_value(&mut words, "--appendfilename")? {
        settings.file_name = name;
    }
    if let Some(word) = words.first() {
        return Err(format!("'{word}' is not understood. Usage: {USAGE}"));
    }
    let log = Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), settings);
    let mut bar = Bar::new();
    let moments = log.moments(&mut |done, total| bar.set(done, total)).map_err(|error| error.to_string())?;
    bar.clear();
    match (to, out) {
        (None, None) => {
            list(&moments);
            Ok(0)
        }
        (Some(to), Some(out)) => {
            let until_s = parse_time(&to).ok_or("TIME is seconds since 1970, or like '2026-11-26 17:05:00' (UTC)")?;
            restore(&log, &moments, until_s, Path::new(&out))
        }
        (Some(_), None) | (None, Some(_)) => Err("--to and --out belong together".into()),
    }
}

fn list(moments: &[Moments]) {
    if moments.is_empty() {
        println!("There is no append-only file here.");
    }
    for set in moments {
        let time = |secs: Option<i64>| secs.map_or_else(|| "an unknown time".to_owned(), show_time);
        let kept = if set.kept { ", replaced and kept" } else { "" };
        println!(
            "from {} to {} (UTC): {} moments, {} bytes{kept}",
            time(set.first_s),
            time(set.last_s),
            set.times,
            set.plan.bytes
        );
    }
    if moments.iter().all(|set| set.times == 0) {
        println!("No times are noted: switch 'aof-timestamp-enabled' on to be able to restore to a moment.");
    }
}

fn restore(log: &Log, moments: &[Moments], until_s: i64, out: &Path) -> Result<u8, String> {
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let path: PathBuf = std::path::absolute(out.join("dump.rdb")).map_err(|error| error.to_string())?;
    if path.exists() {
        return Err(format!("{} is there already: nothing was changed", path.display()));
    }
    kit::journal::set_level(kit::journal::Level::Warning);
    let config = Arc::new(Config::new(parts::OPTIONS));
    let node = Node::new(
        Parts {
            commands: parts::commands(),
            metrics: parts::METRICS.to_vec(),
            clock: Arc::new(RealClock::new()),
            disk: Arc::new(RealDisk),
            log: Arc::new(Log::off()),
            threads: 1,
            seed: Rng::from_entropy().next_u64(),
        },
        config,
    );
    let snapshots = snapshot::start(&node, commands::thresholds).map_err(|error| error.to_string())?;
    let keys = snapshots.restore(&node, log, moments, until_s, &path)?;
    match keys {
        Some(keys) => {
            println!("{} as of {} (UTC): {keys} keys", path.display(), show_time(until_s));
            Ok(0)
        }
        None => Err(format!(
            "Nothing is kept of {} (UTC) or before; 'basalt restore --dir DIR' lists the moments",
            show_time(until_s)
        )),
    }
}

const DAY: i64 = 86_400;

fn parse_time(text: &str) -> Option<i64> {
    if let Some(secs) = parse_i64(text.as_bytes()) {
        return Some(secs);
    }
    let (date, clock) = text.split_once([' ', 'T'])?;
    let clock = clock.strip_suffix('Z').unwrap_or(clock);
    let numbers =
        |text: &str, by: char| text.split(by).map(|part| part.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let (&[year, month, day], [hour, minute, rest @ ..]) = (date.as_slice(), clock.as_slice()) else { return None };
    let second = rest.first().copied().unwrap_or(0);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && (1970..=9999).contains(&year);
    let fits = fits && (0..24).contains(hour) && (0..60).contains(minute) && (0..60).contains(&second);
    (fits && rest.len() < 2).then(|| days(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01. The year begins in March, so that February is its end.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn show_time(secs: i64) -> String {
    let (day, second) = (secs.div_euclid(DAY) + 719_468, secs.rem_euclid(DAY));
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse_time("1795719900"), Some(1_795_719_900));
        for text in ["2026-11-26 17:05:00", "1970-01-01 00:00:00", "2000-02-29 23:59:59", "2100-12-31 12:00:01"] {
            assert_eq!(show_time(parse_time(text).unwrap()), text);
        }
        assert_eq!(parse_time("2026-11-26T17:05Z"), parse_time("2026-11-26 17:05:00"));
        assert_eq!(parse_time("1970-01-02 00:00"), Some(DAY));
        for bad in ["", "yesterday", "2026-13-01 00:00:00", "2026-01-01", "2026-01-01 24:00:00", "2026-01-01 1:2:3:4"] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
