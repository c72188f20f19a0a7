//! Users in files: an ACL file, or `user` lines of the configuration.
//!
//! A file is taken as a whole or not at all; what is wrong with it is told line by line.

use super::catalog::Catalog;
use super::rules::{Reader, Refusal, has_blanks};
use super::user::Rules;
use super::{ACL_FILE, Acl, Changed, USER_LINES};
use crate::command::Command;
use crate::node::{self, Node};
use kit::opt::Config;
use kit::text;
use kit::world::Disk;
use std::path::Path;

const NO_CHANGE: &str = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// The users of a start, into the node.
pub fn load_at_start(node: &Node) -> Result<(), String> {
    let Some((users, keep_default)) = at_start(&node.config, &node.acl.reader(node), &*node.disk)? else {
        return Ok(());
    };
    node.acl.replace_all(node, users, keep_default);
    Ok(())
}

/// Whether a start would find its users in order, before there is a node.
pub fn check_at_start(
    config: &Config,
    commands: &[&'static [&'static Command]],
    disk: &dyn Disk,
) -> Result<(), String> {
    let catalog = Catalog::new(&node::command_table(config, commands));
    at_start(config, &Reader::new(config, &catalog), disk).map(drop)
}

/// Those of the configuration, or those of the ACL file, and whether the default user stays as it is when nothing is
/// said of it.
fn at_start(config: &Config, reader: &Reader, disk: &dyn Disk) -> Result<Option<(Users, bool)>, String> {
    let lines = config.get(&USER_LINES);
    let path = config.get(&ACL_FILE);
    match (lines.is_empty(), path.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Err("Users are defined in the configuration file, and at the same time an ACL file is \
                               named. This would very likely lead to security holes: use one or the other, not both."
            .into()),
        (false, true) => Ok(Some((configured(reader, &lines)?, true))),
        (true, false) => {
            let users = read_file(&path, reader, disk)
                .map_err(|errors| format!("Aborting startup because of ACL errors: {errors}"))?;
            Ok(Some((users, false)))
        }
    }
}

/// ACL LOAD: what must be closed because of it.
pub fn load(node: &Node) -> Result<Changed, String> {
    let users = read_file(&node.config.get(&ACL_FILE), &node.acl.reader(node), &*node.disk)?;
    Ok(node.acl.replace_all(node, users, false))
}

fn read_file(path: &str, reader: &Reader, disk: &dyn Disk) -> Result<Users, String> {
    let bytes = disk.read(Path::new(path)).map_err(|error| {
        let text = error.to_string();
        format!("Error loading ACLs, opening file '{path}': {}", text.split(" (os error").next().unwrap_or_default())
    })?;
    read(reader, path, &bytes)
}

/// ACL SAVE.
pub fn save(node: &Node) -> std::io::Result<()> {
    let path = node.config.get(&ACL_FILE);
    let mut bytes = Vec::new();
    for line in node.acl.lines() {
        bytes.extend_from_slice(b"user ");
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
    }
    node.disk.write_atomic(Path::new(&*path), &bytes)
}

/// `user` lines for CONFIG REWRITE. None when users are kept elsewhere, or when nothing was said of them that
/// `requirepass` does not say.
pub fn config_lines(node: &Node) -> Vec<String> {
    let acl = &node.acl;
    if !node.config.get(&ACL_FILE).is_empty() || acl.is_untouched(node) {
        return Vec::new();
    }
    // Lines that say the same in other words stay as somebody wrote them.
    let said = node.config.get(&USER_LINES);
    if configured(&acl.reader(node), &said).is_ok_and(|users| acl.is_as_said(node, users)) {
        return said.to_vec();
    }
    acl.lines().iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

type Users = Vec<(Vec<u8>, Rules)>;

fn configured(reader: &Reader, lines: &[String]) -> Result<Users, String> {
    let mut users: Users = Vec::new();
    for line in lines {
        let words: Vec<&[u8]> = words_of(line.as_bytes()).collect();
        let Some((&name, words)) = words.split_first() else {
            return Err("'user' needs a name".into());
        };
        let shown = String::from_utf8_lossy(name).into_owned();
        if users.iter().any(|(known, _)| known == name) {
            return Err(format!(
                "Error in user declaration '{shown}': Duplicate user found. A user can only be defined once in \
                 config files"
            ));
        }
        let mut rules = reader.new_user();
        reader
            .apply(&mut rules, words)
            .map_err(|refusal| format!("Error in user declaration '{shown}': {}", told(&refusal)))?;
        users.push((name.to_vec(), rules));
    }
    Ok(users)
}

fn read(reader: &Reader, path: &str, bytes: &[u8]) -> Result<Users, String> {
    let mut users: Users = Vec::new();
    let mut errors: Vec<String> = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = number + 1;
        let words: Vec<&[u8]> = words_of(line).collect();
        let (name, words) = match words.as_slice() {
            [] => continue,
            [first, name, words @ ..] if text::eq_ignore_case(first, b"user") => (*name, words),
            _ => {
                errors.push(format!("{path}:{number} should start with user keyword followed by the username. "));
                continue;
            }
        };
        let shown = String::from_utf8_lossy(name);
        if has_blanks(name) {
            errors.push(format!("{path}:{number}: username '{shown}' contains invalid characters. "));
            continue;
        }
        if users.iter().any(|(known, _)| known == name) {
            errors.push(format!("WARNING: Duplicate user '{shown}' found on line {number}. "));
            continue;
        }
        let mut rules = reader.new_user();
        if let Err(refusal) = reader.apply(&mut rules, words) {
            errors.push(format!("{path}:{number}: {}. ", told(&refusal)));
        }
        users.push((name.to_vec(), rules));
    }
    if errors.is_empty() { Ok(users) } else { Err(errors.concat() + NO_CHANGE) }
}

fn words_of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Word(word, wrong) => {
            format!("Error in applying operation '{}': {}", String::from_utf8_lossy(word), wrong.text())
        }
        Refusal::Unmatched(_) => "Unmatched parenthesis in selector definition".into(),
    }
}

impl Acl {
    /// All users with their rules, a line each.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(|user| user.line()).collect()
    }
}
