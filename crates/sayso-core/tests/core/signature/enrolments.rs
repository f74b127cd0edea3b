use jiff::Timestamp;
use sayso_core::Digest;
use sayso_core::enrolment::{Countersignature, Enrolment, FORM, NotVouched};
use sayso_core::nonce::Nonce;
use sayso_core::signature::{BadProof, Domain, PersonKey, Proof};

use super::authenticator::Authenticator;

fn bos() -> PersonKey {
    PersonKey::Passkey(Authenticator::ed25519(2).passkey())
}

fn anas() -> PersonKey {
    PersonKey::Passkey(Authenticator::p256(1).passkey())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn enrolment() -> Enrolment {
    Enrolment {
        v: FORM,
        workspace: "default".into(),
        reviewer: "bo".parse().unwrap(),
        key: bos(),
        by: anas().id(),
        nonce: Nonce::from_entropy([7; 16]),
        issued_at: at(100),
    }
}

fn countersigned(statement: String, domain: Domain) -> Countersignature {
    let challenge = domain.challenge(statement.as_bytes());
    let proof = Proof::Passkey(Authenticator::p256(1).sign(challenge.as_bytes()));
    Countersignature { statement, proof }
}

fn check(countersignature: &Countersignature, by: &PersonKey) -> Result<(), NotVouched> {
    let bo = "bo".parse().unwrap();
    countersignature.check("default", &bo, bos().id(), by).map(drop)
}

#[test]
fn whoever_signs_the_enrolment_vouches_for_that_persons_key_alone() {
    let signed = countersigned(enrolment().text(), Domain::Enrolment);
    assert_eq!(check(&signed, &anas()), Ok(()));
    assert_eq!(check(&signed, &bos()), Err(NotVouched::Misfit("by")));
    let held = |workspace: &str, person: &str, key: Digest| {
        signed.check(workspace, &person.parse().unwrap(), key, &anas()).map(drop)
    };
    assert_eq!(held("other", "bo", bos().id()), Err(NotVouched::Misfit("workspace")));
    assert_eq!(held("default", "eve", bos().id()), Err(NotVouched::Misfit("reviewer")));
    assert_eq!(held("default", "bo", anas().id()), Err(NotVouched::Misfit("key")));
}

#[test]
fn a_decision_vouches_for_nobody() {
    let signed = countersigned(enrolment().text(), Domain::Decision);
    let challenge = NotVouched::Proof(BadProof::Challenge);
    assert_eq!(check(&signed, &anas()), Err(challenge));
}

#[test]
fn an_enrolment_has_one_spelling() {
    let text = enrolment().text();
    assert_eq!(Enrolment::parse(&text), Ok(enrolment()));
    let form = Enrolment { v: 2, ..enrolment() }.text();
    for other in [format!(" {text}"), text.replacen('{', r#"{"more":1,"#, 1), form] {
        assert_eq!(Enrolment::parse(&other), Err(NotVouched::Malformed), "{other}");
        let signed = countersigned(other, Domain::Enrolment);
        assert_eq!(check(&signed, &anas()), Err(NotVouched::Malformed));
    }
}

#[test]
fn an_enrolment_is_to_be_sent_within_a_day() {
    let day = 24 * 3_600;
    for (second, fresh) in [(99, false), (100, true), (99 + day, true), (100 + day, false)] {
        assert_eq!(enrolment().is_fresh(at(second)), fresh, "{second}");
    }
}
