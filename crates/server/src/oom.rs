//! How likely the kernel kills this process when memory runs out: `/proc/self/oom_score_adj`.

use kit::opt::{Choice, Config, Opt, Words};
use kit::text::parse_i64;
use parking_lot::Mutex;

const PATH: &str = "/proc/self/oom_score_adj";
const NO: i64 = 0;
const RELATIVE: i64 = 1;
const ABSOLUTE: i64 = 2;

pub(crate) static ADJUST: Opt<Choice> = Opt::choice(
    "oom-score-adj",
    NO,
    &[("no", NO), ("yes", RELATIVE), ("relative", RELATIVE), ("absolute", ABSOLUTE)],
    "Whether the kernel is told whom to kill first when memory runs out: added to what was set, or instead of it.",
);
pub(crate) static VALUES: Opt<Words> = Opt::words(
    "oom-score-adj-values",
    &["0", "200", "800"],
    "The scores of a master, a replica and a process that saves, each from -2000 to 2000.",
)
.check(scores);

fn scores(words: &[String]) -> Result<Vec<String>, String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let fits = |word: &String| parse_i64(word.as_bytes()).is_some_and(|n| (-2000..=2000).contains(&n));
    if !words.iter().all(fits) {
        return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
    }
    Ok(words.to_vec())
}

/// The score of this process, and what it was before we touched it.
#[derive(Default)]
pub(crate) struct Score {
    before: Mutex<Option<i64>>,
}

impl Score {
    /// Sets what the options say; `no` gives back what was there.
    pub(crate) fn apply(&self, config: &Config) -> Result<(), String> {
        let mut before = self.before.lock();
        let mode = config.get(&ADJUST);
        let base = match *before {
            Some(base) => base,
            None if mode == NO => return Ok(()),
            None => read()?,
        };
        let values = config.get(&VALUES);
        // A replica's score comes with replication.
        let own = values.first().and_then(|word| parse_i64(word.as_bytes())).unwrap_or(0);
        let score = match mode {
            RELATIVE => base + own,
            ABSOLUTE => own,
            _ => base,
        };
        // The kernel takes -1000 to 1000.
        std::fs::write(PATH, score.clamp(-1000, 1000).to_string()).map_err(|error| {
            kit::warning!("Unable to write oom_score_adj: {error}");
            refusal()
        })?;
        *before = (mode != NO).then_some(base);
        Ok(())
    }
}

fn read() -> Result<i64, String> {
    let text = std::fs::read_to_string(PATH).map_err(|error| {
        kit::warning!("Unable to read oom_score_adj: {error}");
        refusal()
    })?;
    text.trim().parse().map_err(|_| refusal())
}

fn refusal() -> String {
    "Failed to set current oom_score_adj. Check server logs.".into()
}
