//! The commands of the group `scripting`.

pub mod eval;
pub mod evalsha;
pub mod fcall;
pub mod function;
mod run;
pub mod script;

use exec::{Arg, ArgKind, Command, KeyAccess, KeySpec};

pub static COMMANDS: &[&Command] = &[
    &eval::EVAL,
    &eval::EVAL_RO,
    &evalsha::EVALSHA,
    &evalsha::EVALSHA_RO,
    &fcall::FCALL,
    &fcall::FCALL_RO,
    &function::FUNCTION,
    &script::SCRIPT,
];

/// Nobody knows what a script does with its keys: the worst is assumed.
static KEYS: &[KeySpec] = &[KeySpec::counted(2, 1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))];
static KEYS_RO: &[KeySpec] = &[KeySpec::counted(2, 1, KeyAccess::RO.and(KeyAccess::ACCESS))];

const NUMKEYS: Arg = Arg::new("numkeys", ArgKind::Integer);
const KEY: Arg = Arg::key("key", 0).optional().multiple();
const ARG: Arg = Arg::new("arg", ArgKind::String).optional().multiple();

/// Tells on how many nodes of a cluster it has to be sent.
const EVERYWHERE: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];
const ONE_OF_ALL: &[&str] = &["request_policy:all_shards", "response_policy:one_succeeded"];

#[cfg(test)]
pub(crate) fn node(settings: &[(&str, &str)]) -> testkit::TestNode {
    static ALL: std::sync::OnceLock<Vec<&'static Command>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| commands::COMMANDS.iter().copied().flatten().chain(COMMANDS).copied().collect());
    testkit::TestNode::with_lists(all, &[commands::OPTIONS, crate::OPTIONS], settings)
}

#[cfg(test)]
pub(crate) fn check(text: &str) {
    node(&[]).converse(text);
}
