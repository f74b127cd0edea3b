//! People who come in on an identity provider's word.

use sayso_core::credential::Role;
use sayso_core::directory::{By, IllegalChange};
use sayso_core::{GroupName, Period, ReviewerName};
use sayso_engine::{Actor, AuthorityError, Login, NotAdmitted, Vouched};

use crate::world::World;

const ISSUER: &str = "https://id.example";

fn name(text: &str) -> ReviewerName {
    ReviewerName::new(text).unwrap()
}

/// Logs somebody in, by what the provider calls them and says that they may do.
async fn log_in(
    world: &World,
    subject: &str,
    called: &str,
    roles: &[Role],
    groups: &[&str],
) -> Result<Result<Login, NotAdmitted>, AuthorityError> {
    let groups: Vec<_> = groups.iter().map(|group| GroupName::new(group).unwrap()).collect();
    let name = ReviewerName::new(called).ok();
    let name = name.as_ref();
    let vouched = Vouched { issuer: ISSUER, subject, name, roles, groups: &groups };
    let (authority, now) = (world.engine().authority(), world.engine().now());
    authority.log_in_on_word(&vouched, "a browser", now).await
}

fn refused(login: Result<Result<Login, NotAdmitted>, AuthorityError>) -> NotAdmitted {
    match login {
        Ok(Err(not)) => not,
        Ok(Ok(_)) => panic!("let in"),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn a_providers_word_makes_a_person_and_brings_them_up_to_date(world: &mut World) {
    let authority = world.engine().authority().clone();
    let login = log_in(world, "7", "pia", &[Role::Reviewer], &["leads"]).await.unwrap().unwrap();
    assert_eq!(*login.person.name(), name("pia"));
    assert!(login.person.is(Role::Reviewer));
    assert_eq!(login.lasts, Period::from_secs(12 * 3_600));
    let directory = authority.directory().await.unwrap();
    let pia = directory.person(&name("pia")).unwrap();
    assert_eq!((&pia.added_by, pia.groups.len()), (&By::Provider(ISSUER.into()), 1));

    // The name may change at the provider; the subject does not.
    let login = log_in(world, "7", "pia.new", &[Role::Auditor], &[]).await.unwrap().unwrap();
    assert_eq!(*login.person.name(), name("pia"));
    let directory = authority.directory().await.unwrap();
    assert_eq!(directory.person(&name("pia")).unwrap().roles, [Role::Auditor]);
    let before = directory.last();
    log_in(world, "7", "pia", &[Role::Auditor], &[]).await.unwrap().unwrap();
    let after = authority.directory().await.unwrap().last();
    assert!(after > before, "a login is on record");
}

pub(crate) async fn whoever_has_no_role_any_more_is_out_at_once(world: &mut World) {
    let authority = world.engine().authority().clone();
    let now = world.engine().now();
    let login = log_in(world, "7", "pia", &[Role::Reviewer], &[]).await.unwrap().unwrap();
    let session = login.session.reveal();
    assert!(authority.session(&session, now).await.unwrap().is_some());
    assert_eq!(refused(log_in(world, "7", "pia", &[], &[]).await), NotAdmitted::NoRole);
    assert!(authority.session(&session, now).await.unwrap().is_none());
    let directory = authority.directory().await.unwrap();
    assert!(directory.person(&name("pia")).unwrap().roles.is_empty());
    // And back again, as the same person.
    let login = log_in(world, "7", "pia", &[Role::Reviewer], &[]).await.unwrap().unwrap();
    assert!(login.person.is(Role::Reviewer));
}

pub(crate) async fn nobody_without_a_role_is_made_a_person(world: &mut World) {
    assert_eq!(refused(log_in(world, "7", "pia", &[], &["leads"]).await), NotAdmitted::NoRole);
    let directory = world.engine().authority().directory().await.unwrap();
    assert!(directory.person(&name("pia")).is_none());
    let nameless = log_in(world, "7", "two words", &[Role::Reviewer], &[]).await;
    assert_eq!(refused(nameless), NotAdmitted::NoName);
}

pub(crate) async fn nobody_becomes_somebody_by_bearing_their_name(world: &mut World) {
    let ana = || NotAdmitted::NameTaken(name("ana"));
    assert_eq!(refused(log_in(world, "7", "ana", &[Role::Owner], &[]).await), ana());
    log_in(world, "8", "pia", &[Role::Reviewer], &[]).await.unwrap().unwrap();
    let again = log_in(world, "9", "pia", &[Role::Reviewer], &[]).await;
    assert_eq!(refused(again), NotAdmitted::NameTaken(name("pia")), "a name that changed hands");
}

pub(crate) async fn whoever_is_linked_keeps_the_roles_that_they_were_given_here(world: &mut World) {
    let authority = world.engine().authority().clone();
    let now = world.engine().now();
    let ana = name("ana");
    authority.link_person(Actor::Operator, &ana, ISSUER, "7", now).await.unwrap();
    let roles = authority.directory().await.unwrap().person(&ana).unwrap().roles.clone();
    let login = log_in(world, "7", "anything", &[], &[]).await.unwrap().unwrap();
    assert_eq!(*login.person.name(), ana);
    assert_eq!(authority.directory().await.unwrap().person(&ana).unwrap().roles, roles);
    let taken = authority.link_person(Actor::Operator, &name("bo"), ISSUER, "7", now).await;
    let taken = matches!(taken, Err(AuthorityError::Illegal(IllegalChange::LinkedAlready { .. })));
    assert!(taken, "one subject is one person");
}
