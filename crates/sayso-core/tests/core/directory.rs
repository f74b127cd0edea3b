//! Who may change who may do what, and what comes of it.

use base64::Engine as _;
use jiff::Timestamp;
use proptest::prelude::*;
use sayso_core::credential::{
    AgentKey, InviteToken, LoginToken, ReviewerToken, Role, SessionToken,
};
use sayso_core::directory::{
    By, Change, Countersigned, Holder, How, IllegalChange, Lapsed, Scope, Sealed, ToolPattern,
};
use sayso_core::quorum::Approver;
use sayso_core::signature::PersonKey;
use sayso_core::{
    AgentName, CredentialId, Digest, Directory, GroupName, ReviewerName, WorkspaceEvent,
};
use uuid::Uuid;

fn name(text: &str) -> ReviewerName {
    ReviewerName::new(text).unwrap()
}

fn bot() -> AgentName {
    AgentName::new("bot").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn id(number: u128) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(number))
}

fn sealed(number: u128, hash: Digest) -> Sealed {
    Sealed { id: id(number), hash }
}

fn by(person: &str) -> By {
    By::Person(name(person))
}

/// One SSH key or another.
fn ssh_key(number: u8) -> PersonKey {
    let key = ed25519_dalek::SigningKey::from_bytes(&[number; 32]).verifying_key();
    let mut blob = Vec::new();
    for part in [&b"ssh-ed25519"[..], key.as_bytes()] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    let line = format!("ssh-ed25519 {}", base64::engine::general_purpose::STANDARD.encode(blob));
    PersonKey::Ssh(line.parse().unwrap())
}

fn person(who: &str, roles: &[Role]) -> Change {
    Change::PersonAdded { name: name(who), roles: roles.to_vec(), groups: Vec::new() }
}

/// A directory under way: its index and its clock.
#[derive(Clone, Default)]
struct Story {
    directory: Directory,
    index: u64,
    second: i64,
}

impl Story {
    /// An owner, a reviewer, an auditor, and an agent of the reviewer's.
    fn new() -> Self {
        let mut story = Self::default();
        story.does(By::FirstStart, person("olga", &[Role::Owner, Role::Reviewer]));
        story.does(by("olga"), person("ana", &[Role::Reviewer]));
        story.does(by("olga"), person("aud", &[Role::Auditor]));
        let (owner, tools) = (Some(name("ana")), None);
        story.does(by("olga"), Change::AgentAdded { name: bot(), owner, tools });
        story
    }

    fn now(&self) -> Timestamp {
        at(self.second)
    }

    fn tries(&mut self, by: By, change: Change) -> Result<(), IllegalChange> {
        self.index += 1;
        let event = WorkspaceEvent::AuthorityChanged { by, change: Box::new(change) };
        self.directory.apply(&event, self.now(), self.index)
    }

    fn does(&mut self, by: By, change: Change) {
        let what = format!("{by}: {change:?}");
        assert_eq!(self.tries(by, change), Ok(()), "{what}");
    }

    fn may_not(&mut self, by: By, change: Change) {
        let what = format!("{by}: {change:?}");
        let refused = self.tries(by, change);
        assert!(matches!(refused, Err(IllegalChange::NotAllowed { .. })), "{what}: {refused:?}");
    }
}

fn token() -> ReviewerToken {
    ReviewerToken::from_entropy([1; 32])
}

fn issued(number: u128, who: &str, scopes: &[Scope]) -> Change {
    let token = sealed(number, token().hash());
    Change::TokenIssued { token, person: name(who), scopes: scopes.to_vec(), until: None }
}

#[test]
fn the_first_start_lets_one_person_in_and_no_other() {
    let mut story = Story::default();
    story.does(By::FirstStart, person("olga", &[Role::Owner]));
    let link = sealed(1, Digest::of(b"link"));
    let link = Change::LinkMade { link, person: name("olga"), until: at(60) };
    story.does(By::FirstStart, link.clone());
    story.may_not(By::FirstStart, person("eve", &[Role::Owner]));
    story.does(by("olga"), person("ana", &[Role::Reviewer]));
    story.may_not(By::FirstStart, link);
}

