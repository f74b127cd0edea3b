//! The provider: what it says about itself, and the two halves of a login.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode, ClientId,
    ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::attempt::Attempt;
use crate::claims::{Claims, Groups, Identity, more_names, names};
use crate::failure::Failure;
use crate::http::{Http, HttpError, is_secure};
use crate::settings::Settings;
use crate::token::{Bad, Expected, Said, verify};

/// How long what a provider says about itself is believed.
const BELIEVED: Duration = Duration::from_hours(1);
/// For how long nobody asks again, when it could not be asked.
const SPARED: Duration = Duration::from_secs(2);

/// What the standard has no field for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct More {
    /// Whether its answers say whose they are: RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Claims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Client = openidconnect::Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the browser brings back from the provider.
#[derive(Debug, Default, Deserialize)]
pub struct Callback {
    /// What the tokens are got for.
    code: Option<String>,
    /// Which attempt it answers.
    pub(crate) state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Whose answer it is.
    iss: Option<String>,
}

/// An identity provider, as a client of it sees it.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Instant)>,
    failed: Option<(String, Instant)>,
}

impl Provider {
    /// A provider that sends people back to `redirect`. It is not spoken to yet.
    pub fn new(settings: Settings, redirect: &str) -> Result<Self, Failure> {
        let unusable = |what: &str, why: String| Failure::Unusable(format!("{what}: {why}"));
        let issuer = IssuerUrl::new(settings.issuer.clone());
        let issuer = issuer.map_err(|error| unusable("issuer", error.to_string()))?;
        let redirect = RedirectUrl::new(redirect.to_owned());
        let redirect = redirect.map_err(|error| unusable("public URL", error.to_string()))?;
        let http = Http::new(&settings.authorities);
        let http = http.map_err(|error| unusable("TLS", error.to_string()))?;
        let known = Mutex::default();
        Ok(Self { inner: Arc::new(Inner { settings, issuer, redirect, http, known }) })
    }

    /// What the operator says about it.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Asks it for what it says about itself, to see whether it can be used.
    pub async fn try_out(&self) -> Result<(), Failure> {
        self.metadata().await.map(|_| ())
    }

