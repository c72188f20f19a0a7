//! Options of Redis and Valkey that nothing in this build reads, so that their files start it and tools that set them go on.
//!
//! A file per theme. When a subsystem comes, its crate declares its options beside their readers and they leave
//! this folder. Until then they are read, checked, shown and rewritten like any other, and the start says once in
//! the log which of them were set and do nothing (`Theme::note`).

pub(crate) mod clients;
pub(crate) mod cluster;
pub(crate) mod debugging;
pub(crate) mod internals;
pub(crate) mod persistence;
pub(crate) mod process;
pub(crate) mod replication;
pub(crate) mod tls;
pub(crate) mod types;

use exec::Node;
use exec::node::Applier;
use kit::opt::{AnyOpt, Config};

/// Options that do nothing for one reason.
pub(crate) struct Theme {
    pub options: &'static [&'static dyn AnyOpt],
    /// Why they do nothing.
    pub note: &'static str,
    /// Who set them counts on something that is not there.
    pub is_grave: bool,
}

pub(crate) static THEMES: &[Theme] = &[
    Theme { options: persistence::OPTIONS, note: "persistence works differently here", is_grave: false },
    Theme { options: replication::OPTIONS, note: "there is no replication yet", is_grave: true },
    Theme { options: cluster::OPTIONS, note: "there is no cluster yet", is_grave: true },
    Theme {
        options: tls::OPTIONS,
        note: "of TLS there are connections to clients only, without users from certificates",
        is_grave: true,
    },
    Theme { options: types::OPTIONS, note: "the types they tune are not there yet", is_grave: false },
    Theme { options: clients::OPTIONS, note: "what they steer is not there yet", is_grave: false },
    Theme { options: process::OPTIONS, note: "what they ask of the process is not there yet", is_grave: false },
    Theme { options: debugging::OPTIONS, note: "they are for tests of Redis", is_grave: false },
    Theme {
        options: internals::OPTIONS,
        note: "they steer parts of Redis that work differently here",
        is_grave: false,
    },
];

impl Theme {
    /// Names of those that ask for something: not at their defaults, and not `save ""`, which is what happens anyway.
    pub(crate) fn names_set(&self, config: &Config) -> Vec<&'static str> {
        let asks = |name: &&str| !(config.is_default(name) || *name == "save" && shown_empty(config, name));
        self.options.iter().map(|opt| opt.name()).filter(asks).collect()
    }
}

fn shown_empty(config: &Config, name: &str) -> bool {
    config.show(name).is_some_and(|text| text.is_empty())
}

/// Says once which options were set and do nothing here.
pub(crate) fn tell_what_has_no_effect(config: &Config) {
    for theme in THEMES {
        let names = theme.names_set(config).join(", ");
        match (names.is_empty(), theme.is_grave) {
            (true, _) => {}
            (false, true) => kit::warning!("Accepted, but without effect in this build ({}): {names}", theme.note),
            (false, false) => kit::notice!("Accepted, but without effect in this build ({}): {names}", theme.note),
        }
    }
}

/// Says the same when CONFIG SET changes one of them that somebody may count on.
pub(crate) fn appliers() -> Vec<Applier> {
    let mut all = Vec::new();
    for theme in THEMES.iter().filter(|theme| theme.is_grave) {
        let names: Vec<&'static str> = theme.options.iter().map(|opt| opt.name()).collect();
        let tell = |node: &Node| {
            let names = theme.names_set(&node.config).join(", ");
            if !names.is_empty() {
                kit::warning!("Set, but without effect in this build ({}): {names}", theme.note);
            }
            Ok(())
        };
        // Made once a process, and needed until its end.
        all.push(Applier { options: names.leak(), apply: Box::new(tell) });
    }
    all
}

/// A list of options that no code names: `Kind: Opt::…;` each.
macro_rules! options {
    ($($kind:ident: $opt:expr;)*) => {
        pub(crate) static OPTIONS: &[&dyn kit::opt::AnyOpt] = &[$({
            static OPT: kit::opt::Opt<kit::opt::$kind> = $opt;
            &OPT
        }),*];
    };
}
pub(crate) use options;

// Bounds that Redis names.
pub(crate) const INT_MAX: i64 = i32::MAX as i64;
pub(crate) const PORT_MAX: i64 = 65_535;

/// Letters, digits, hyphens and dots.
pub(crate) fn host_name(text: &str) -> Result<String, String> {
    if text.len() >= 256 {
        return Err("Hostnames must be less than 256 characters".into());
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;

    #[test]
    fn only_what_was_set_is_told() {
        let config = Config::new(parts::OPTIONS);
        assert!(THEMES.iter().all(|theme| theme.names_set(&config).is_empty()));
        config.set("rdb-del-sync-files", &["yes"]).unwrap();
        config.set("slave-priority", &["7"]).unwrap();
        assert_eq!(THEMES[0].names_set(&config), ["rdb-del-sync-files"]);
        assert_eq!(THEMES[1].names_set(&config), ["replica-priority"]);
    }

    #[test]
    fn every_theme_is_in_the_configuration() {
        let config = Config::new(parts::OPTIONS);
        for theme in THEMES {
            assert!(theme.options.iter().all(|opt| config.find(opt.name()).is_some()), "{}", theme.note);
        }
    }

    #[test]
    fn host_names() {
        assert!(host_name("a-b.C3").is_ok() && host_name("").is_ok());
        assert!(host_name("a b").is_err() && host_name(&"x".repeat(256)).is_err());
    }
}