#[test]
fn only_an_owner_changes_who_is_there() {
    let change = |story: &Story| {
        let key = sealed(90, Digest::of(b"key"));
        let invitation = sealed(91, Digest::of(b"invitation"));
        let (roles, groups) = (vec![Role::Reviewer], Vec::new());
        let until = story.now().saturating_add(jiff::SignedDuration::from_secs(60)).unwrap();
        vec![
            person("eve", &[Role::Owner]),
            Change::PersonChanged {
                name: name("ana"),
                roles: vec![Role::Reviewer, Role::Owner],
                groups: Vec::new(),
            },
            Change::PersonRemoved { name: name("aud") },
            Change::Invited { invitation, roles, groups, until },
            Change::AgentAdded { name: AgentName::new("eve").unwrap(), owner: None, tools: None },
            Change::AgentChanged { name: bot(), owner: None, tools: None },
            Change::AgentKeyAdded { agent: bot(), key },
            Change::AgentRevoked { name: bot() },
            Change::CallbackSet { agent: bot(), url: None },
        ]
    };
    for index in 0..change(&Story::new()).len() {
        let mut story = Story::new();
        let change = change(&story).remove(index);
        story.may_not(by("ana"), change.clone());
        story.may_not(by("aud"), change.clone());
        story.may_not(
            By::Provider("https://id.example".into()),
            match change {
                // What a provider may do, it may do to people it knows.
                Change::PersonAdded { .. } => Change::PersonRemoved { name: name("ana") },
                ref other => other.clone(),
            },
        );
        let stranger = story.tries(by("nobody"), change.clone());
        assert_eq!(stranger, Err(IllegalChange::NoSuchPerson(name("nobody"))));
        story.does(by("olga"), change);
    }
}

#[test]
fn nobody_gives_another_a_token_or_a_key_and_nobody_is_another() {
    let mut story = Story::new();
    story.may_not(by("olga"), issued(1, "ana", &Scope::ALL));
    let key = ssh_key(1);
    story.may_not(by("olga"), Change::KeyOffered { person: name("ana"), key });
    let link = LoginToken::from_entropy([2; 32]);
    story.does(
        by("olga"),
        Change::LinkMade { link: sealed(2, link.hash()), person: name("ana"), until: at(60) },
    );
    let opened = |person: &str, how| Change::SessionOpened {
        session: sealed(3, Digest::of(b"session")),
        person: name(person),
        how,
        until: at(600),
    };
    story.may_not(by("olga"), opened("ana", How::Link(id(2))));
    story.may_not(By::Operator, opened("ana", How::Link(id(2))));
    let foreign = story.tries(by("olga"), opened("olga", How::Link(id(2))));
    assert_eq!(foreign, Err(IllegalChange::NotInForce { what: "link", id: id(2) }));
    story.does(by("ana"), opened("ana", How::Link(id(2))));
    let again = story.tries(by("ana"), opened("ana", How::Link(id(2))));
    assert_eq!(again, Err(IllegalChange::NotInForce { what: "link", id: id(2) }));
}

#[test]
fn a_token_lets_its_person_do_what_it_is_good_for_and_ends() {
    let mut story = Story::new();
    story.does(by("olga"), issued(1, "olga", &[Scope::Administer]));
    let olga = story.directory.bearer(&token(), story.now()).unwrap();
    assert!(olga.is(Role::Owner) && !olga.is(Role::Reviewer), "{olga:?}");
    assert_eq!(olga.credential(), Some(id(1)));
    // Roles are those of now, not of when it was issued.
    story.does(by("olga"), person("other", &[Role::Owner]));
    let (roles, groups) = (vec![Role::Reviewer], Vec::new());
    story.does(by("other"), Change::PersonChanged { name: name("olga"), roles, groups });
    let olga = story.directory.bearer(&token(), story.now()).unwrap();
    assert_eq!(olga.roles(), [Role::Auditor]);
    story.does(by("olga"), Change::TokenRevoked { token: id(1) });
    assert!(story.directory.bearer(&token(), story.now()).is_none());
}

