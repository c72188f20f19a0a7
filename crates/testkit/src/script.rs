//! The text language of conversations.
//!
//! ```text
//! conversation := step (';' step)*          a line end separates steps too; '#' begins a comment line
//! step         := [client '>'] request '->' reply      c2> GET k -> v     (client 1 when none is named)
//!               | [client '>'] request                  the reply is not looked at
//!               | [client '>'] '<-' reply               c2> <- [message ch hi]      what came next, unasked: a
//!                                                       message, the second reply of SUBSCRIBE a b, of a client
//!                                                       that waited
//!               | [client '>'] '<-' 'silence'           nothing came
//!               | '~' number 'ms'                       the clock moves on
//! request      := word word …               "quoted words" may hold spaces, ; and \n \r \t \xHH
//! reply        := '+' text                  simple string
//!               | '-' text                  error that begins so
//!               | ':' number                integer
//!               | word                      bulk string (quotes as in requests; "" is the empty one)
//!               | 'nil' | 'nil[]'           null, null array
//!               | '[' reply … ']'           array           '{' … '}' in any order
//!               | '%[' reply … ']'          map (RESP3): keys and values in turn
//!               | '~[' reply … ']'          set (RESP3), in any order
//!               | ',' number                double (RESP3)      '#t' '#f'  booleans (RESP3)
//!               | '(' digits                big number (RESP3)
//!               | '*'                       anything
//!               | word '*'                  (quoted words too) bulk or simple string that begins so
//!               | number '..' number        integer in this range
//!               | 'parked'                  no reply yet: the client waits
//! ```

use proto::resp_client::Value;

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Ask {
        client: usize,
        words: Vec<Vec<u8>>,
        expect: Option<Expect>,
        text: String,
    },
    /// What a client got without having asked; `None`: nothing.
    Hear {
        client: usize,
        expect: Option<Expect>,
        text: String,
    },
    Advance {
        ms: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    Any,
    Parked,
    Simple(String),
    Error(String),
    Int(i64),
    IntRange(i64, i64),
    Bulk(Vec<u8>),
    Prefix(Vec<u8>),
    Null,
    NullArray,
    Array(Vec<Expect>),
    Unordered(Vec<Expect>),
    Map(Vec<Expect>),
    Set(Vec<Expect>),
    Double(String),
    Bool(bool),
    BigNumber(String),
}

/// Reads a conversation. Panics on a mistake in it: it is a test's own text.
pub fn parse(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let mut tokens = tokens(line);
        loop {
            let end = tokens.iter().position(|token| *token == Token::Bare(";".into())).unwrap_or(tokens.len());
            let rest = tokens.split_off(end);
            if !tokens.is_empty() {
                steps.push(step(&tokens));
            }
            if rest.is_empty() {
                break;
            }
            tokens = rest[1..].to_vec();
        }
    }
    steps
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Bare(String),
    Quoted(Vec<u8>),
}

impl Token {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Token::Bare(word) => word.clone().into_bytes(),
            Token::Quoted(bytes) => bytes.clone(),
        }
    }

    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Bare(bare) if bare == word)
    }

    fn show(&self) -> String {
        match self {
            Token::Bare(word) => word.clone(),
            Token::Quoted(bytes) => kit::text::quote(bytes),
        }
    }
}

fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' => at += 1,
            b';' => {
                tokens.push(Token::Bare(";".into()));
                at += 1;
            }
            b'"' => {
                let end = closing_quote(bytes, at);
                let words = kit::text::split_words(&bytes[at..=end]).expect("a quoted word");
                tokens.push(Token::Quoted(words.into_iter().next().unwrap_or_default()));
                at = end + 1;
                if bytes.get(at) == Some(&b'*') {
                    tokens.push(Token::Bare("*..".into()));
                    at += 1;
                }
            }
            _ => {
                let end = (at..bytes.len()).find(|&i| matches!(bytes[i], b' ' | b'\t' | b';')).unwrap_or(bytes.len());
                tokens.push(Token::Bare(line[at..end].to_string()));
                at = end;
            }
        }
    }
    tokens
}

