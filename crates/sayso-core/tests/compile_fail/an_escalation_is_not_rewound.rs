use sayso_core::Escalation;

fn rewound(mut escalation: Escalation) -> Escalation {
    escalation.version = 1;
    escalation
}

fn main() {}
