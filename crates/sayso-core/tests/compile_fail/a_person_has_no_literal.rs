use sayso_core::ReviewerName;
use sayso_core::credential::{Person, Role};

fn main() {
    let name = ReviewerName::new("ana").unwrap();
    let _ = Person { name, roles: vec![Role::Reviewer] };
}