    /// Where a browser is sent to log in.
    pub async fn begin(&self, attempt: &Attempt) -> Result<String, Failure> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata);
        let verifier = PkceCodeVerifier::new(attempt.verifier());
        let (state, nonce) = (attempt.state(), attempt.nonce());
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in self.scopes(&metadata) {
            request = request.add_scope(Scope::new(scope));
        }
        let (address, _, _) = request.url();
        Ok(address.into())
    }

    /// Who the browser that comes back is. Nothing is decided by it but that.
    pub async fn finish(
        &self,
        attempt: &Attempt,
        callback: Callback,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        if !attempt.is_answered_by(&callback, now) {
            return Err(Failure::NotBegun);
        }
        let Callback { code, state: _, error, iss } = callback;
        let metadata = self.metadata().await?;
        let names_itself =
            metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss != self.inner.settings.issuer => return Err(Failure::OtherProvider),
            None if names_itself => return Err(Failure::OtherProvider),
            Some(_) | None => {}
        }
        if let Some(error) = error {
            return Err(refused(&error));
        }
        let code = code.ok_or_else(|| refused("no code"))?;
        let tokens = self.exchange(&metadata, attempt, code).await?;
        let said = self.verified(metadata, attempt, &tokens, now).await?;
        self.identity(&said, &tokens).await
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        attempt: &Attempt,
        code: String,
    ) -> Result<Tokens, Failure> {
        let client = self.client(metadata);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Failure::Unusable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier()));
        let http = self.sender();
        request.request_async(&http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => refused(answer.error().as_ref()),
            RequestTokenError::Request(error) => unreachable(&error),
            RequestTokenError::Parse(error, _) => Failure::Unreachable(error.to_string()),
            RequestTokenError::Other(error) => Failure::Unreachable(error),
        })
    }

    /// What the ID token says. If the provider has new keys they are fetched, once.
    async fn verified(
        &self,
        metadata: Arc<Metadata>,
        attempt: &Attempt,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<Said, Failure> {
        let none = || Failure::BadToken("there is none".into());
        let token = tokens.id_token().ok_or_else(none)?;
        let expected = Expected {
            client: &self.inner.settings.client_id,
            nonce: Nonce::new(attempt.nonce()),
            access: tokens.access_token(),
            now,
        };
        match verify(token, self.client(&metadata).id_token_verifier(), &expected) {
            Ok(said) => return Ok(said),
            Err(Bad::For(failure)) => return Err(failure),
            Err(Bad::UnknownKey) => {}
        }
        let fresh = self.ask_again(&metadata).await?;
        match verify(token, self.client(&fresh).id_token_verifier(), &expected) {
            Ok(said) => Ok(said),
            Err(Bad::For(failure)) => Err(failure),
            Err(Bad::UnknownKey) => {
                Err(Failure::BadToken("no key that the provider publishes has signed it".into()))
            }
        }
    }

    async fn identity(&self, said: &Said, tokens: &Tokens) -> Result<Identity, Failure> {
        let claim = &*self.inner.settings.groups_claim;
        let mut groups = said.additional_claims().groups(claim);
        let mut names = names(said);
        // Providers differ in what they put into the token and what they keep for who asks.
        if !matches!(groups, Groups::Told(_))
            && let Some(more) = self.user_info(said, tokens).await?
        {
            groups = match more.additional_claims().groups(claim) {
                Groups::Untold => groups,
                told => told,
            };
            names.splice(0..0, more_names(&more));
        }
        let groups = match groups {
            Groups::Told(groups) => groups,
            Groups::LeftOut => return Err(Failure::GroupsLeftOut),
            Groups::Untold => {
                tracing::warn!(claim, "the provider says nothing about a person's groups");
                Vec::new()
            }
        };
        let (issuer, subject) = (said.issuer().to_string(), said.subject().to_string());
        Ok(Identity { issuer, subject, names, groups })
    }

    /// What more the provider says about that person, if it can be asked.
    async fn user_info(
        &self,
        said: &Said,
        tokens: &Tokens,
    ) -> Result<Option<UserInfoClaims<Claims, CoreGenderClaim>>, Failure> {
        let metadata = self.metadata().await?;
        if metadata.userinfo_endpoint().is_none() {
            return Ok(None);
        }
        let access = tokens.access_token();
        // It becomes a header.
        if !access.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::BadToken("the access token can't be sent".into()));
        }
        let client = self.client(&metadata);
        let request = client.user_info(access.clone(), Some(said.subject().clone()));
        let request = request.map_err(|error| Failure::Unusable(error.to_string()))?;
        let http = self.sender();
        match request.request_async(&http).await {
            Ok(more) => Ok(Some(more)),
            Err(openidconnect::UserInfoError::ClaimsVerification(error)) => {
                Err(Failure::BadToken(format!("what it says besides: {error}")))
            }
            Err(openidconnect::UserInfoError::Request(error)) => Err(unreachable(&error)),
            Err(error) => Err(Failure::Unreachable(error.to_string())),
        }
    }

    fn scopes(&self, metadata: &Metadata) -> Vec<String> {
        let settings = &self.inner.settings;
        let mut scopes = vec!["profile".to_owned(), "email".to_owned()];
        // Many providers tell the groups only to who asks for a scope of that name.
        let offered = metadata.scopes_supported().is_some_and(|offered| {
            offered.iter().any(|scope| scope.as_str() == settings.groups_claim)
        });
        if offered && !settings.scopes.contains(&settings.groups_claim) {
            scopes.push(settings.groups_claim.clone());
        }
        scopes.extend(settings.scopes.iter().cloned());
        scopes
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let settings = &self.inner.settings;
        let secret = settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(settings.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), id, secret);
        // `client_secret_basic` is what a provider takes that does not say.
        let methods = metadata.token_endpoint_auth_methods_supported();
        let basic = methods.is_none_or(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                || !methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        client
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_redirect_uri(self.inner.redirect.clone())
    }

    fn sender(&self) -> impl Fn(HttpRequest) -> Sending + Send + Sync + use<> {
        let http = self.inner.http.clone();
        move |request| Box::pin(http.clone().send(request))
    }

    /// What the provider says about itself, as far as that is not too old.
    async fn metadata(&self) -> Result<Arc<Metadata>, Failure> {
        let mut known = self.inner.known.lock().await;
        match &known.metadata {
            Some((metadata, since)) if since.elapsed() < BELIEVED => Ok(Arc::clone(metadata)),
            _ => self.ask(&mut known).await,
        }
    }

    /// The same anew, unless somebody else has just asked.
    async fn ask_again(&self, old: &Arc<Metadata>) -> Result<Arc<Metadata>, Failure> {
        let mut known = self.inner.known.lock().await;
        match &known.metadata {
            Some((metadata, _)) if !Arc::ptr_eq(metadata, old) => Ok(Arc::clone(metadata)),
            _ => self.ask(&mut known).await,
        }
    }

    async fn ask(&self, known: &mut Known) -> Result<Arc<Metadata>, Failure> {
        if let Some((why, since)) = &known.failed
            && since.elapsed() < SPARED
        {
            return Err(Failure::Unreachable(why.clone()));
        }
        let http = self.sender();
        let asked = Metadata::discover_async(self.inner.issuer.clone(), &http).await;
        let metadata = match asked {
            Ok(metadata) => metadata,
            Err(DiscoveryError::Validation(why)) => return Err(Failure::Unusable(why)),
            Err(error) => {
                let why = match error {
                    DiscoveryError::Request(error) => error.to_string(),
                    // With the body, which says too much.
                    DiscoveryError::Response(status, _, _) => format!("it answered {status}"),
                    error => error.to_string(),
                };
                known.failed = Some((why.clone(), Instant::now()));
                return Err(Failure::Unreachable(why));
            }
        };
        check(&metadata)?;
        let metadata = Arc::new(metadata);
        *known = Known { metadata: Some((Arc::clone(&metadata), Instant::now())), failed: None };
        Ok(metadata)
    }
}

type Sending =
    std::pin::Pin<Box<dyn Future<Output = Result<openidconnect::HttpResponse, HttpError>> + Send>>;

/// Whether a browser can be sent there, and secrets too.
fn check(metadata: &Metadata) -> Result<(), Failure> {
    let endpoints = [
        Some(metadata.authorization_endpoint().as_str()),
        metadata.token_endpoint().map(|endpoint| endpoint.as_str()),
        metadata.userinfo_endpoint().map(|endpoint| endpoint.as_str()),
    ];
    match endpoints.into_iter().flatten().find(|endpoint| !is_secure(endpoint)) {
        Some(endpoint) => {
            Err(Failure::Unusable(format!("{endpoint} is neither https:// nor on this machine")))
        }
        None if metadata.token_endpoint().is_none() => {
            Err(Failure::Unusable("it has no token endpoint".into()))
        }
        None => Ok(()),
    }
}

/// An error of OAuth's, which anybody may have written into the address.
fn refused(code: &str) -> Failure {
    const LONGEST: usize = 60;
    match code {
        "access_denied" => Failure::Denied,
        code => {
            let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ');
            Failure::Refused(code.chars().filter(plain).take(LONGEST).collect())
        }
    }
}

fn unreachable(error: &HttpError) -> Failure {
    Failure::Unreachable(error.to_string())
}
