use jiff::Timestamp;
use sayso_core::Event;
use sayso_core::grant::{Grant, HeardSilence};

fn granted(silence: HeardSilence) -> Event {
    Event::Granted { grant: Grant::Hard(silence), expires_at: Timestamp::MAX }
}

fn main() {}
