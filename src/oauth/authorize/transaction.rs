//! A login under way. It is kept nowhere: sealed, it travels through the pages as their `state`, and a cookie ties it
//! to the browser it began in.

use super::{
    request::Raw,
    respond::{self, Denied},
};
use crate::{
    access::{Call, login::Refusal},
    error::{Error, Fault},
    http::{Response, cookie::Cookie},
    id::{SessionId, UserId},
    json,
    oauth::code::InOrganization,
    resources::snapshot::Snapshot,
    secret::{Digest, Sealed, Secret},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The page a login begins at.
pub const IDENTIFIER: &str = "/u/login/identifier";
/// The page for the password.
pub const PASSWORD: &str = "/u/login/password";
/// The page for the code of a second factor (Auth0's name).
pub const CHALLENGE: &str = "/u/mfa-otp-challenge";
/// The page for a new account.
pub const SIGNUP: &str = "/u/signup";
/// The page where a person agrees to what a client of somebody else gets.
pub const CONSENT: &str = "/u/consent";

/// How long what was proven first is good for while the second thing is looked for.
const HALFWAY: Lifetime = Lifetime::minutes(10);

/// How long a person may take.
const LIFETIME: Lifetime = Lifetime::hours(1);

/// What fits into the URLs of our pages with room to spare (Cloudflare takes 16 KB).
const MAX_STATE: usize = 8192;

/// The longest state that is opened: what a login grows by on its way, the name that was typed above all, comes on top.
const LONGEST_STATE: usize = MAX_STATE + 2048;

/// Ties a login to its browser: a link to somebody else's login page signs nobody in (login CSRF).
const COOKIE: Cookie = Cookie::of_own_site("gatehouse_login");

/// The cookie: 32 random bytes, 43 letters of base64url.
const COOKIE_BYTES: usize = 32;
const COOKIE_LENGTH: usize = 43;

/// Somebody who has proven all but a second factor: by their password, or by a session that was begun without.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Halfway {
    /// Them.
    pub user: UserId,
    /// When they proved it, in milliseconds.
    pub authenticated_at: i64,
    /// When they got here, in milliseconds.
    at: i64,
    /// The state of their credentials that they proved it by: a change of those ends this.
    #[serde(default)]
    pub credentials: Credentials,
}

/// One state of somebody's credentials: when they were last signed out everywhere, which never happens twice at once.
pub type Credentials = Option<i64>;

impl Halfway {
    /// Somebody who gets here `now`.
    pub fn new(
        user: UserId,
        authenticated_at: Timestamp,
        now: Timestamp,
        credentials: Option<Timestamp>,
    ) -> Self {
        let credentials = credentials.map(Timestamp::millis);
        Self { user, authenticated_at: authenticated_at.millis(), at: now.millis(), credentials }
    }
}

/// Where a login begins.
pub enum Start {
    /// Nobody is there yet.
    Person,
    /// With a session, which is asked for consent.
    Consent(SessionId),
    /// With a session that lacks a second factor.
    SecondFactor(Halfway),
}

/// A login under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    /// What the client asked, checked again on every page.
    pub request: Raw,
    /// The organization to sign in to.
    pub organization: Option<InOrganization>,
    /// What the person typed into the first page.
    pub identifier: Option<String>,
    /// The session that answers what was asked: only it can agree. Sealed in here, so that nobody gets around signing in
    /// again by going to the page of consent.
    #[serde(default)]
    pub session: Option<SessionId>,
    /// Who has proven all but a second factor. Sealed in here, so that nobody gets to the page for that by its address.
    #[serde(default)]
    halfway: Option<Halfway>,
    /// The digest of the browser's cookie, as hex.
    browser: String,
    /// When it began, in milliseconds.
    began_at: i64,
}