fn closing_quote(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

fn step(tokens: &[Token]) -> Step {
    let text: Vec<String> = tokens.iter().map(Token::show).collect();
    let text = text.join(" ");
    if let Token::Bare(word) = &tokens[0]
        && let Some(ms) = word.strip_prefix('~').and_then(|word| word.strip_suffix("ms"))
        && let Ok(ms) = ms.parse()
    {
        return Step::Advance { ms };
    }
    let (client, tokens) = match &tokens[0] {
        Token::Bare(word) if word.starts_with('c') && word.ends_with('>') => {
            (word[1..word.len() - 1].parse().expect("client number"), &tokens[1..])
        }
        _ => (1, tokens),
    };
    let one_reply = |tokens: &[Token]| {
        let mut rest = glue_text(tokens).into_iter().flat_map(brackets).peekable();
        let expect = expectation(&mut rest);
        assert!(rest.next().is_none(), "more than one reply in: {text}");
        expect
    };
    if let [first, rest @ ..] = tokens
        && first.is("<-")
    {
        let silence = matches!(rest, [only] if only.is("silence"));
        let expect = (!silence).then(|| one_reply(rest));
        return Step::Hear { client, expect, text };
    }
    let arrow = tokens.iter().position(|token| token.is("->"));
    let words = tokens[..arrow.unwrap_or(tokens.len())].iter().map(Token::bytes).collect();
    let expect = arrow.map(|arrow| one_reply(&tokens[arrow + 1..]));
    Step::Ask { client, words, expect, text }
}

/// `-ERR some text` and `+some text` are one token up to the end of the step.
fn glue_text(tokens: &[Token]) -> Vec<Token> {
    match tokens {
        [Token::Bare(first), ..] if first.starts_with('-') || first.starts_with('+') => {
            let words: Vec<String> = tokens.iter().map(Token::show).collect();
            vec![Token::Bare(words.join(" "))]
        }
        tokens => tokens.to_vec(),
    }
}

/// Cuts brackets off bare words.
fn brackets(token: Token) -> Vec<Token> {
    let Token::Bare(word) = &token else { return vec![token] };
    if word.starts_with('-') || word.starts_with('+') || matches!(word.as_str(), "nil[]") {
        // Inside an array an error is one word; closing brackets behind it are cut below.
        let cut = word.trim_end_matches([']', '}']);
        if cut.len() == word.len() || word == "nil[]" || word.contains(' ') {
            return vec![token];
        }
    }
    let mut open = Vec::new();
    let mut rest = word.as_str();
    loop {
        let cut = ["%[", "~[", "[", "{"].into_iter().find(|open| rest.starts_with(open));
        let Some(cut) = cut else { break };
        open.push(Token::Bare(cut.into()));
        rest = &rest[cut.len()..];
    }
    let mut close = Vec::new();
    while (rest.ends_with(']') && !rest.ends_with("nil[]")) || rest.ends_with('}') {
        close.insert(0, Token::Bare(rest[rest.len() - 1..].into()));
        rest = &rest[..rest.len() - 1];
    }
    if !rest.is_empty() {
        open.push(Token::Bare(rest.into()));
    }
    open.extend(close);
    open
}

fn expectation(tokens: &mut std::iter::Peekable<impl Iterator<Item = Token>>) -> Expect {
    let token = tokens.next().expect("a reply after ->");
    let word = match token {
        // "quoted words"* is a prefix; the star is glued to nothing else.
        Token::Quoted(bytes) if tokens.next_if(|next| next.is("*..")).is_some() => return Expect::Prefix(bytes),
        Token::Quoted(bytes) => return Expect::Bulk(bytes),
        Token::Bare(word) => word,
    };
    let mut list = || {
        let mut all = Vec::new();
        while !tokens.peek().expect("a closing bracket").is("]") && !tokens.peek().is_some_and(|token| token.is("}")) {
            all.push(expectation(tokens));
        }
        tokens.next();
        all
    };
    match word.as_str() {
        "*" => Expect::Any,
        "parked" => Expect::Parked,
        "nil" => Expect::Null,
        "nil[]" => Expect::NullArray,
        "#t" => Expect::Bool(true),
        "#f" => Expect::Bool(false),
        "[" => Expect::Array(list()),
        "{" => Expect::Unordered(list()),
        "%[" => Expect::Map(list()),
        "~[" => Expect::Set(list()),
        word => bare(word),
    }
}

fn bare(word: &str) -> Expect {
    let (first, rest) = word.split_at(1);
    match first {
        "+" => Expect::Simple(rest.into()),
        "-" => Expect::Error(rest.into()),
        ":" => Expect::Int(rest.parse().unwrap_or_else(|_| panic!("an integer: {word}"))),
        "," => Expect::Double(rest.into()),
        "(" if rest.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) => Expect::BigNumber(rest.into()),
        _ => match word.split_once("..") {
            Some((low, high)) if low.parse::<i64>().is_ok() && high.parse::<i64>().is_ok() => {
                Expect::IntRange(low.parse().expect("checked"), high.parse().expect("checked"))
            }
            _ => match word.strip_suffix('*') {
                Some(prefix) => Expect::Prefix(prefix.into()),
                None => Expect::Bulk(word.into()),
            },
        },
    }
}

