use sayso_core::{AgentName, ReviewerName};

fn named(agent: AgentName) -> ReviewerName {
    agent
}

fn main() {}
