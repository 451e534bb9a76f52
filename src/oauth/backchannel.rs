//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): applications are told by the server that a session which
//! they know has ended. Nobody waits for it: it is sent after the answer, and what became of it is in the tenant's log.

use crate::{
    access::{Call, log_fault},
    db::{Outcome, Row},
    error::Fault,
    events::{self, Entry, Kind, log_id},
    http::Method,
    id::{ClientId, LogId, SessionId, UserId, random_text},
    jose::jwt::LOGOUT_TOKEN,
    json,
    platform::{LocalBox, Outgoing},
    resources::clients::backchannel::{Initiator, check_url, urls},
    tenant::{Host, Resolved, Tenant, TenantDb},
    time::Lifetime,
};
use serde_json::json;
use std::task::Poll;
use url::Url;

/// A session that has ended, and who knew it.
#[derive(Debug)]
pub struct Ended {
    session: SessionId,
    user: UserId,
    clients: Vec<ClientId>,
}

impl Ended {
    /// Reads a row of `sessions::store::known_to` or `known_of_user`.
    ///
    /// # Errors
    /// A fault if the row holds what the schema does not allow.
    pub fn of(row: &Row) -> Result<Self, Fault> {
        let clients: Vec<String> = row.json("clients")?;
        Ok(Self {
            session: SessionId::new(row.text("id")?),
            user: UserId::new(row.text("user_id")?),
            clients: clients.into_iter().map(ClientId::new).collect(),
        })
    }

    /// The sessions that the first `count` statements of a batch have read before others ended them.
    ///
    /// # Errors
    /// As [`Ended::of`].
    pub fn among(outcomes: &[Outcome], count: usize) -> Result<Vec<Self>, Fault> {
        outcomes.iter().take(count).flat_map(|outcome| &outcome.rows).map(Self::of).collect()
    }
}

/// How many requests one sign-out causes at the most.
const MOST: usize = 30;

/// How long an application may take to answer, and how long is waited before it is asked once more: both attempts fit into
/// the 30 s that a Worker has behind its answer.
const PATIENCE: Lifetime = Lifetime::seconds(8);
const PAUSE: Lifetime = Lifetime::seconds(3);

/// How long a logout token is good for (Back-Channel Logout §2.4 recommends two minutes at the most).
const LIFETIME: Lifetime = Lifetime::minutes(2);

/// What the `events` of a logout token are about (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Tells the applications that knew these sessions, after the answer has been sent. Call it when the end of the sessions
/// has been committed.
pub fn tell(call: &Call, tenant: &Tenant, db: &TenantDb, ended: Vec<Ended>, initiator: Initiator) {
    if ended.iter().all(|ended| ended.clients.is_empty()) {
        return;
    }
    let teller = Teller { call: call.clone(), tenant: tenant.clone(), db: db.clone(), initiator };
    call.platform().defer(Box::pin(async move {
        if let Err(fault) = teller.tell(&ended).await {
            let (platform, id) = (teller.call.platform(), &teller.call.request_id);
            log_fault(platform, id, teller.tenant.id().as_str(), &fault);
        }
    }));
}

struct Teller {
    call: Call,
    tenant: Tenant,
    db: TenantDb,
    initiator: Initiator,
}

/// One message to one application.
struct Message {
    client: ClientId,
    user: UserId,
    url: String,
    token: String,
}

impl Teller {
    async fn tell(&self, ended: &[Ended]) -> Result<(), Fault> {
        let messages = self.messages(ended).await?;
        let entries = together(messages.iter().map(|message| self.deliver(message))).await;
        if self.tenant.is_read_only() || entries.is_empty() {
            return Ok(());
        }
        let platform = self.call.platform();
        let entries = entries.iter().map(|entry| {
            let id = LogId::new(log_id(platform, self.call.now));
            events::store::insert(&id, self.call.now, &self.call.request.ip, "", entry)
        });
        self.db.commit(entries).await.map(drop)
    }

