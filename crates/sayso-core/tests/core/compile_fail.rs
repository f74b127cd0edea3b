//! What can't even be written: each file tries to, and the compiler's refusal is the test.

#[test]
fn what_breaks_a_promise_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// Proofs come from people and from time: none is read back from a file, and none turns into
/// another.
mod proofs_have_one_way_in {
    use sayso_core::credential::{Agent, Person};
    use sayso_core::decision::VerifiedDecision;
    use sayso_core::grant::{Grant, HardGrant, HeardSilence, Quorum, SoftGrant};
    use serde::de::DeserializeOwned;

    /// Lacks what would make a second implementation apply: a call compiles only while one does.
    macro_rules! lacks {
        ($type:ty: $($bound:tt)+) => {{
            trait Lacks<Because> {
                fn shown() {}
            }
            struct Has;
            impl<T: ?Sized> Lacks<()> for T {}
            impl<T: ?Sized + $($bound)+> Lacks<Has> for T {}
            <$type as Lacks<_>>::shown();
        }};
    }

    #[test]
    fn no_proof_is_read_back() {
        lacks!(VerifiedDecision: DeserializeOwned);
        lacks!(Quorum: DeserializeOwned);
        lacks!(HardGrant: DeserializeOwned);
        lacks!(SoftGrant: DeserializeOwned);
        lacks!(HeardSilence: DeserializeOwned);
        lacks!(Person: DeserializeOwned);
        lacks!(Agent: DeserializeOwned);
    }

    #[test]
    fn no_proof_is_copied_or_made_of_nothing() {
        lacks!(Quorum: Clone);
        lacks!(HardGrant: Clone);
        lacks!(HeardSilence: Clone);
        lacks!(Quorum: Default);
        lacks!(HardGrant: Default);
        lacks!(Person: Default);
        lacks!(VerifiedDecision: Default);
    }

    #[test]
    fn no_proof_turns_into_another() {
        lacks!(HardGrant: From<SoftGrant>);
        lacks!(HardGrant: From<HeardSilence>);
        lacks!(HardGrant: From<Grant>);
        lacks!(Quorum: From<HeardSilence>);
        lacks!(Grant: From<HeardSilence>);
        lacks!(Person: From<Agent>);
        lacks!(VerifiedDecision: From<Agent>);
    }
}
