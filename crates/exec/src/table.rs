//! A node's command table: the rows of all crates under the names it was started with.
//!
//! Lookup is on the path of every request, so it is one probe of a small open table keyed by the
//! first eight bytes in lower case; names are compared whole afterwards.

use crate::command::{Command, Flags};
use kit::text;

/// Number of a command (or subcommand) in its node.
pub type CommandNo = u16;

pub struct CommandTable {
    rows: Vec<Row>,
    slots: Vec<u16>,
    /// Those that `rename-command` took away.
    removed: Vec<&'static Command>,
}

pub struct Row {
    pub command: &'static Command,
    /// Lower case, `client|list` for a subcommand; as renamed by `rename-command`.
    pub full_name: String,
    pub parent: Option<CommandNo>,
    pub subcommands: Vec<CommandNo>,
}

const EMPTY: u16 = u16::MAX;

impl CommandTable {
    /// `rename` gives a command's name in this node: itself, another, or none.
    pub fn new(lists: &[&'static [&'static Command]], rename: &dyn Fn(&str) -> Option<String>) -> CommandTable {
        let mut table = CommandTable { rows: Vec::new(), slots: vec![EMPTY; 2048], removed: Vec::new() };
        for command in lists.iter().copied().flatten().copied() {
            let Some(name) = rename(&command.name.to_ascii_lowercase()) else {
                table.removed.push(command);
                continue;
            };
            let parent = table.add(command, name.to_ascii_lowercase(), None);
            for sub in command.subcommands.iter().copied() {
                let name = format!("{}|{}", command.name, sub.name).to_ascii_lowercase();
                let number = table.add(sub, name, Some(parent));
                table.rows[usize::from(parent)].subcommands.push(number);
            }
        }
        for number in 0..table.rows.len() {
            if table.rows[number].parent.is_none() {
                table.place(number as u16);
            }
        }
        table
    }

    fn add(&mut self, command: &'static Command, full_name: String, parent: Option<CommandNo>) -> CommandNo {
        let number = u16::try_from(self.rows.len()).expect("fewer than 65536 commands");
        self.rows.push(Row { command, full_name, parent, subcommands: Vec::new() });
        number
    }

    fn place(&mut self, number: CommandNo) {
        let mask = self.slots.len() - 1;
        let mut at = spread(self.rows[usize::from(number)].full_name.as_bytes()) & mask;
        while self.slots[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = number;
    }

    /// A command by its first word.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<CommandNo> {
        let mask = self.slots.len() - 1;
        let mut at = spread(name) & mask;
        loop {
            let number = self.slots[at];
            if number == EMPTY {
                return None;
            }
            if text::eq_ignore_case(self.rows[usize::from(number)].full_name.as_bytes(), name) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// A subcommand by its second word.
    pub fn find_sub(&self, parent: CommandNo, name: &[u8]) -> Option<CommandNo> {
        let subcommands = &self.rows[usize::from(parent)].subcommands;
        subcommands
            .iter()
            .copied()
            .find(|&sub| text::eq_ignore_case(self.rows[usize::from(sub)].command.name.as_bytes(), name))
    }

    /// By full name: `get`, `client|list` or `client list`'s two words joined with `|`.
    pub fn find_full(&self, name: &[u8]) -> Option<CommandNo> {
        match name.iter().position(|&byte| byte == b'|') {
            None => self.find(name),
            Some(bar) => self.find_sub(self.find(&name[..bar])?, &name[bar + 1..]),
        }
    }

    #[inline]
    pub fn row(&self, number: CommandNo) -> &Row {
        &self.rows[usize::from(number)]
    }

    #[inline]
    pub fn command(&self, number: CommandNo) -> &'static Command {
        self.rows[usize::from(number)].command
    }

    /// Commands that cannot be called here because `rename-command` gave them no name.
    pub fn removed(&self) -> &[&'static Command] {
        &self.removed
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Numbers of all commands, subcommands left out.
    pub fn top_level(&self) -> impl Iterator<Item = CommandNo> + '_ {
        (0..self.rows.len() as u16).filter(|&number| self.row(number).parent.is_none())
    }

    pub fn all(&self) -> impl Iterator<Item = CommandNo> + use<> {
        0..self.rows.len() as u16
    }

    /// Numbers of commands with these flags.
    pub fn with(&self, flags: Flags) -> Vec<CommandNo> {
        self.all().filter(|&number| self.command(number).has(flags)).collect()
    }
}

#[inline]
fn spread(name: &[u8]) -> usize {
    let mut first = [0; 8];
    let len = name.len().min(8);
    first[..len].copy_from_slice(&name[..len]);
    // Lower case for letters; what it does to other bytes does not matter, names are compared.
    let word = (u64::from_le_bytes(first) | 0x2020_2020_2020_2020) ^ name.len() as u64;
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
}
