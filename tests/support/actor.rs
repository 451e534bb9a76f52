//! What a test says to the server, and what it hears.

use gatehouse::http::{Method, Request, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    method: Method,
    hosts: Vec<Vec<u8>>,
    path: String,
    scheme: Option<&'static str>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    ip: String,
}

impl Ask {
    /// A request to a tenant's host: `acme` is `acme.localhost:8787`, the empty name is the base domain, and a name
    /// with a dot or a colon is a host of its own.
    pub fn new(method: Method, tenant: &str, path: &str) -> Self {
        let host = match tenant {
            "" => "localhost:8787".to_owned(),
            host if host.contains(['.', ':']) => host.to_owned(),
            label => format!("{label}.localhost:8787"),
        };
        Self {
            method,
            hosts: vec![host.into_bytes()],
            path: path.to_owned(),
            scheme: None,
            headers: Vec::new(),
            body: Vec::new(),
            ip: "192.0.2.1".to_owned(),
        }
    }

    /// `GET`.
    pub fn get(tenant: &str, path: &str) -> Self {
        Self::new(Method::GET, tenant, path)
    }

    /// `POST`.
    pub fn post(tenant: &str, path: &str) -> Self {
        Self::new(Method::POST, tenant, path)
    }

    /// With these host headers, whatever bytes they are, instead of the tenant's.
    pub fn at(mut self, hosts: &[&[u8]]) -> Self {
        self.hosts = hosts.iter().map(|host| host.to_vec()).collect();
        self
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Json) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    /// With a form body.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.body = form.extend_pairs(fields).finish().into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// With any body.
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Over `http` or `https`, whatever the installation promises.
    pub fn over(mut self, scheme: &'static str) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Over the scheme that the installation promises, unless it already says which.
    pub fn over_if_unsaid(self, scheme: &'static str) -> Self {
        Self { scheme: self.scheme.or(Some(scheme)), ..self }
    }

    /// From this address.
    pub fn from(mut self, ip: &str) -> Self {
        ip.clone_into(&mut self.ip);
        self
    }

    /// The request as the server sees it.
    pub fn into_request(self) -> Request {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut headers = HeaderMap::new();
        for host in &self.hosts {
            headers.append("host", HeaderValue::from_bytes(host).unwrap());
        }
        for (name, value) in &self.headers {
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        Request {
            method: self.method,
            scheme: self.scheme.unwrap_or("http").to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: self.body,
            ip: self.ip,
        }
    }
}

/// An answer, easy to look into.
#[derive(Debug)]
pub struct Answer(pub Response);

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.0.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// D1 round trips that the request cost.
    pub fn round_trips(&self) -> u64 {
        self.header("x-gatehouse-d1").unwrap().split(';').next().unwrap().parse().unwrap()
    }

    /// The answer, if it has this status; else the test fails and shows the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text());
        self
    }
}
