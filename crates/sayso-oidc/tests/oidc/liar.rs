//! A provider that says whatever a test has it say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use jiff::Timestamp;
use openidconnect::PrivateSigningKey as _;
use openidconnect::core::{CoreHmacKey, CoreJwsSigningAlgorithm};
use sayso_oidc::{
    Attempt, Callback, ENTROPY, Failure, Identity, Provider, Secret, Settings, Terms,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "sayso";

/// How a token is signed.
#[derive(Clone)]
pub(crate) enum Hand {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    /// With a secret, as if a key that everybody knows were one.
    Hmac(Vec<u8>),
    /// Not at all.
    None,
}

impl Hand {
    pub(crate) fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
            Self::Hmac(_) => "HS256",
            Self::None => "none",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(text);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(text).to_bytes().to_vec(),
            Self::Hmac(secret) => CoreHmacKey::new(secret.clone())
                .sign(&CoreJwsSigningAlgorithm::HmacSha256, text)
                .unwrap(),
            Self::None => Vec::new(),
        }
    }

    /// The key as the provider publishes it.
    pub(crate) fn published(&self, id: &str) -> Value {
        match self {
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                let (x, y) = (part(point.x().unwrap()), part(point.y().unwrap()));
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": x, "y": y})
            }
            Self::Ed25519(key) => {
                let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
                json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x})
            }
            Self::Hmac(_) | Self::None => panic!("nothing to publish"),
        }
    }
}

/// What it says.
pub(crate) struct Story {
    pub(crate) metadata: Value,
    pub(crate) keys: Vec<Value>,
    pub(crate) hand: Hand,
    /// The token's key id.
    pub(crate) id: Option<String>,
    /// Laid over the claims that an honest provider would make; null takes one away.
    pub(crate) claims: Value,
    pub(crate) user_info: Option<Value>,
    /// Whether there is an ID token at all.
    pub(crate) token: bool,
    pub(crate) access: String,
    /// How often the keys were fetched.
    pub(crate) fetched: usize,
    /// How the client showed who it is, each time.
    pub(crate) shown: Vec<String>,
    codes: HashMap<String, Asked>,
}

/// What a browser came with.
struct Asked {
    nonce: String,
    challenge: String,
}

#[derive(Clone)]
pub(crate) struct Liar {
    pub(crate) url: String,
    story: Arc<Mutex<Story>>,
}

impl Liar {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        });
        let hand = Hand::p256(7);
        let story = Story {
            metadata,
            keys: vec![hand.published("one")],
            hand,
            id: Some("one".into()),
            claims: json!({}),
            user_info: None,
            token: true,
            access: "an-access-token".into(),
            fetched: 0,
            shown: Vec::new(),
            codes: HashMap::new(),
        };
        let liar = Self { url, story: Arc::new(Mutex::new(story)) };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata_of))
            .route("/keys", get(keys_of))
            .route("/token", post(tokens_of))
            .route("/userinfo", get(user_info_of))
            .with_state(liar.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        liar
    }

    pub(crate) fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap()
    }

    /// Has it say something else from now on.
    pub(crate) fn retell(&self, change: impl FnOnce(&mut Story)) {
        change(&mut self.story());
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            issuer: self.url.clone(),
            name: "Liar".into(),
            client_id: CLIENT.into(),
            client_secret: Some(Secret::new("a secret")),
            scopes: Vec::new(),
            groups_claim: "groups".into(),
            terms: Terms::default(),
            authorities: Vec::new(),
        }
    }

    pub(crate) fn provider(&self) -> Provider {
        Provider::new(self.settings(), "http://127.0.0.1:1/login/oidc/callback").unwrap()
    }

    /// What the browser brings back once a person has logged in at the provider.
    pub(crate) async fn authorize(&self, provider: &Provider, attempt: &Attempt) -> Value {
        let address = provider.begin(attempt).await.unwrap();
        let (_, query) = address.split_once('?').unwrap();
        let asked: HashMap<String, String> = serde_urlencoded::from_str(query).unwrap();
        assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", CLIENT));
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut story = self.story();
        let code = format!("code{}", story.codes.len());
        let (nonce, challenge) = (asked["nonce"].clone(), asked["code_challenge"].clone());
        story.codes.insert(code.clone(), Asked { nonce, challenge });
        json!({"code": code, "state": asked["state"]})
    }

    /// A whole login.
    pub(crate) async fn log_in(&self) -> Result<Identity, Failure> {
        self.log_in_with(&self.provider()).await
    }

    pub(crate) async fn log_in_with(&self, provider: &Provider) -> Result<Identity, Failure> {
        let attempt = attempt(1);
        let callback = self.authorize(provider, &attempt).await;
        provider.finish(&attempt, back(callback), Timestamp::now()).await
    }
}

/// An attempt that has just begun.
pub(crate) fn attempt(seed: u8) -> Attempt {
    Attempt::from_entropy([seed; ENTROPY], Timestamp::now())
}

/// What a browser brings back.
pub(crate) fn back(query: Value) -> Callback {
    serde_json::from_value(query).unwrap()
}

async fn metadata_of(State(liar): State<Liar>) -> Json<Value> {
    Json(liar.story().metadata.clone())
}

async fn keys_of(State(liar): State<Liar>) -> Json<Value> {
    let mut story = liar.story();
    story.fetched += 1;
    Json(json!({"keys": story.keys}))
}

async fn tokens_of(
    State(liar): State<Liar>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why})));
    let mut story = liar.story();
    let header = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let posted = form.get("client_secret").map(|secret| format!("posted {secret}"));
    story.shown.push(header.or(posted).unwrap_or_else(|| "nothing".into()));
    let Asked { nonce, challenge } =
        story.codes.remove(&form["code"]).ok_or_else(|| refuse("invalid_grant"))?;
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if proof != challenge {
        return Err(refuse("invalid_grant"));
    }
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": liar.url, "sub": "248289761001", "aud": CLIENT, "nonce": nonce,
        "iat": now, "exp": now + 300, "preferred_username": "ana", "groups": ["approvers"],
    });
    for (name, value) in story.claims.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    let mut head = json!({"alg": story.hand.algorithm(), "typ": "JWT"});
    if let Some(id) = &story.id {
        head["kid"] = json!(id);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(story.hand.sign(text.as_bytes()));
    let mut tokens = json!({"access_token": story.access, "token_type": "Bearer"});
    if story.token {
        tokens["id_token"] = json!(format!("{text}.{signature}"));
    }
    Ok(Json(tokens))
}

async fn user_info_of(State(liar): State<Liar>) -> Result<Json<Value>, StatusCode> {
    liar.story().user_info.clone().map(Json).ok_or(StatusCode::NOT_FOUND)
}