#[test]
fn of_two_keys_the_old_one_works_until_its_end_which_is_not_put_off() {
    let mut story = Story::new();
    let (old, new) = (AgentKey::from_entropy([1; 32]), AgentKey::from_entropy([2; 32]));
    for (number, key) in [(1, &old), (2, &new)] {
        let key = sealed(number, key.hash());
        story.does(By::Operator, Change::AgentKeyAdded { agent: bot(), key });
    }
    story.does(by("olga"), Change::AgentKeyEnds { key: id(1), until: at(60) });
    let later = story.tries(by("olga"), Change::AgentKeyEnds { key: id(1), until: at(61) });
    assert_eq!(later, Err(IllegalChange::PutOff(id(1))));
    assert!(story.directory.authenticate(&old, at(59)).is_some());
    assert!(story.directory.authenticate(&old, at(60)).is_none());
    let known = story.directory.authenticate(&new, at(60)).unwrap();
    assert_eq!((known.name(), known.owner()), (&bot(), Some(&name("ana"))));
    story.does(by("olga"), Change::AgentRevoked { name: bot() });
    assert!(story.directory.authenticate(&new, at(60)).is_none());
}

#[test]
fn who_is_removed_is_known_by_nothing_any_more_nor_when_they_come_back() {
    let mut story = Story::new();
    story.does(by("ana"), issued(1, "ana", &Scope::ALL));
    let key = ssh_key(1);
    story.does(by("ana"), Change::KeyOffered { person: name("ana"), key: key.clone() });
    let until = at(600);
    let cover = Change::CoverSet { away: name("olga"), stand_in: name("ana"), until };
    story.does(by("olga"), cover);
    story.does(by("olga"), Change::PersonRemoved { name: name("ana") });
    story.does(by("olga"), person("ana", &[Role::Owner]));
    assert!(story.directory.bearer(&token(), story.now()).is_none());
    assert!(!story.directory.key(key.id()).unwrap().is_in_force());
    assert_eq!(story.directory.stands_in_for(&name("ana"), story.now()), []);
}

#[test]
fn whom_somebody_invited_before_they_were_removed_does_not_join() {
    let mut story = Story::new();
    story.does(by("olga"), person("eve", &[Role::Owner]));
    let secret = InviteToken::from_entropy([3; 32]);
    let invitation = sealed(1, secret.hash());
    let (roles, groups) = (vec![Role::Owner], Vec::new());
    story.does(by("eve"), Change::Invited { invitation, roles, groups, until: at(600) });
    assert!(story.directory.invitation(&secret, story.now()).is_some());
    story.does(by("olga"), Change::PersonRemoved { name: name("eve") });
    let joined = story.tries(By::Invitation(id(1)), person("mallory", &[Role::Owner]));
    assert_eq!(joined, Err(IllegalChange::NotInForce { what: "invitation", id: id(1) }));
}

#[test]
fn whom_somebody_would_have_let_in_is_let_in_by_nobody_once_they_are_no_owner() {
    let removed = Change::PersonRemoved { name: name("eve") };
    let (roles, groups) = (vec![Role::Reviewer], Vec::new());
    let demoted = Change::PersonChanged { name: name("eve"), roles, groups };
    for (end, own_stays) in [(removed, false), (demoted, true)] {
        let mut story = Story::new();
        story.does(by("olga"), person("eve", &[Role::Owner, Role::Reviewer]));
        let invitation = InviteToken::from_entropy([3; 32]);
        let [olgas, eves] = [4, 5].map(|number| LoginToken::from_entropy([number; 32]));
        let (roles, groups) = (vec![Role::Owner], Vec::new());
        let made = sealed(1, invitation.hash());
        story.does(by("eve"), Change::Invited { invitation: made, roles, groups, until: at(600) });
        for (number, link, who) in [(2, &olgas, "olga"), (3, &eves, "eve")] {
            let (link, until) = (sealed(number, link.hash()), at(600));
            story.does(by("eve"), Change::LinkMade { link, person: name(who), until });
        }
        story.does(by("olga"), end);
        let (directory, now) = (&story.directory, story.now());
        assert!(directory.invitation(&invitation, now).is_none());
        assert!(directory.log_in(&olgas, now).is_none(), "nobody is olga by eve's word");
        assert_eq!(directory.log_in(&eves, now).is_some(), own_stays);
    }
}

