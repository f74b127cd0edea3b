//! What an authenticator signs when somebody logs in or makes a passkey.
//!
//! The server keeps nothing of it: a ticket travels with the form, and the challenge is derived
//! from the ticket with a key that all servers on one store have. A ticket names what comes of it
//! (a session), so that the ledger takes it once.

use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sayso_core::signature::Base64Url;
use sayso_core::{Period, ReviewerName};
use sha2::Sha256;
use uuid::Uuid;

/// How long a ticket works: as long as somebody may take to find their key.
const TICKET_LASTS: Period = Period::from_secs(5 * 60);

/// What is to come of the ceremony. A challenge for one is none for the other.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// Somebody, whoever it turns out to be, logs in.
    Login,
    /// That person makes a passkey.
    Registration(&'a ReviewerName),
}

impl Purpose<'_> {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Login => ("sayso-login-v1", ""),
            Self::Registration(person) => ("sayso-registration-v1", person.as_str()),
        }
    }
}

/// Which ceremony it is. Not secret: it says nothing about its challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    id: Uuid,
    until: Timestamp,
}

impl Ticket {
    /// What comes of it is known by this.
    pub fn id(&self) -> Uuid {
        self.id
    }

    fn bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..].copy_from_slice(&self.until.as_microsecond().to_be_bytes());
        bytes
    }
}

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Base64Url::from(&self.bytes()[..]).fmt(f)
    }
}

impl FromStr for Ticket {
    type Err = NoTicket;

    fn from_str(text: &str) -> Result<Self, NoTicket> {
        let bytes: Base64Url = text.parse().map_err(|_| NoTicket)?;
        let (id, until) = bytes.as_bytes().split_first_chunk().ok_or(NoTicket)?;
        let until = i64::from_be_bytes(until.try_into().map_err(|_| NoTicket)?);
        let until = Timestamp::from_microsecond(until).map_err(|_| NoTicket)?;
        Ok(Self { id: Uuid::from_bytes(*id), until })
    }
}

/// Not a ticket of ours, or one that is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("this page is too old; load it again")]
pub struct NoTicket;

/// Makes challenges and finds them again.
pub struct Challenges {
    key: [u8; 32],
}

impl Challenges {
    /// With the key that all servers on one store have.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A new ticket.
    pub fn ticket(&self, now: Timestamp) -> Ticket {
        Ticket { id: Uuid::now_v7(), until: TICKET_LASTS.after(now) }
    }

    /// The challenge of a ticket that has not ended.
    pub fn challenge(
        &self,
        ticket: &Ticket,
        purpose: Purpose<'_>,
        now: Timestamp,
    ) -> Result<[u8; 32], NoTicket> {
        // An end that nobody of us gave is a challenge that nobody of us gave, too.
        if ticket.until <= now {
            return Err(NoTicket);
        }
        let (tag, person) = purpose.words();
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_| NoTicket)?;
        for part in [tag.as_bytes(), b"\n", &ticket.bytes(), person.as_bytes()] {
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn every_server_finds_the_same_challenge_until_the_ticket_ends() {
        let ticket = Challenges::new([1; 32]).ticket(at(0));
        let sent: Ticket = ticket.to_string().parse().unwrap();
        assert_eq!(sent, ticket);
        let challenge = |server: &Challenges, now| server.challenge(&sent, Purpose::Login, now);
        let (one, other) = (Challenges::new([1; 32]), Challenges::new([2; 32]));
        assert_eq!(challenge(&one, at(0)), challenge(&one, at(299)));
        assert_ne!(challenge(&one, at(0)), challenge(&other, at(0)));
        assert_eq!(challenge(&one, at(300)), Err(NoTicket));
    }

    #[test]
    fn a_challenge_is_for_one_purpose_one_person_and_one_ticket() {
        let server = Challenges::new([1; 32]);
        let (ticket, later) = (server.ticket(at(0)), server.ticket(at(1)));
        let (ana, bo) = (ReviewerName::new("ana").unwrap(), ReviewerName::new("bo").unwrap());
        let purposes = [Purpose::Login, Purpose::Registration(&ana), Purpose::Registration(&bo)];
        let all: std::collections::HashSet<_> = purposes
            .iter()
            .flat_map(|purpose| [&ticket, &later].map(|it| server.challenge(it, *purpose, at(2))))
            .collect();
        assert_eq!(all.len(), 6);
        // Whoever puts off a ticket's end has another challenge.
        let put_off = Ticket { until: at(9_999), ..ticket };
        assert!(!all.contains(&server.challenge(&put_off, Purpose::Login, at(2))));
    }

    #[test]
    fn what_is_no_ticket_is_refused() {
        for text in ["", "AAAA", "====", &"A".repeat(33)] {
            assert_eq!(text.parse::<Ticket>(), Err(NoTicket), "{text}");
        }
    }
}