    async fn messages(&self, ended: &[Ended]) -> Result<Vec<Message>, Fault> {
        let (call, mut messages) = (&self.call, Vec::new());
        let (platform, config) = (call.platform(), &call.shared.config);
        let snapshot = call.shared.snapshots.of(&self.tenant, &self.db, platform, config, call.now).await?;
        for (ended, id) in ended.iter().flat_map(|ended| ended.clients.iter().map(move |id| (ended, id))) {
            let Some(record) = snapshot.client(&self.db, id).await? else { continue };
            for url in urls(&record.client, self.initiator) {
                if messages.len() >= MOST {
                    return Ok(messages);
                }
                let claims = json!({
                    "iss": self.tenant.issuer(),
                    "sub": ended.user,
                    "aud": id,
                    "iat": call.now.seconds(),
                    "exp": call.now.plus(LIFETIME).seconds(),
                    "jti": random_text(platform, 22),
                    "sid": ended.session,
                    "events": { EVENT: {} },
                });
                let token = snapshot.sign(platform, call.now, LOGOUT_TOKEN, &claims).await?;
                let (client, user) = (id.clone(), ended.user.clone());
                messages.push(Message { client, user, url: url.to_owned(), token });
            }
        }
        Ok(messages)
    }

    /// Sends a message, a second time if the first attempt may have got lost, and says what became of it.
    async fn deliver(&self, message: &Message) -> Entry {
        let mut why = match self.attempt(message).await {
            Ok(()) => return self.entry(message, Kind::SuccessBackchannelLogout, ""),
            Err(Failure { why, lasting: true }) => {
                return self.entry(message, Kind::FailedBackchannelLogout, &why);
            }
            Err(Failure { why, .. }) => why,
        };
        self.call.platform().pause(PAUSE).await;
        match self.attempt(message).await {
            Ok(()) => return self.entry(message, Kind::SuccessBackchannelLogout, " at the second attempt"),
            Err(second) => why = format!("{why}, then {}", second.why),
        }
        self.entry(message, Kind::FailedBackchannelLogout, &why)
    }

    fn entry(&self, message: &Message, kind: Kind, how: &str) -> Entry {
        let host = Url::parse(&message.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default();
        let description = match kind {
            Kind::SuccessBackchannelLogout => format!("{host} was told of the sign-out{how}"),
            _ => format!("{host} could not be told of the sign-out: {how}"),
        };
        Entry::new(kind, description).client(message.client.as_str()).user(message.user.as_str())
    }

    async fn attempt(&self, message: &Message) -> Result<(), Failure> {
        let lasting = |why: &str| Failure { why: why.to_owned(), lasting: true };
        // What was allowed when it was stored need not be by now, and an import stores what it finds.
        check_url(&message.url, &self.call.shared.config.base_domain).map_err(lasting)?;
        if self.is_ours(&message.url).await {
            return Err(lasting("must not be this server itself"));
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("logout_token", &message.token)
            .finish();
        let request = Outgoing {
            method: Method::POST,
            url: message.url.clone(),
            headers: vec![
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ("cache-control".to_owned(), "no-store".to_owned()),
            ],
            body: form.into_bytes(),
        };
        let platform = self.call.platform();
        match within(platform.fetch(request), platform.pause(PATIENCE)).await {
            // Back-Channel Logout §2.8: 200, and 204 of those who have nothing to say.
            Some(Ok(answer)) if matches!(answer.status, 200..=299) => Ok(()),
            Some(Ok(answer)) => {
                let lasting = answer.status < 500 && answer.status != 429;
                Err(Failure { why: format!("it answered {}", answer.status), lasting })
            }
            Some(Err(_)) => Err(Failure { why: "it did not answer".to_owned(), lasting: false }),
            None => Err(Failure { why: "it took too long".to_owned(), lasting: false }),
        }
    }

    /// Whether a URL leads to a host of this installation, such as a tenant's custom domain.
    async fn is_ours(&self, url: &str) -> bool {
        let name = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let Some(host) = name.and_then(|name| Host::parse(&name).ok()) else { return false };
        let directory = &self.call.shared.directory;
        let resolved = directory.resolve(&host, self.call.now, &self.call.meter).await;
        !matches!(resolved, Ok(Resolved::Unknown))
    }
}

/// Why an attempt failed, and whether another one would.
struct Failure {
    why: String,
    lasting: bool,
}

/// Waits for all of them at once.
async fn together<'a, T: 'a>(work: impl Iterator<Item = impl Future<Output = T> + 'a>) -> Vec<T> {
    let mut open: Vec<LocalBox<'a, T>> = json::gather(work.map(|one| Box::pin(one) as LocalBox<'a, T>));
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        open.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(value) => {
                done.push(value);
                false
            }
            Poll::Pending => true,
        });
        if open.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

/// What comes of `work`, if it comes before `limit` is over.
async fn within<T>(mut work: LocalBox<'_, T>, mut limit: LocalBox<'_, ()>) -> Option<T> {
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}