#[test]
fn an_invitation_is_good_once_and_for_what_it_says() {
    let mut story = Story::new();
    let group = GroupName::new("security").unwrap();
    let (roles, groups) = (vec![Role::Reviewer], vec![group.clone()]);
    let invitation = sealed(1, Digest::of(b"i"));
    let invited =
        Change::Invited { invitation, roles: roles.clone(), groups: groups.clone(), until: at(60) };
    story.does(by("olga"), invited);
    let more = story.tries(By::Invitation(id(1)), person("bo", &[Role::Owner]));
    assert_eq!(more, Err(IllegalChange::OtherTerms));
    let joins = |who: &str| Change::PersonAdded {
        name: name(who),
        roles: roles.clone(),
        groups: groups.clone(),
    };
    let mut late = story.clone();
    late.second = 60;
    let refused = late.tries(By::Invitation(id(1)), joins("bo"));
    assert_eq!(refused, Err(IllegalChange::NotInForce { what: "invitation", id: id(1) }));
    story.does(By::Invitation(id(1)), joins("bo"));
    let again = story.tries(By::Invitation(id(1)), joins("cy"));
    assert_eq!(again, Err(IllegalChange::NotInForce { what: "invitation", id: id(1) }));
    let opened = Change::SessionOpened {
        session: sealed(2, SessionToken::from_entropy([1; 32]).hash()),
        person: name("bo"),
        how: How::Invitation(id(1)),
        until: at(600),
    };
    story.does(by("bo"), opened);
    story.second += 1;
    let opened = Change::SessionOpened {
        session: sealed(3, SessionToken::from_entropy([2; 32]).hash()),
        person: name("bo"),
        how: How::Invitation(id(1)),
        until: at(600),
    };
    assert!(story.tries(by("bo"), opened).is_err(), "joining logs in once");
}

#[test]
fn there_is_always_an_owner_once_there_was_one() {
    let mut story = Story::new();
    let (roles, groups) = (vec![Role::Reviewer], Vec::new());
    let demoted = Change::PersonChanged { name: name("olga"), roles, groups };
    let removed = Change::PersonRemoved { name: name("olga") };
    for change in [demoted, removed.clone()] {
        for who in [by("olga"), By::Operator] {
            let refused = story.tries(who, change.clone());
            assert_eq!(refused, Err(IllegalChange::LastOwner(name("olga"))));
        }
    }
    story.does(by("olga"), person("other", &[Role::Owner]));
    story.does(by("other"), removed);
}

