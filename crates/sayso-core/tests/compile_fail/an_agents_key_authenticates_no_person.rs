use jiff::Timestamp;
use sayso_core::credential::{AgentKey, PersonRecord};

fn authenticated(record: &PersonRecord, key: &AgentKey) {
    let _ = record.authenticate(key, Timestamp::UNIX_EPOCH);
}

fn main() {}
