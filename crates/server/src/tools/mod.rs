//! What the binary does beside serving: `basalt check` and `basalt restore`.

pub(crate) mod check;
mod progress;
pub(crate) mod restore;

/// `--name value` anywhere among the words; taken out of them. The error is for the terminal.
fn take_value(words: &mut Vec<String>, name: &str) -> Result<Option<String>, String> {
    let Some(at) = words.iter().position(|word| word == name) else { return Ok(None) };
    if at + 1 >= words.len() {
        return Err(format!("{name} needs a value"));
    }
    words.remove(at);
    Ok(Some(words.remove(at)))
}

fn take_flag(words: &mut Vec<String>, name: &str) -> bool {
    let before = words.len();
    words.retain(|word| word != name);
    words.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_out() {
        let mut words: Vec<String> = ["a", "--fix", "--to", "5", "b"].map(String::from).to_vec();
        assert_eq!(take_value(&mut words, "--to"), Ok(Some("5".into())));
        assert!(take_flag(&mut words, "--fix") && !take_flag(&mut words, "--fix"));
        assert_eq!(words, ["a", "b"]);
        assert_eq!(take_value(&mut words, "--to"), Ok(None));
        assert!(take_value(&mut vec!["--to".into()], "--to").is_err());
    }
}
