//! A Rust file as tidy sees it: code and comments apart, lines that only tests use marked.
//!
//! Not a parser. A scanner that knows comments, strings and characters, so that a rule which looks for a word does not
//! find it in a text or a comment.
//! Always true: `code`, `comments` and `test` have one element for each line.

use std::cell::OnceCell;

pub(crate) struct Source {
    /// From the workspace's folder, with `/`.
    pub(crate) path: String,
    /// Lines with comments gone and the insides of strings and characters replaced by blanks.
    pub(crate) code: Vec<String>,
    /// Text of the comments on each line.
    pub(crate) comments: Vec<String>,
    /// The line belongs to a test.
    pub(crate) test: Vec<bool>,
    first_line: String,
    live_text: OnceCell<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let (code, comments) = split(text);
        let all_test = ["/tests/", "/examples/", "/benches/"].iter().any(|folder| path.contains(folder));
        let test = if all_test { vec![true; code.len()] } else { test_lines(&code) };
        Source {
            path: path.into(),
            code,
            comments,
            test,
            first_line: text.lines().next().unwrap_or("").into(),
            live_text: OnceCell::new(),
        }
    }

    pub(crate) fn opens_with_story(&self) -> bool {
        self.first_line.starts_with("//! ") && self.first_line.len() > "//! ".len()
    }

    /// `exec` for `crates/exec/src/run.rs`.
    pub(crate) fn crate_name(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("")
    }

    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }

    /// The module's own name: `pop` for `list/pop.rs`, `list` for `list/mod.rs`.
    pub(crate) fn module(&self) -> &str {
        match self.file_name() {
            "mod.rs" => self.folder().rsplit('/').next().unwrap_or(""),
            name => name.trim_end_matches(".rs"),
        }
    }

    /// Lines of code outside tests, numbered from 1.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.iter().enumerate().filter(|(i, _)| !self.test[*i]).map(|(i, line)| (i + 1, line.as_str()))
    }

    /// Code outside tests as one text. Ask when it is known which files are tests.
    pub(crate) fn live_text(&self) -> &str {
        self.live_text.get_or_init(|| {
            self.live()
                .map(|(_, line)| {
                    format!(
                        "{line}
"
                    )
                })
                .collect()
        })
    }
}

/// Words of a line of code: identifiers and numbers, with the byte they begin at.
pub(crate) fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + line[rest..].find(is_word)?;
        let len = line[start..].find(|c| !is_word(c)).unwrap_or(line.len() - start);
        rest = start + len;
        Some((start, &line[start..rest]))
    })
}

pub(crate) fn has_word(line: &str, word: &str) -> bool {
    words(line).any(|(_, found)| found == word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Cuts a text into code and comments, line by line.
fn split(text: &str) -> (Vec<String>, Vec<String>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comment) = (String::new(), String::new());
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = 0;
    while i < chars.len() {
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    comment.push(at(i));
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                while i < chars.len() {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => depth += 1,
                        ('*', '/') => depth -= 1,
                        _ => {
                            push_line(at(i), &mut comment, &mut code);
                            i += 1;
                            continue;
                        }
                    }
                    i += 2;
                    if depth == 0 {
                        break;
                    }
                }
            }
            '"' => i = skip_string(&chars, i, &mut code, &mut comment),
            'r' if !is_word(at(i.wrapping_sub(1))) || matches!(at(i.wrapping_sub(1)), 'b' | 'c') => {
                let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
                code.push('r');
                i += 1;
                if at(i + hashes) == '"' {
                    i = skip_raw(&chars, i + hashes + 1, hashes, &mut code, &mut comment);
                }
            }
            // A lifetime has no closing quote behind its first letter.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                code.push_str("' '");
                i += 1;
            }
            c => {
                push_line(c, &mut code, &mut comment);
                i += 1;
            }
        }
    }
    let lines = |all: String| all.lines().map(String::from).collect::<Vec<_>>();
    // `lines` drops a last empty line; both must stay as long as the text.
    let count = text.lines().count();
    let (mut code, mut comments) = (lines(code), lines(comment));
    code.resize(count, String::new());
    comments.resize(count, String::new());
    (code, comments)
}

