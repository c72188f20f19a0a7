//! Many requests in one batch: locks kept from one request to the next must not be in the way.

use crate::commands::COMMANDS;
use exec::Job;
use proto::resp_client::encode_request;
use proto::{Limits, Parser, Step};
use testkit::TestNode;

/// Runs these lines as one batch and gives the bytes of all replies.
fn pipeline(node: &mut TestNode, lines: &[&str]) -> String {
    let mut input = Vec::new();
    for line in lines {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        encode_request(&mut input, &words);
    }
    let (mut parser, mut words, mut requests, mut from) = (Parser::default(), Vec::new(), Vec::new(), 0);
    while let Ok(Step::Request(request)) = parser.next(&input, from, &mut words, &Limits::default()) {
        from = request.end;
        requests.push(request);
    }
    node.client(1);
    node.run(1, |worker, client| {
        let (session, reply) = (&mut client.session, &mut client.reply);
        let job = Job {
            session,
            reply,
            input: &input,
            words: &words,
            requests: &requests,
            reply_bytes_max: usize::MAX,
            done: 0,
        };
        let mut jobs = [job];
        worker.run(&mut jobs);
        assert_eq!(jobs[0].done, lines.len());
        let text = String::from_utf8(client.reply.to_vec()).expect("text");
        client.reply.clear();
        text
    })
}

#[test]
fn a_refused_exec_forgets_watched_keys_while_a_shard_is_held() {
    let mut node = TestNode::new(COMMANDS);
    let replies = pipeline(&mut node, &["WATCH k", "PUT k 1", "EXEC too many", "TAKE k"]);
    assert!(replies.contains("-EXECABORT Transaction discarded because of: wrong number of arguments"), "{replies}");
    assert!(replies.ends_with("*1\r\n$1\r\n1\r\n"));
}

#[test]
fn windows_follow_each_other() {
    let mut node = TestNode::new(COMMANDS);
    let lines: Vec<String> = (0..500).map(|i| format!("COUNTUP k{} k{}", i % 7, (i + 1) % 7)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(pipeline(&mut node, &lines), "+OK\r\n".repeat(500));
}