impl Transaction {
    /// Begins a login and sends the person to its first page.
    ///
    /// # Errors
    /// An error for the client if its request is too long to travel, or a fault of the seal.
    pub fn begin(
        call: &Call,
        snapshot: &Snapshot,
        request: Raw,
        organization: Option<InOrganization>,
        start: Start,
    ) -> Result<Response, Error<Denied>> {
        // One browser has one cookie, however many logins it has open in its tabs.
        let browser =
            COOKIE.read(&call.request).filter(|value| value.len() == COOKIE_LENGTH).map(Secret::new);
        let browser = browser.unwrap_or_else(|| Secret::random(call.platform(), COOKIE_BYTES));
        let (first, session, halfway) = match (start, request.screen_hint.as_deref()) {
            (Start::Consent(session), _) => (CONSENT, Some(session), None),
            (Start::SecondFactor(halfway), _) => (CHALLENGE, None, Some(halfway)),
            (Start::Person, Some("signup")) => (SIGNUP, None, None),
            (Start::Person, _) => (IDENTIFIER, None, None),
        };
        let transaction = Self {
            request,
            organization,
            identifier: None,
            session,
            halfway,
            browser: browser.digest().as_str().to_owned(),
            began_at: call.now.millis(),
        };
        let url = transaction.url(call, snapshot, first)?;
        if url.len() > MAX_STATE {
            return Err(Denied::new("invalid_request", "The request is too long").into());
        }
        let cookie = COOKIE.set(&call.request, browser.expose(), Some(LIFETIME));
        Ok(respond::see(call, &url).with("set-cookie", cookie))
    }

    /// The same login, once it has led to a session.
    pub fn led_to(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self.halfway = None;
        self
    }

    /// The same login, with nothing proven.
    pub fn begun_again(mut self) -> Self {
        self.session = None;
        self.halfway = None;
        self
    }

    /// The same login, once all but a second factor has been proven.
    pub fn half_done(mut self, halfway: Halfway) -> Self {
        self.halfway = Some(halfway);
        self
    }

    /// Whether it began no earlier than this: who proved who they are by then was not asked for it here.
    pub fn began_after(&self, moment: Timestamp) -> bool {
        moment <= Timestamp::from_millis(self.began_at)
    }

    /// Who has proven all but a second factor, not too long ago.
    pub fn halfway(&self, now: Timestamp) -> Option<&Halfway> {
        let at = |halfway: &Halfway| Timestamp::from_millis(halfway.at);
        self.halfway.as_ref().filter(|halfway| now.since(at(halfway)) < HALFWAY)
    }

    /// The URL of one of its pages.
    ///
    /// # Errors
    /// A fault of the seal.
    pub fn url(&self, call: &Call, snapshot: &Snapshot, page: &str) -> Result<String, Fault> {
        let plain = json::write(self)?;
        let sealed = snapshot.passing.seal(call.platform(), &purpose(call), &Secret::new(plain))?;
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("state", sealed.as_str()).finish();
        Ok(format!("{page}?{query}"))
    }

    /// Opens the `state` of a page.
    ///
    /// # Errors
    /// A page that asks to begin again: the state was changed, is of another tenant or browser, or too old.
    pub fn open(call: &Call, snapshot: &Snapshot, state: &str) -> Result<Self, Refusal> {
        let sealed = Some(state).filter(|state| state.len() <= LONGEST_STATE).map(Sealed::stored);
        let opened = sealed.and_then(|sealed| snapshot.passing.open(&purpose(call), &sealed));
        let transaction: Option<Self> = opened.and_then(|plain| json::read(plain.expose()).ok());
        let browser = COOKIE.read(&call.request).map(Secret::new);
        let of_browser = |transaction: &Self| {
            browser.as_ref().is_some_and(|browser| Digest::stored(&*transaction.browser).matches(browser))
        };
        let is_current =
            |transaction: &Self| call.now.since(Timestamp::from_millis(transaction.began_at)) < LIFETIME;
        transaction.filter(of_browser).filter(is_current).ok_or_else(|| {
            Refusal::bad_request(
                "It has expired or was opened in another browser. Please go back to the application and sign in again.",
            )
        })
    }
}

/// What the state is sealed for: a login at this tenant, at the host that the person sees.
fn purpose(call: &Call) -> String {
    format!("login {} {}", call.tenant.id(), call.tenant.issuer().as_str())
}
