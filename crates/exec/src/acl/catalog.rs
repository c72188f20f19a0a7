//! Names in rules: commands by their own names, categories, and the way back.
//!
//! Rules always speak of commands by the names they were born with: `rename-command` changes what clients call, not
//! what users may do. A command that was renamed away can still be named in a rule, which then has no effect.

use crate::command::{Categories, Command};
use crate::table::{CommandNo, CommandTable};
use std::collections::HashMap;

/// What a name in a rule means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    Command(CommandNo),
    /// `rename-command` took it away.
    Removed,
    Unknown,
}

pub struct Catalog {
    by_name: HashMap<String, CommandNo>,
    removed: Vec<String>,
    names: Vec<String>,
    pub(super) rows: Vec<Entry>,
}

/// What rules need to know of a command.
pub(super) struct Entry {
    pub is_sub: bool,
    pub subcommands: Vec<CommandNo>,
    categories: Categories,
}

impl Catalog {
    pub(crate) fn new(table: &CommandTable) -> Catalog {
        let mut catalog = Catalog {
            by_name: HashMap::new(),
            removed: table.removed().iter().flat_map(|command| names_of(command)).collect(),
            names: Vec::new(),
            rows: Vec::new(),
        };
        for number in table.all() {
            let row = table.row(number);
            let own = row.command.name.to_ascii_lowercase();
            let name = match row.parent {
                None => own,
                Some(parent) => format!("{}|{own}", table.command(parent).name.to_ascii_lowercase()),
            };
            catalog.by_name.insert(name.clone(), number);
            catalog.names.push(name);
            catalog.rows.push(Entry {
                is_sub: row.parent.is_some(),
                subcommands: row.subcommands.clone(),
                categories: row.command.all_categories(),
            });
        }
        catalog
    }

    /// How many commands and subcommands there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Its own name, `config|get` for a subcommand.
    pub fn name(&self, number: CommandNo) -> &str {
        &self.names[usize::from(number)]
    }

    /// A name in lower case.
    pub(super) fn find(&self, name: &str) -> Named {
        match self.by_name.get(name) {
            Some(&number) => Named::Command(number),
            None if self.removed.iter().any(|removed| removed == name) => Named::Removed,
            None => Named::Unknown,
        }
    }

    /// A category's name in any case; `all` is none.
    pub fn category(name: &[u8]) -> Option<Categories> {
        let named = |(_, known): &&(Categories, &str)| kit::text::eq_ignore_case(known, name);
        Categories::NAMES.iter().find(named).map(|(category, _)| *category)
    }

    /// Commands and subcommands of a category.
    pub fn members(&self, category: Categories) -> impl Iterator<Item = CommandNo> + '_ {
        let is_in = move |(_, row): &(usize, &Entry)| row.categories.contains(category);
        self.rows.iter().enumerate().filter(is_in).map(|(number, _)| number as CommandNo)
    }
}

fn names_of(command: &'static Command) -> Vec<String> {
    let name = command.name.to_ascii_lowercase();
    let subs = command.subcommands.iter().map(|sub| format!("{name}|{}", sub.name.to_ascii_lowercase()));
    std::iter::once(name.clone()).chain(subs).collect()
}