#[test]
fn a_key_counts_only_once_a_key_that_counts_vouches_for_it() {
    let mut story = Story::new();
    let keys = [1, 2, 3].map(ssh_key);
    for (who, key) in ["olga", "ana", "aud"].iter().zip(&keys) {
        story.does(by(who), Change::KeyOffered { person: name(who), key: key.clone() });
    }
    let [root, second, third] = keys.map(|key| key.id());
    let enrolled = |person: &str, key, countersigned| Change::KeyEnrolled {
        person: name(person),
        key,
        countersigned,
    };
    let vouched = |by: &str, key| Countersigned::Reviewer {
        name: name(by),
        key,
        statement: Digest::of(b"statement"),
    };
    let unproven = story.tries(by("olga"), enrolled("ana", second, vouched("olga", root)));
    assert!(matches!(unproven, Err(IllegalChange::NotCountersigned { .. })), "{unproven:?}");
    story.does(by("olga"), enrolled("olga", root, Countersigned::First));
    let root_from = story.index;
    let twice = story.tries(By::Operator, enrolled("ana", second, Countersigned::First));
    assert_eq!(twice, Err(IllegalChange::NotFirst));
    // Another's key vouches in nobody else's name.
    let borrowed = story.tries(by("ana"), enrolled("ana", second, vouched("aud", root)));
    assert!(matches!(borrowed, Err(IllegalChange::NotCountersigned { .. })), "{borrowed:?}");
    story.does(by("ana"), enrolled("ana", second, vouched("olga", root)));
    // An auditor's key vouches for nobody.
    story.does(by("aud"), enrolled("aud", third, vouched("ana", second)));
    let fourth = ssh_key(4);
    story.does(by("ana"), Change::KeyOffered { person: name("ana"), key: fourth.clone() });
    let auditors = story.tries(by("ana"), enrolled("ana", fourth.id(), vouched("aud", third)));
    assert!(matches!(auditors, Err(IllegalChange::NotCountersigned { .. })), "{auditors:?}");

    story.does(by("olga"), Change::KeyRevoked { person: name("olga"), key: root });
    let root = story.directory.key(root).unwrap();
    assert!(!root.counts_at(root_from) && root.counts_at(root_from + 1));
    assert!(root.counts_at(story.index - 1) && !root.counts_at(story.index));
    let late = story.tries(by("ana"), enrolled("ana", fourth.id(), vouched("olga", root.key.id())));
    assert!(matches!(late, Err(IllegalChange::NotCountersigned { .. })), "{late:?}");
}

#[test]
fn the_first_key_of_all_is_a_reviewers() {
    let mut story = Story::new();
    let key = ssh_key(1);
    story.does(by("aud"), Change::KeyOffered { person: name("aud"), key: key.clone() });
    let countersigned = Countersigned::First;
    let first = Change::KeyEnrolled { person: name("aud"), key: key.id(), countersigned };
    for who in [by("aud"), By::Operator] {
        let refused = story.tries(who, first.clone());
        assert_eq!(refused, Err(IllegalChange::FirstOfNoReviewer(name("aud"))));
    }
}

#[test]
fn whoever_came_in_by_a_key_is_out_once_it_is_revoked() {
    let mut story = Story::new();
    let keys = [1, 2].map(ssh_key);
    let sessions = [1, 2].map(|number| SessionToken::from_entropy([number; 32]));
    for ((number, key), session) in (1..).zip(&keys).zip(&sessions) {
        story.does(by("ana"), Change::KeyOffered { person: name("ana"), key: key.clone() });
        let opened = Change::SessionOpened {
            session: sealed(number, session.hash()),
            person: name("ana"),
            how: How::Passkey(key.id()),
            until: at(600),
        };
        story.does(by("ana"), opened);
    }
    let [first, second] = keys.map(|key| key.id());
    story.does(by("olga"), Change::KeyRevoked { person: name("ana"), key: first });
    let resumes = sessions.each_ref().map(|it| story.directory.resume(it, story.now()).is_some());
    assert_eq!(resumes, [false, true]);
    assert!(story.directory.key(second).unwrap().is_in_force());
}

#[test]
fn whoever_may_do_nothing_is_nobody_whatever_they_hold() {
    let mut story = Story::new();
    let session = SessionToken::from_entropy([2; 32]);
    let link = LoginToken::from_entropy([3; 32]);
    story.does(by("ana"), issued(1, "ana", &Scope::ALL));
    story.does(By::Operator, Change::KeyOffered { person: name("ana"), key: ssh_key(1) });
    let (until, how) = (at(600), How::Passkey(ssh_key(1).id()));
    let opened = sealed(2, session.hash());
    story.does(
        by("ana"),
        Change::SessionOpened { session: opened, person: name("ana"), how, until },
    );
    let made = sealed(3, link.hash());
    story.does(By::Operator, Change::LinkMade { link: made, person: name("ana"), until });
    let known = |story: &Story| {
        let (directory, now) = (&story.directory, story.now());
        [
            directory.bearer(&token(), now).is_some(),
            directory.resume(&session, now).is_some(),
            directory.log_in(&link, now).is_some(),
        ]
    };
    assert_eq!(known(&story), [true; 3]);
    let (roles, groups) = (Vec::new(), Vec::new());
    story.does(by("olga"), Change::PersonChanged { name: name("ana"), roles, groups });
    assert_eq!(known(&story), [false; 3]);
}

