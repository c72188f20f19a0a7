//! Values against plain registers, and against bytes that Redis made.

use super::*;
use kit::world::Rng;

fn registers(value: &[u8]) -> Vec<u8> {
    let mut all = Registers::default();
    all.join(value).expect("a good value");
    all.ranks().to_vec()
}

#[test]
fn agrees_with_plain_registers() {
    for seed in 0..if cfg!(miri) { 1 } else { 40 } {
        let mut rng = Rng::new(seed);
        let sparse_max = [20, 100, 3000, 20_000][seed as usize % 4];
        let (mut value, mut twin) = (empty(), vec![0u8; REGISTERS]);
        let narrow = rng.one_in(2);
        for step in 0..3000 {
            let register = if narrow { rng.index(60) } else { rng.index(REGISTERS) };
            let rank = if rng.one_in(2000) { 40 } else { 1 + rng.below(4) as u8 };
            let element = Element { register, rank };
            let raises = twin[register] < rank;
            assert_eq!(would_raise(&value, element), Ok(raises));
            assert_eq!(raise(&mut value, element, sparse_max), Ok(raises), "seed {seed} step {step}");
            twin[register] = twin[register].max(rank);
            assert!(encoding(&value) == Some(Encoding::Dense) || value.len() <= sparse_max);
        }
        assert_eq!(registers(&value), twin);
        let dense = to_dense(&value).expect("a good value");
        assert_eq!((encoding(&dense), registers(&dense)), (Some(Encoding::Dense), twin));
        assert_eq!(count(&dense), count(&value));
        let mut joined = Registers::default();
        joined.join(&value).expect("a good value");
        assert_eq!(Ok(joined.count()), count(&value));
    }
}

#[test]
fn counts_well() {
    let (mut value, mut next) = (empty(), 1);
    for i in 0..if cfg!(miri) { 100 } else { 100_000u64 } {
        raise(&mut value, Element::of(format!("element {i}").as_bytes()), 3000).expect("a good value");
        if i + 1 == next {
            let (count, exact) = (count(&value).expect("a good value") as f64, next as f64);
            assert!((count - exact).abs() <= exact * 0.03, "{count} of {exact}");
            next *= 10;
        }
    }
}

#[test]
fn bytes_of_redis() {
    // redis-server 7.0.15: PFADD h a b c, then GET h.
    let mut value = empty();
    for text in [b"a", b"b", b"c"] {
        assert_eq!(raise(&mut value, Element::of(text), 3000), Ok(true));
    }
    make_stale(&mut value);
    assert_eq!(kept_count(&value), None);
    assert_eq!(sparse_text(&value).expect("a good value"), REDIS_A_B_C);
    assert_eq!(count(&value), Ok(3));
    keep_count(&mut value, 3);
    assert_eq!(kept_count(&value), Some(3));
}

#[test]
fn nonsense_is_told() {
    assert_eq!(encoding(b""), None);
    assert_eq!(encoding(b"HYLL"), None);
    assert_eq!(encoding(b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\0"), None);
    assert_eq!(encoding(b"HYLL\x00\0\0\0\0\0\0\0\0\0\0\0"), None);
    assert_eq!(encoding(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0"), None);
    let mut rng = Rng::new(1);
    for _ in 0..if cfg!(miri) { 50 } else { 20_000 } {
        let mut value = empty();
        for _ in 0..rng.below(40) {
            raise(&mut value, Element { register: rng.index(REGISTERS), rank: 1 + rng.below(8) as u8 }, 3000)
                .expect("a good value");
        }
        for _ in 0..1 + rng.below(5) {
            match rng.below(3) {
                0 => value.truncate(HEAD + rng.index(value.len() - HEAD + 1)),
                1 => value.push(rng.next_u64() as u8),
                _ if value.len() > HEAD => {
                    let at = HEAD + rng.index(value.len() - HEAD);
                    value[at] = rng.next_u64() as u8;
                }
                _ => {}
            }
        }
        // Any answer will do, and all agree whether the registers are covered.
        let element = Element { register: rng.index(REGISTERS), rank: 1 + rng.below(40) as u8 };
        let good = count(&value).is_ok();
        assert_eq!(to_dense(&value).is_ok(), good);
        assert_eq!(Registers::default().join(&value).is_ok(), good);
        let _ = (would_raise(&value, element), sparse_text(&value));
        let _ = raise(&mut value, element, 3000);
    }
}

const REDIS_A_B_C: &str = "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603";
