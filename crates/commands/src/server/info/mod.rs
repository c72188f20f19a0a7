//! INFO [section …]
//!
//! A section is a row of `SECTIONS` and a file of this folder. They come in the table's order, each
//! once, however they were asked for: by name, `default` (also when nothing is asked for), `all` or
//! `everything`, in any case; unknown names add nothing.
//! Tools read fields of subsystems that do not exist here yet, so these are shown idle (`role:master`,
//! `rdb_bgsave_in_progress:0`); a field is never made up. The numbers come from counters and from
//! samples taken ten times a second (`exec::sample`); nothing here asks the system.
//! Basalt's own: `basalt_version`, `server_name`, metrics of its own at the end of Stats, and a
//! Threads section that counts clients of the event loops.

mod clients;
mod cluster;
mod commandstats;
mod cpu;
mod debug;
mod errorstats;
mod keysizes;
mod keyspace;
pub mod latencystats;
mod memory;
mod modules;
mod page;
mod persistence;
mod replication;
mod server;
mod stats;
mod threads;

use crate::server::crowd::Crowd;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach};
use page::Page;

pub static INFO: Command = Command {
    name: "INFO",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::DANGEROUS,
    // Memory and Keyspace look into the shards, one after the other.
    reach: Reach::Walk,
    summary: "Tells how the server does, section by section.",
    history: &[("7.0.0", "Several sections at once.")],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    docs: &[Arg { name: "section", optional: true, multiple: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

struct Section {
    title: &'static str,
    when: When,
    write: fn(&mut Page, &mut Look),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Also when nothing is asked for.
    Default,
    /// With `all`.
    All,
    /// Only by its name.
    Named,
}

const SECTIONS: &[Section] = &[
    Section { title: "Server", when: When::Default, write: server::write },
    Section { title: "Clients", when: When::Default, write: clients::write },
    Section { title: "Memory", when: When::Default, write: memory::write },
    Section { title: "Persistence", when: When::Default, write: persistence::write },
    Section { title: "Threads", when: When::Default, write: threads::write },
    Section { title: "Stats", when: When::Default, write: stats::write },
    Section { title: "Replication", when: When::Default, write: replication::write },
    Section { title: "CPU", when: When::Default, write: cpu::write },
    Section { title: "Modules", when: When::Default, write: modules::write },
    Section { title: "Commandstats", when: When::All, write: commandstats::write },
    Section { title: "Errorstats", when: When::Default, write: errorstats::write },
    Section { title: "Latencystats", when: When::All, write: latencystats::write },
    Section { title: "Cluster", when: When::Default, write: cluster::write },
    Section { title: "Keyspace", when: When::Default, write: keyspace::write },
    Section { title: "Keysizes", when: When::Named, write: keysizes::write },
    Section { title: "Debug", when: When::Named, write: debug::write },
];

/// What a section may look at.
pub(crate) struct Look<'c, 'a, 'n> {
    ctx: &'c mut Ctx<'a, 'n>,
    crowd: Option<Crowd>,
}

impl Look<'_, '_, '_> {
    /// The clients are counted when the first section asks for them.
    fn crowd(&mut self) -> &Crowd {
        let node = self.ctx.node;
        self.crowd.get_or_insert_with(|| Crowd::count(node))
    }

    /// A setting as CONFIG GET shows it, or what it is taken for while there is no such setting.
    fn setting(&self, name: &str, without: &str) -> String {
        self.ctx.node.config.show(name).unwrap_or_else(|| without.to_string())
    }
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut page = Page::default();
    let mut look = Look { ctx, crowd: None };
    for section in SECTIONS.iter().filter(|section| is_wanted(section, args)) {
        page.begin(section.title);
        (section.write)(&mut page, &mut look);
    }
    look.ctx.reply.verbatim("txt", page.text().as_bytes());
    Ok(())
}

fn is_wanted(section: &Section, args: &Args) -> bool {
    let asked = |word: &str| (1..args.len()).any(|i| args.is(i, word));
    let by_group = match section.when {
        When::Default => args.len() == 1 || asked("default") || asked("all") || asked("everything"),
        When::All => asked("all") || asked("everything"),
        When::Named => false,
    };
    by_group || asked(section.title)
}

#[cfg(test)]
mod tests {
    use crate::node;
    use proto::resp_client::Value;
    use testkit::TestNode;

    pub(super) fn info(node: &mut TestNode, line: &str) -> String {
        let Value::Bulk(text) = node.ask_line(line) else { panic!("{line}") };
        String::from_utf8(text).expect("text")
    }

    /// The value of a field, the only one of its name.
    pub(super) fn field(node: &mut TestNode, line: &str, name: &str) -> String {
        let text = info(node, line);
        let found: Vec<&str> =
            text.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(':')).collect();
        assert!(found.len() == 1, "{name} in {line}: {found:?}");
        found[0].to_string()
    }

    fn titles(text: &str) -> Vec<&str> {
        text.split("\r\n").filter_map(|line| line.strip_prefix("# ")).collect()
    }

    #[test]
    fn sections_by_name_and_by_group() {
        let mut node = node(&[]);
        let mut titles_of = |line: &str| titles(&info(&mut node, line)).join(" ");
        let default =
            "Server Clients Memory Persistence Threads Stats Replication CPU Modules Errorstats Cluster Keyspace";
        assert_eq!(titles_of("INFO"), default);
        assert_eq!(titles_of("INFO DEFAULT default"), default);
        let all = "Server Clients Memory Persistence Threads Stats Replication CPU Modules Commandstats Errorstats \
                   Latencystats Cluster Keyspace";
        for line in ["INFO all", "INFO everything", "INFO cpu all default"] {
            assert_eq!(titles_of(line), all, "{line}");
        }
        assert_eq!(titles_of("INFO keyspace commandSTATS cpu CPU sentinel"), "CPU Commandstats Keyspace");
        assert_eq!(titles_of("INFO debug"), "Debug");
        assert_eq!(titles_of("INFO sentinel nosuch"), "");
    }

    #[test]
    fn no_field_stands_twice_and_lines_are_whole() {
        let mut node = node(&[]);
        node.converse("SET k v; GET k; nosuch");
        let text = info(&mut node, "INFO everything debug");
        assert!(text.starts_with("# Server\r\n") && text.ends_with("\r\n") && text.contains("\r\n\r\n# Clients\r\n"));
        let mut seen = std::collections::HashSet::new();
        for line in text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            let (name, _) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
            assert!(
                seen.insert(name) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_|.".contains(c)),
                "{line}"
            );
        }
    }

    #[test]
    fn in_a_transaction() {
        crate::check("MULTI -> +OK; SET k v -> +QUEUED; INFO memory keyspace -> +QUEUED; EXEC -> [+OK \"# Memory\"*]");
    }
}
