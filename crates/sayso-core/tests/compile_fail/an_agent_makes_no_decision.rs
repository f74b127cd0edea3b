use sayso_core::credential::Agent;
use sayso_core::decision::{Says, Seen, VerifiedDecision};

fn decided(agent: &Agent) {
    let _ = VerifiedDecision::in_session(agent, Says::Approve, Seen::default());
}

fn main() {}