/// A line end goes to both texts, so that they keep step.
fn push_line(c: char, to: &mut String, other: &mut String) {
    to.push(c);
    if c == '\n' {
        other.push('\n');
    }
}

fn skip_string(chars: &[char], start: usize, code: &mut String, comment: &mut String) -> usize {
    code.push('"');
    let mut i = start + 1;
    while i < chars.len() && chars[i] != '"' {
        if chars[i] == '\\' {
            i += 1;
        }
        if chars.get(i) == Some(&'\n') {
            push_line('\n', code, comment);
        }
        i += 1;
    }
    code.push('"');
    i + 1
}

fn skip_raw(chars: &[char], start: usize, hashes: usize, code: &mut String, comment: &mut String) -> usize {
    code.push('"');
    let mut i = start;
    while i < chars.len() {
        let closing = &chars[i + 1..(i + 1 + hashes).min(chars.len())];
        if chars[i] == '"' && closing.len() == hashes && closing.iter().all(|c| *c == '#') {
            break;
        }
        if chars[i] == '\n' {
            push_line('\n', code, comment);
        }
        i += 1;
    }
    code.push('"');
    i + 1 + hashes
}

/// Marks the items behind `#[cfg(test)]` and `#[test]`.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut test = vec![false; code.len()];
    let mut i = 0;
    while i < code.len() {
        let line = code[i].trim_start();
        let of_test = line.starts_with("#[test]")
            || (line.starts_with("#[cfg(") && has_word(line, "test") && !line.contains("not(test)"));
        if !of_test {
            i += 1;
            continue;
        }
        let end = item_end(code, i);
        test[i..=end].fill(true);
        i = end + 1;
    }
    test
}

/// Last line of the item that begins with attributes on line `start`.
fn item_end(code: &[String], start: usize) -> usize {
    let (mut depth, mut brackets) = (0, 0);
    for (i, line) in code.iter().enumerate().skip(start) {
        for c in line.chars() {
            match c {
                '[' | '(' => brackets += 1,
                ']' | ')' => brackets -= 1,
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth <= 0 && brackets == 0 {
                        return i;
                    }
                }
                ';' if depth == 0 && brackets == 0 => return i,
                _ => {}
            }
        }
    }
    code.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_code_and_comments_apart() {
        let text = "let a = \"unsafe // no\"; // unsafe comment\nlet b = 'x'; let c: &'static str = r#\"un\"safe\"#;\n/* one\n two */ code();\nlet d = '\\''; let e = b'\"'; done()";
        let source = Source::new("crates/kit/src/a.rs", text);
        assert_eq!(source.code[0], "let a = \"\"; ");
        assert_eq!(source.comments[0], "// unsafe comment");
        assert_eq!(source.code[1], "let b = ' '; let c: &'static str = r\"\";");
        assert_eq!(source.code[3].trim(), "code();");
        assert_eq!(source.comments[2].trim(), "one");
        assert_eq!(source.code[4], "let d = ' '; let e = b' '; done()");
        assert_eq!(source.code.len(), 5);
        assert_eq!(source.comments.len(), 5);
    }

    #[test]
    fn strings_over_lines_keep_the_count() {
        let source = Source::new("a.rs", "let a = \"one\n two \\\n three\";\nlet b = 1;\n");
        assert_eq!(source.code.len(), 4);
        assert_eq!(source.code[3], "let b = 1;");
    }

    #[test]
    fn marks_tests() {
        let text = "fn live() {}\n#[cfg(test)]\nmod tests {\n    fn a() {}\n}\nfn live2() {}\n#[test]\nfn t() {\n}\n#[cfg(not(test))]\nfn live3() {}\n#[cfg(test)]\nuse x::{a, b};\nfn live4() {}";
        let source = Source::new("crates/kit/src/a.rs", text);
        let live: Vec<usize> = source.live().map(|(line, _)| line).collect();
        assert_eq!(live, [1, 6, 10, 11, 14]);
    }

    #[test]
    fn names_of_a_file() {
        let source = Source::new("crates/commands/src/list/mod.rs", "");
        assert_eq!((source.crate_name(), source.module()), ("commands", "list"));
        assert_eq!(Source::new("crates/exec/src/run.rs", "").module(), "run");
    }
}