/// Does a reply fit?
pub fn fits(expect: &Expect, value: &Value) -> bool {
    let all = |expects: &[Expect], values: &[Value]| {
        expects.len() == values.len() && expects.iter().zip(values).all(|(expect, value)| fits(expect, value))
    };
    match (expect, value) {
        (Expect::Any, _) => true,
        (Expect::Simple(text), Value::Simple(got)) => text == got,
        (Expect::Error(text), Value::Error(got)) => got.starts_with(text.as_str()),
        (Expect::Int(n), Value::Int(got)) => n == got,
        (Expect::IntRange(low, high), Value::Int(got)) => (low..=high).contains(&got),
        (Expect::Bulk(bytes), Value::Bulk(got)) => bytes == got,
        (Expect::Bulk(bytes), Value::Verbatim { text, .. }) => bytes == text,
        (Expect::Prefix(prefix), Value::Bulk(got)) => got.starts_with(prefix),
        (Expect::Prefix(prefix), Value::Simple(got)) => got.as_bytes().starts_with(prefix),
        (Expect::Prefix(prefix), Value::Verbatim { text, .. }) => text.starts_with(prefix),
        (Expect::Null, Value::Null) | (Expect::NullArray, Value::NullArray | Value::Null) => true,
        (Expect::Array(expects), Value::Array(values) | Value::Push(values)) => all(expects, values),
        (Expect::Unordered(expects), Value::Array(values)) | (Expect::Set(expects), Value::Set(values)) => {
            unordered(expects, values)
        }
        (Expect::Map(expects), Value::Map(pairs)) => {
            expects.len() == pairs.len() * 2
                && pairs
                    .iter()
                    .zip(expects.chunks(2))
                    .all(|((key, value), expect)| fits(&expect[0], key) && fits(&expect[1], value))
        }
        (Expect::Double(text), Value::Double(got)) => text.parse::<f64>().is_ok_and(|n| n == *got),
        (Expect::Bool(yes), Value::Bool(got)) => yes == got,
        (Expect::BigNumber(digits), Value::BigNumber(got)) => digits == got,
        _ => false,
    }
}

fn unordered(expects: &[Expect], values: &[Value]) -> bool {
    let mut left: Vec<&Value> = values.iter().collect();
    expects.len() == values.len()
        && expects.iter().all(|expect| match left.iter().position(|value| fits(expect, value)) {
            Some(at) => {
                left.remove(at);
                true
            }
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_steps() {
        let steps =
            parse("SET k \"a b\" -> +OK; c2> LPOP k 5 -> [a [:1 nil] nil[]]\n~500ms\n# no\nGET x -> -ERR some text");
        assert_eq!(steps.len(), 4);
        let Step::Ask { client, words, expect, .. } = &steps[1] else { panic!() };
        assert_eq!((*client, words.len()), (2, 3));
        let inner = Expect::Array(vec![Expect::Int(1), Expect::Null]);
        assert_eq!(expect, &Some(Expect::Array(vec![Expect::Bulk(b"a".to_vec()), inner, Expect::NullArray])));
        assert_eq!(steps[2], Step::Advance { ms: 500 });
        let Step::Ask { expect, .. } = &steps[3] else { panic!() };
        assert_eq!(expect, &Some(Expect::Error("ERR some text".into())));
        let steps = parse("c2> <- [a b]; <- -ERR no; c3> <- silence");
        let heard: Vec<_> = steps
            .iter()
            .map(|step| match step {
                Step::Hear { client, expect, .. } => (*client, expect.is_some()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(heard, [(2, true), (1, true), (3, false)]);
    }
}
