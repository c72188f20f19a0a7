//! A value in RDB form, whatever the bytes are, is an error or a value that is written and read back as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::Object;
use types::rdb::{Family, Form, Reading, Slice, Source, Thresholds, Value, Writing, read, skip, write};

fuzz_target!(|data: &[u8]| {
    let Some((type_byte, bytes)) = data.split_first() else { return };
    // The highest bit says whose form it is.
    let family = if type_byte & 0x80 == 0 { Family::Redis } else { Family::Valkey };
    let type_byte = type_byte & 0x7f;
    let mut source = Slice::new(bytes);
    let value = read(type_byte, &mut source, &mut Reading::new(Thresholds::default(), family, None, true));
    let Ok(Value::Object(object)) = value else { return };
    assert!(object.mem_bytes() <= 20_000 + 400 * data.len(), "memory grows with the bytes that arrived");
    let mut skipping = Slice::new(bytes);
    if skip(type_byte, &mut skipping, family).is_ok() {
        assert_eq!(skipping.offset(), source.offset());
    }
    let form = Form::for_dump(&object, true);
    let writing = Writing::new(&object, &form).expect("a form that was chosen for it");
    let mut out = Vec::new();
    write(&object, &form, &mut out).expect("a form that was chosen for it");
    let mut reading = Reading::new(Thresholds::default(), form.family, None, true);
    match read(writing.type_byte(), &mut Slice::new(&out), &mut reading) {
        Ok(Value::Object(back)) => assert_eq!(digest(&back), digest(&object)),
        other => panic!("{other:?}"),
    }
});

fn digest(object: &Object) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    object.for_each_digest(&mut |element| parts.push(element.join(&b'|')));
    parts.sort();
    parts
}