#[test]
fn a_provider_answers_for_the_people_it_knows_and_no_others() {
    let mut story = Story::new();
    let issuer = "https://id.example".to_owned();
    let provider = || By::Provider(issuer.clone());
    let linked = |who: &str, subject: &str| Change::PersonLinked {
        name: name(who),
        issuer: issuer.clone(),
        subject: subject.into(),
    };
    story.may_not(provider(), linked("ana", "1"));
    story.does(provider(), person("pia", &[Role::Reviewer]));
    story.does(provider(), linked("pia", "1"));
    assert_eq!(story.directory.linked(&issuer, "1"), Some(&name("pia")));
    let again = story.tries(by("ana"), linked("ana", "1"));
    assert!(matches!(again, Err(IllegalChange::LinkedAlready { .. })), "{again:?}");
    story.may_not(provider(), Change::PersonRemoved { name: name("ana") });
    let opened = |who: &str, number| Change::SessionOpened {
        session: sealed(number, Digest::of(&[7])),
        person: name(who),
        how: How::Provider(issuer.clone()),
        until: at(600),
    };
    story.may_not(provider(), opened("ana", 1));
    story.may_not(by("pia"), opened("pia", 1));
    story.does(provider(), opened("pia", 1));
    // What somebody whom it knows is known by, it may end; nobody else's.
    let token = |who: &str, number: u8| Change::TokenIssued {
        token: sealed(number.into(), Digest::of(&[8, number])),
        person: name(who),
        scopes: Scope::ALL.to_vec(),
        until: None,
    };
    story.does(by("ana"), token("ana", 2));
    story.does(by("pia"), token("pia", 3));
    story.may_not(provider(), Change::TokenRevoked { token: id(2) });
    story.does(provider(), Change::TokenRevoked { token: id(3) });
    story.does(provider(), Change::SessionClosed { session: id(1) });
    story.does(provider(), Change::PersonRemoved { name: name("pia") });
}

#[test]
fn a_cover_lasts_until_its_end_and_gives_no_role() {
    let mut story = Story::new();
    let until = at(60);
    let cover = Change::CoverSet { away: name("olga"), stand_in: name("aud"), until };
    story.may_not(by("aud"), cover.clone());
    story.does(by("olga"), cover);
    assert_eq!(story.directory.stands_in_for(&name("aud"), at(59)), [name("olga")]);
    assert_eq!(story.directory.stands_in_for(&name("aud"), at(60)), []);
    assert_eq!(story.directory.person(&name("aud")).unwrap().roles, [Role::Auditor]);
    let ended = Change::CoverEnded { away: name("olga"), stand_in: name("aud") };
    story.does(by("aud"), ended.clone());
    assert!(matches!(story.tries(by("aud"), ended), Err(IllegalChange::NoSuchCover { .. })));
}

#[test]
fn events_read_back_as_they_were_written_in_one_spelling() {
    let key = sealed(1, Digest::of(b"k"));
    let change = Change::AgentKeyAdded { agent: bot(), key };
    let event = WorkspaceEvent::AuthorityChanged { by: by("olga"), change: Box::new(change) };
    let text = serde_json::to_value(&event).unwrap();
    assert_eq!(
        text,
        serde_json::json!({
            "type": "authority_changed",
            "by": {"person": "olga"},
            "change": {
                "type": "agent_key_added", "agent": "bot",
                "key": {"id": "00000000-0000-0000-0000-000000000001", "hash": Digest::of(b"k")},
            },
        })
    );
    assert_eq!(serde_json::from_value::<WorkspaceEvent>(text).unwrap(), event);
    assert_eq!(serde_json::to_value(By::Operator).unwrap(), "operator");
    let tools = Some(vec![ToolPattern::new("git_*").unwrap()]);
    let change = Change::AgentAdded { name: bot(), owner: None, tools };
    let text = serde_json::to_value(&change).unwrap();
    assert_eq!(text["tools"], serde_json::json!(["git_*"]));
}

