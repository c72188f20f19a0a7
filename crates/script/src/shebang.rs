//! The first line of a script or library: `#!lua name=… flags=…`.
//!
//! A script without one may do anything and is judged by its commands; one with a line says what it does.

use proto::Error;

pub(crate) const NO_WRITES: u32 = 1 << 0;
pub(crate) const ALLOW_OOM: u32 = 1 << 1;
pub(crate) const ALLOW_STALE: u32 = 1 << 2;
pub(crate) const NO_CLUSTER: u32 = 1 << 3;
pub(crate) const ALLOW_CROSS_SLOT: u32 = 1 << 4;

/// In the order in which FUNCTION LIST shows them.
pub(crate) const NAMES: &[(&str, u32)] = &[
    ("no-writes", NO_WRITES),
    ("allow-oom", ALLOW_OOM),
    ("allow-stale", ALLOW_STALE),
    ("no-cluster", NO_CLUSTER),
    ("allow-cross-slot-keys", ALLOW_CROSS_SLOT),
];

pub(crate) fn flag(name: &[u8]) -> Option<u32> {
    NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, flag)| *flag)
}

/// A script's flags; none when it has no such line. And where its code begins: at the end of that line, so that the
/// numbers of lines stay right.
pub(crate) fn of_script(text: &[u8]) -> Result<(Option<u32>, usize), Error> {
    if !text.starts_with(b"#!") {
        return Ok((None, 0));
    }
    let Some(end) = text.iter().position(|&byte| byte == b'\n') else {
        return Err(Error::Static("ERR Invalid script shebang"));
    };
    let Some(words) = kit::text::split_words(&text[..end]) else {
        return Err(Error::Static("ERR Invalid script shebang"));
    };
    let mut words = words.iter().map(Vec::as_slice);
    let engine = words.next().unwrap_or_default();
    if engine != b"#!lua" {
        return Err(Error::err(format_args!(
            "Unexpected engine in script shebang: {}",
            String::from_utf8_lossy(engine)
        )));
    }
    let mut flags = 0;
    for word in words {
        let Some(list) = word.strip_prefix(b"flags=") else {
            return Err(Error::err(format_args!("Unknown lua shebang option: {}", String::from_utf8_lossy(word))));
        };
        for name in list.split(|&byte| byte == b',').filter(|name| !name.is_empty()) {
            let Some(flag) = flag(name) else {
                return Err(Error::err(format_args!(
                    "Unexpected flag in script shebang: {}",
                    String::from_utf8_lossy(name)
                )));
            };
            flags |= flag;
        }
    }
    Ok((Some(flags), end))
}

/// A library's name, and where its code begins.
pub(crate) fn of_library(code: &[u8]) -> Result<(String, usize), Error> {
    if !code.starts_with(b"#!") {
        return Err(Error::Static("ERR Missing library metadata"));
    }
    let Some(end) = code.iter().position(|&byte| byte == b'\n') else {
        return Err(Error::Static("ERR Invalid library metadata"));
    };
    let Some(words) = kit::text::split_words(&code[..end]) else {
        return Err(Error::Static("ERR Invalid library metadata"));
    };
    let mut words = words.iter().map(Vec::as_slice);
    let engine = words.next().and_then(|word| word.strip_prefix(b"#!")).unwrap_or_default();
    let mut name = None;
    for word in words {
        let Some(given) = word.strip_prefix(b"name=") else {
            return Err(Error::err(format_args!("Invalid metadata value given: {}", String::from_utf8_lossy(word))));
        };
        if name.replace(given).is_some() {
            return Err(Error::Static("ERR Invalid metadata value, name argument was given multiple times"));
        }
    }
    let Some(name) = name else {
        return Err(Error::Static("ERR Library name was not given"));
    };
    if !is_name(name) {
        return Err(Error::Static(BAD_NAME));
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(Error::err(format_args!("Engine '{}' not found", String::from_utf8_lossy(engine))));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), end))
}

pub(crate) const BAD_NAME: &str =
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        let text = |line: &str| of_script(line.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(text("return 1"), Ok((None, 0)));
        assert_eq!(text("#!lua\nreturn 1"), Ok((Some(0), 5)));
        assert_eq!(text("#!lua flags=no-writes,allow-oom\nx").unwrap().0, Some(NO_WRITES | ALLOW_OOM));
        for (line, error) in [
            ("#!lua", "ERR Invalid script shebang"),
            ("#!foo\nx", "ERR Unexpected engine in script shebang: #!foo"),
            ("#! lua\nx", "ERR Unexpected engine in script shebang: #!"),
            ("#!lua name=x\nx", "ERR Unknown lua shebang option: name=x"),
            ("#!lua flags=xx\nx", "ERR Unexpected flag in script shebang: xx"),
        ] {
            assert_eq!(text(line), Err(error.to_string()));
        }
    }

    #[test]
    fn libraries() {
        let text = |line: &str| of_library(line.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(text("#!LUA name=my_lib1\nx"), Ok(("my_lib1".into(), 18)));
        assert_eq!(text("#!lua name=\"foo\"\nx"), Ok(("foo".into(), 16)));
        for (line, error) in [
            ("x", "ERR Missing library metadata"),
            ("#!lua name=x", "ERR Invalid library metadata"),
            ("#!lua\nx", "ERR Library name was not given"),
            ("#!lua name=x name=y\nx", "ERR Invalid metadata value, name argument was given multiple times"),
            ("#!lua name=x foo=1\nx", "ERR Invalid metadata value given: foo=1"),
            ("#!js name=x\nx", "ERR Engine 'js' not found"),
            ("#! name=x\nx", "ERR Engine '' not found"),
            ("#!lua name=bad-name\nx", BAD_NAME),
        ] {
            assert_eq!(text(line), Err(error.to_string()));
        }
    }
}
