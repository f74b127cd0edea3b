//! Logging in and out: one-time links, and browsers' sessions.

use jiff::Timestamp;
use sayso_core::credential::{LoginToken, Person, SessionToken};
use sayso_core::directory::{By, Change, Holder, How, IllegalChange, Sealed};
use sayso_core::{CredentialId, Period, ReviewerName};
use sayso_store::StoreError;

use super::amend::{Draft, fresh, sealed};
use super::{Actor, Authority, AuthorityError};

/// How long a login link works.
pub(super) const LOGIN_LASTS: Period = Period::from_secs(24 * 3_600);
/// How long a browser stays logged in.
const SESSION_LASTS: Period = Period::from_secs(14 * 24 * 3_600);
/// How long on a provider's word: whom it lets go is gone from here as soon.
const WORD_LASTS: Period = Period::from_secs(12 * 3_600);

/// A browser that has just logged in.
pub struct Login {
    /// Who.
    pub person: Person,
    /// The session's secret, for the cookie.
    pub session: SessionToken,
    /// How long it lasts.
    pub lasts: Period,
}

impl Authority {
    /// A new one-time login link for a person.
    pub async fn login_link(
        &self,
        actor: Actor<'_>,
        person: &ReviewerName,
        now: Timestamp,
    ) -> Result<LoginToken, AuthorityError> {
        let login = LoginToken::from_entropy(crate::entropy());
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (link, person) = (sealed(login.hash()), person.clone());
            draft.add(by, Change::LinkMade { link, person, until: LOGIN_LASTS.after(now) });
            Ok((draft, ()))
        })
        .await?;
        Ok(login)
    }

    /// Whether a login link works, without using it up.
    pub async fn peek_login(
        &self,
        link: &LoginToken,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        self.find(|directory| directory.log_in(link, now)).await
    }

    /// Uses up a login link and opens a session in that browser. Of several callers with one link,
    /// one gets in.
    pub async fn log_in(
        &self,
        link: &LoginToken,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<Login>, AuthorityError> {
        let Some(person) = self.peek_login(link, now).await? else { return Ok(None) };
        let Some(used) = person.credential() else { return Ok(None) };
        match self.open_session(person.name(), How::Link(used), browser, now).await {
            Ok(login) => Ok(Some(login)),
            Err(AuthorityError::Illegal(IllegalChange::NotInForce { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a session for a person who has shown in that way who they are.
    pub async fn open_session(
        &self,
        person: &ReviewerName,
        how: How,
        browser: &str,
        now: Timestamp,
    ) -> Result<Login, AuthorityError> {
        self.open_session_as(fresh(), person, how, browser, now).await
    }

    /// Opens a session that is known by that id, once.
    pub(crate) async fn open_session_as(
        &self,
        id: CredentialId,
        person: &ReviewerName,
        how: How,
        browser: &str,
        now: Timestamp,
    ) -> Result<Login, AuthorityError> {
        let session = SessionToken::from_entropy(crate::entropy());
        let new = Sealed { id, hash: session.hash() };
        self.amend_as(now, |_| {
            let mut draft = Draft::default();
            open(&mut draft, person, new, &how, browser, now);
            Ok((draft, ()))
        })
        .await?;
        self.login(session, now).await
    }

    /// The login that a session just opened is.
    pub(super) async fn login(
        &self,
        session: SessionToken,
        now: Timestamp,
    ) -> Result<Login, AuthorityError> {
        let directory = self.directory().await?;
        let lost = || StoreError::Corrupt("a session is gone as soon as it was opened".into());
        let person = directory.resume(&session, now).ok_or_else(lost)?;
        let known = person.credential().and_then(|id| directory.credential(id, now));
        let lasts = match known.map(|credential| &credential.holder) {
            Some(Holder::Session { how, .. }) => lasts(how),
            _ => return Err(lost().into()),
        };
        Ok(Login { person, session, lasts })
    }

    /// Ends the session that a browser holds.
    pub async fn log_out(&self, cookie: &str, now: Timestamp) -> Result<(), AuthorityError> {
        let Some(person) = self.session(cookie, now).await? else { return Ok(()) };
        let Some(id) = person.credential() else { return Ok(()) };
        match self.close_session((&person).into(), id, now).await {
            // It has just ended otherwise.
            Err(AuthorityError::Illegal(IllegalChange::NotInForce { .. })) => Ok(()),
            closed => closed,
        }
    }

    /// Ends a session.
    pub async fn close_session(
        &self,
        actor: Actor<'_>,
        session: CredentialId,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft { forgotten: vec![session], ..Draft::default() };
            draft.add(by, Change::SessionClosed { session });
            Ok((draft, ()))
        })
        .await
    }
}

fn lasts(how: &How) -> Period {
    match how {
        How::Provider(_) => WORD_LASTS,
        How::Link(_) | How::Invitation(_) | How::Passkey(_) => SESSION_LASTS,
    }
}

/// Writes down that a session is opened.
pub(super) fn open(
    draft: &mut Draft,
    person: &ReviewerName,
    new: Sealed,
    how: &How,
    browser: &str,
    now: Timestamp,
) {
    let by = match how {
        How::Provider(issuer) => By::Provider(issuer.clone()),
        How::Link(_) | How::Invitation(_) | How::Passkey(_) => By::Person(person.clone()),
    };
    let change = Change::SessionOpened {
        session: new,
        person: person.clone(),
        how: how.clone(),
        until: lasts(how).after(now),
    };
    draft.add(&by, change);
    draft.note(new, browser);
}