/// Any change among few names, ids and secrets, so that they meet often.
fn any_change() -> impl Strategy<Value = Change> {
    let who = prop::sample::select(vec!["olga", "ana", "bo", "eve"]).prop_map(name);
    let roles = prop::sample::subsequence(Role::ALL.to_vec(), 0..=4);
    let secret = (0..8_u128).prop_map(|n| sealed(n, Digest::of(&[u8::try_from(n).unwrap()])));
    let number = (0..8_u128).prop_map(id);
    let until = (0..200_i64).prop_map(at);
    let key = (1..4_u8).prop_map(ssh_key);
    let agent = prop::sample::select(vec!["bot", "mule"]).prop_map(|n| AgentName::new(n).unwrap());
    prop_oneof![
        (who.clone(), roles.clone()).prop_map(|(name, roles)| Change::PersonAdded {
            name,
            roles,
            groups: Vec::new()
        }),
        (who.clone(), roles.clone()).prop_map(|(name, roles)| Change::PersonChanged {
            name,
            roles,
            groups: Vec::new()
        }),
        who.clone().prop_map(|name| Change::PersonRemoved { name }),
        agent.clone().prop_map(|name| Change::AgentAdded { name, owner: None, tools: None }),
        agent.clone().prop_map(|name| Change::AgentRevoked { name }),
        (agent, secret.clone()).prop_map(|(agent, key)| Change::AgentKeyAdded { agent, key }),
        (number.clone(), until.clone())
            .prop_map(|(key, until)| Change::AgentKeyEnds { key, until }),
        (secret.clone(), roles, until.clone()).prop_map(|(invitation, roles, until)| {
            Change::Invited { invitation, roles, groups: Vec::new(), until }
        }),
        (secret.clone(), who.clone()).prop_map(|(token, person)| Change::TokenIssued {
            token,
            person,
            scopes: Scope::ALL.to_vec(),
            until: None
        }),
        (secret.clone(), who.clone(), until.clone())
            .prop_map(|(link, person, until)| Change::LinkMade { link, person, until }),
        (secret, who.clone(), number.clone(), until.clone()).prop_map(
            |(session, person, link, until)| Change::SessionOpened {
                session,
                person,
                how: How::Link(link),
                until
            }
        ),
        number.clone().prop_map(|token| Change::TokenRevoked { token }),
        number.prop_map(|session| Change::SessionClosed { session }),
        (who.clone(), key.clone()).prop_map(|(person, key)| Change::KeyOffered { person, key }),
        (who.clone(), key, who).prop_map(|(person, key, by)| Change::KeyEnrolled {
            person,
            key: key.id(),
            countersigned: Countersigned::Reviewer {
                name: by,
                key: ssh_key(1).id(),
                statement: Digest::of(b"s")
            },
        }),
    ]
}

fn anybody() -> impl Strategy<Value = By> {
    prop_oneof![
        4 => prop::sample::select(vec!["olga", "ana", "bo", "eve"]).prop_map(by),
        1 => Just(By::Operator),
        1 => Just(By::FirstStart),
        1 => (0..8_u128).prop_map(|n| By::Invitation(id(n))),
    ]
}

