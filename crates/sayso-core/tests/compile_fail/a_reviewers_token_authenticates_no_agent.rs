use sayso_core::credential::{AgentRecord, ReviewerToken};

fn authenticated(record: &AgentRecord, token: &ReviewerToken) {
    let _ = record.authenticate(token);
}

fn main() {}
