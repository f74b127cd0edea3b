//! The operator's file.

use sayso_core::credential::Role;
use sayso_oidc::{Identity, Secret, Settings};

const WHOLE: &str = r#"
issuer = "https://id.example/realms/one"
name = "Example"
client_id = "sayso"
client_secret_file = "secret"
scopes = ["groups"]
groups_claim = "realm_access.roles"

[roles]
reviewer = ["approvers", "leads"]
owner = "sayso-owners"

[groups]
leads = ["leads"]
"#;

fn read(text: &str, secret: Option<Secret>) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "from the file\n").unwrap();
    let path = folder.path().join("oidc.toml");
    std::fs::write(&path, text).unwrap();
    let beside = format!("{}/", folder.path().display());
    Settings::read(&path, secret).map_err(|error| error.to_string().replace(&beside, ""))
}

#[test]
fn a_file_says_who_is_let_in() {
    let settings = read(WHOLE, None).unwrap();
    assert_eq!(settings.client_secret, Some(Secret::new("from the file")));
    let given = read(WHOLE, Some(Secret::new("given"))).unwrap();
    assert_eq!(given.client_secret, Some(Secret::new("given")));
    let identity = Identity {
        issuer: settings.issuer.clone(),
        subject: "1".into(),
        names: Vec::new(),
        groups: vec!["sayso-owners".into(), "leads".into()],
    };
    let admitted = settings.terms.admit(&identity);
    assert_eq!(admitted.roles, [Role::Reviewer, Role::Owner]);
    assert_eq!(admitted.groups, ["leads".parse().unwrap()]);
    assert!(!format!("{settings:?}").contains("from the file"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_the_field_and_the_mend() {
    let wrong = [
        (WHOLE.replace("https://", "http://"), "oidc.toml: `issuer`: \"http://id.example"),
        (WHOLE.replace("\"sayso\"", "\"\""), "oidc.toml: `client_id`: is empty"),
        (WHOLE.replace("\"secret\"", "\"elsewhere\""), "can't read elsewhere"),
        (WHOLE.replace("owner =", "admin ="), "`reviewer`, `policy_admin`, `auditor`, `owner`"),
        (WHOLE.replace("scopes", "scope"), "unknown field `scope`"),
        (
            WHOLE.replace("[groups]", "[groups]\n\"two words\" = \"x\""),
            "group's name may hold only",
        ),
        (WHOLE.replace("\"sayso-owners\"", "7"), "a group of the provider's, or a list of them"),
        (
            "issuer = \"https://id.example\"\nclient_id = \"sayso\"\n[roles]\n".into(),
            "oidc.toml: `roles`: names no group",
        ),
    ];
    for (text, says) in wrong {
        let found = read(&text, None).unwrap_err();
        assert!(found.contains(says), "{found}\nshould say: {says}");
    }
}

#[test]
fn the_button_is_named_for_the_providers_host_unless_it_has_a_name() {
    let settings = read(&WHOLE.replace("name = \"Example\"\n", ""), None).unwrap();
    assert_eq!(settings.name, "id.example");
}
