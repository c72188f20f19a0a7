//! Scripts on threads of their own: what they hold, who waits, who does not.

#[test]
fn placeholder() {}
