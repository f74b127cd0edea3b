//! What a provider says about somebody.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims, UserInfoClaims};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who somebody is by the provider's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// What it calls the person, for ever, and nobody else: the only thing that says who they are.
    pub subject: String,
    /// What else it calls them, which may change hands: good for a new person's name only.
    pub names: Vec<String>,
    /// The groups that it has them in.
    pub groups: Vec<String>,
}

/// The claims that the standard has no field for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl AdditionalClaims for Claims {}

/// What a provider says about the groups.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// These.
    Told(Vec<String>),
    /// Nothing.
    Untold,
    /// That there are too many to be told here.
    LeftOut,
}

impl Claims {
    /// The groups, under the claim's name or, if there is none, on the dotted path.
    pub(crate) fn groups(&self, claim: &str) -> Groups {
        match self.0.get(claim).or_else(|| along(&self.0, claim)) {
            Some(Value::String(group)) => Groups::Told(vec![group.clone()]),
            Some(Value::Array(groups)) => {
                let texts = groups.iter().filter_map(Value::as_str);
                Groups::Told(texts.map(str::to_owned).collect())
            }
            // "Distributed claims", OpenID Connect Core, section 5.6.2.
            _ => match self.0.get("_claim_names").and_then(|names| names.get(claim)) {
                Some(_) => Groups::LeftOut,
                None => Groups::Untold,
            },
        }
    }

    /// A time among them, in seconds.
    pub(crate) fn time(&self, claim: &str) -> Option<i64> {
        let time = self.0.get(claim)?;
        #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
        time.as_i64().or_else(|| time.as_f64().map(|time| time as i64))
    }
}

fn along<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.')?;
    let inner = claims.get(first)?.as_object()?;
    inner.get(rest).or_else(|| along(inner, rest))
}

/// What the ID token calls somebody who may be new, best first.
pub(crate) fn names(said: &IdTokenClaims<Claims, CoreGenderClaim>) -> Vec<String> {
    let called = said.preferred_username().map(|name| name.as_str());
    let email = said.email().map(|email| email.as_str());
    listed(called, email.filter(|_| said.email_verified() != Some(false)), said.subject().as_str())
}

/// What the provider calls them when it is asked for more.
pub(crate) fn more_names(more: &UserInfoClaims<Claims, CoreGenderClaim>) -> Vec<String> {
    let called = more.preferred_username().map(|name| name.as_str());
    let email = more.email().map(|email| email.as_str());
    listed(called, email.filter(|_| more.email_verified() != Some(false)), more.subject().as_str())
}

/// An address that the provider says it has not checked may be anybody's, and is left out before.
fn listed(called: Option<&str>, email: Option<&str>, subject: &str) -> Vec<String> {
    [called, email, Some(subject)].into_iter().flatten().map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    fn groups(claims: Value, claim: &str) -> Groups {
        serde_json::from_value::<Claims>(claims).unwrap().groups(claim)
    }

    fn told(groups: &[&str]) -> Groups {
        Groups::Told(groups.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn groups_are_a_list_or_one_text_under_a_name_or_a_path() {
        assert_eq!(groups(json!({"groups": ["a", "b"]}), "groups"), told(&["a", "b"]));
        assert_eq!(groups(json!({"groups": "a"}), "groups"), told(&["a"]));
        let nested =
            json!({"realm_access": {"roles": ["a"]}, "resource": {"x.y": {"roles": ["b"]}}});
        assert_eq!(groups(nested.clone(), "realm_access.roles"), told(&["a"]));
        assert_eq!(groups(nested, "resource.roles"), Groups::Untold);
        let address = "https://example.com/groups";
        assert_eq!(groups(json!({address: ["a"]}), address), told(&["a"]), "a name with dots");
    }

    #[test]
    fn what_is_no_text_is_no_group() {
        let odd = json!({"groups": ["a", 7, null, {"name": "admins"}, ["b"]]});
        assert_eq!(groups(odd, "groups"), told(&["a"]));
        assert_eq!(groups(json!({"groups": {"a": true}}), "groups"), Groups::Untold);
        assert_eq!(groups(json!({}), "groups"), Groups::Untold);
    }

    #[test]
    fn groups_left_out_are_not_none() {
        let claims = json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}});
        assert_eq!(groups(claims, "groups"), Groups::LeftOut);
    }
}