proptest! {
    #[test]
    fn whatever_people_try_authority_comes_from_an_owner(
        steps in prop::collection::vec((anybody(), any_change(), 0..5_i64), 0..60)
    ) {
        let mut story = Story::new();
        for (who, change, pass) in steps {
            story.second += pass;
            let before = story.directory.clone();
            let now = story.now();
            let done = story.tries(who.clone(), change.clone());
            let after = &story.directory;
            prop_assert!(after.people().any(|(_, it)| it.roles.contains(&Role::Owner)));
            if done.is_err() {
                prop_assert!(before.people().eq(after.people()), "{change:?}");
                prop_assert!(before.agents().eq(after.agents()), "{change:?}");
                prop_assert_eq!(before.credentials(now).count(), after.credentials(now).count());
                continue;
            }
            let owned = |it: &ReviewerName| {
                before.person(it).is_some_and(|it| it.roles.contains(&Role::Owner))
            };
            for (name, member) in after.people() {
                let had = before.person(name).map(|it| &it.roles);
                if had == Some(&member.roles) {
                    continue;
                }
                let lawful = match &who {
                    By::Person(person) => owned(person),
                    By::Invitation(id) => before.credential(*id, now).is_some(),
                    By::Operator => true,
                    By::FirstStart | By::Provider(_) => false,
                };
                prop_assert!(lawful, "{who} gave {name} {:?}", member.roles);
            }
        }
    }

    #[test]
    fn what_anybody_is_known_by_belongs_to_somebody_who_is_there(
        steps in prop::collection::vec((anybody(), any_change(), 0..5_i64), 0..60)
    ) {
        let mut story = Story::new();
        for (who, change, pass) in steps {
            story.second += pass;
            let _ = story.tries(who, change);
            let directory = &story.directory;
            for credential in directory.credentials(story.now()) {
                let there = match &credential.holder {
                    Holder::Agent(name) => directory.agent(name).is_some(),
                    Holder::Token { person, .. }
                    | Holder::Session { person, .. }
                    | Holder::Link { person, .. } => directory.person(person).is_some(),
                    Holder::Invitation { by: By::Person(person), .. } => {
                        directory.person(person).is_some()
                    }
                    Holder::Invitation { .. } => true,
                };
                prop_assert!(there, "{credential:?}");
                let found = directory.credential(credential.id, story.now());
                prop_assert_eq!(found, Some(credential));
            }
        }
    }
}

#[test]
fn an_approval_counts_while_its_person_stands_where_they_stood() {
    let mut story = Story::new();
    let group = |text: &str| GroupName::new(text).unwrap();
    let (security, leads) = (group("security"), group("leads"));
    let (roles, groups) = (vec![Role::Reviewer], vec![security.clone(), leads.clone()]);
    let changed = |roles: &[Role], groups: &[GroupName]| {
        let (roles, groups) = (roles.to_vec(), groups.to_vec());
        Change::PersonChanged { name: name("ana"), roles, groups }
    };
    story.does(by("olga"), changed(&roles, &groups));
    let given = story.now();
    let (ana, as_security) = (name("ana"), [security.clone()]);
    let lapsed = |story: &Story, groups: &[GroupName]| {
        story.directory.lapsed(Approver { name: &ana, groups }, None, given)
    };
    assert_eq!(lapsed(&story, &groups), None);
    // Another group than the one that she was counted for is no matter.
    story.does(by("olga"), changed(&roles, &[security]));
    assert_eq!(lapsed(&story, &as_security), None);
    let left = Lapsed::LeftGroup { by: ana.clone(), group: leads.clone() };
    assert_eq!(lapsed(&story, &groups), Some(left));
    story.does(by("olga"), changed(&[Role::Auditor], &groups));
    assert_eq!(lapsed(&story, &as_security), Some(Lapsed::NoReviewer { by: ana.clone() }));
    story.does(by("olga"), Change::PersonRemoved { name: ana.clone() });
    assert_eq!(lapsed(&story, &[]), Some(Lapsed::NoReviewer { by: ana.clone() }));
    story.second += 1;
    story.does(by("olga"), person("ana", &roles));
    assert_eq!(lapsed(&story, &[]), Some(Lapsed::Another { by: ana.clone() }));
}
