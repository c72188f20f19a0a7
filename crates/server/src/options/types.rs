//! Where small encodings of the data types end.

use super::options;
use kit::opt::Opt;

options! {
    Int: Opt::int("stream-idmp-duration", 100, 1..=86_400, "Seconds for which a producer's ids are remembered.");
    Int: Opt::int("stream-idmp-maxsize", 100, 1..=10_000, "Ids that are remembered for a producer.");
}
