//! The route table: one row per operation, from which everything else is derived.

use super::{Input, Method, Output, Params, Request, Response};
use crate::{
    access::{Area, Call, Refuse},
    error::Error,
    limits::model::Class,
    platform::LocalBox,
};
use std::{collections::BTreeSet, sync::Arc};

type Run = Box<dyn Fn(Call, Params) -> LocalBox<'static, Response> + Send + Sync>;

/// One operation.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, parameters in braces: `/api/v2/users/{id}`.
    pub path: &'static str,
    /// The area that admits callers and fixes how a refusal looks, e.g. `Management`.
    pub area: &'static str,
    /// What the area requires of the caller, e.g. `Scope("read:users")`.
    pub need: String,
    /// The management scope among that, if the area asks for one.
    pub scope: Option<&'static str>,
    /// What kind of thing it is for those who count; `None` if nobody has said.
    pub class: Option<Class>,
    /// The handler's name, for the OpenAPI document: `users::list`.
    pub handler: String,
    run: Run,
}

impl Route {
    /// Admits the caller, decodes the input, runs the handler and renders what it answered.
    pub fn run(&self, call: Call, params: Params) -> LocalBox<'static, Response> {
        (self.run)(call, params)
    }
}

/// All operations, matched by path and then by method.
#[derive(Default)]
pub struct Routes {
    routes: Vec<Route>,
    scopes: Vec<&'static str>,
    paths: matchit::Router<Vec<usize>>,
    patterns: Vec<(&'static str, Vec<usize>)>,
}

/// What a method and a path led to.
pub enum Found<'a> {
    /// An operation, and the parameters of its path.
    Route(&'a Route, Params),
    /// The path is there but not with this method: the methods of the `Allow` header (RFC 9110 §10.2.1).
    Methods(Vec<Method>),
    /// Nothing.
    None,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident),*) => {$(
        $(#[$doc])*
        pub fn $name<A, I, O, H>(&mut self, path: &'static str, need: A::Need, handler: H)
        where
            A: Area,
            I: Input + 'static,
            O: Output + 'static,
            H: AsyncFn(&A, I) -> Result<O, Error<A::Refusal>> + Copy + Send + Sync + 'static,
        {
            self.add(Method::$method, path, need, handler);
        }
    )*};
}

/// What is left of a row once its input and its output are out of sight: the caller's area goes in, a response comes out.
type Answer<A> =
    Box<dyn Fn(A, Params) -> LocalBox<'static, Result<Response, Error<<A as Area>::Refusal>>> + Send + Sync>;

/// The journey of a row, compiled once for each area: only decoding, handler and rendering are compiled into every row.
fn journey<A: Area>(need: A::Need, answer: Answer<A>) -> Run {
    let answer: Arc<Answer<A>> = Arc::new(answer);
    Box::new(move |call, params| {
        let answer = Arc::clone(&answer);
        Box::pin(async move {
            let trace = call.trace();
            // Access before input: the uninvited learn nothing about what a body must look like.
            let answered = match A::admit(call, need).await {
                Ok(area) => answer(area, params).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(response) => response,
                Err(Error::Refused(refusal)) => refusal.render(),
                Err(Error::Fault(fault)) => trace.fault::<A::Refusal>(fault),
            }
        })
    })
}

impl Routes {
    methods!(
        /// Adds a `GET` row. `HEAD` is answered from it.
        get GET,
        /// Adds a `POST` row.
        post POST,
        /// Adds a `PATCH` row.
        patch PATCH,
        /// Adds a `PUT` row.
        put PUT,
        /// Adds a `DELETE` row.
        delete DELETE
    );

    /// Says what the handler of the row that was added last is called, where it has no name of its own.
    pub fn named(&mut self, handler: String) {
        if let Some(route) = self.routes.last_mut() {
            route.handler = handler;
        }
    }

    /// Adds a scope that no row requires: a handler shows more to those who hold it.
    pub fn optional_scope(&mut self, scope: &'static str) {
        self.scopes.push(scope);
    }

    fn add<A, I, O, H>(&mut self, method: Method, path: &'static str, need: A::Need, handler: H)
    where
        A: Area,
        I: Input + 'static,
        O: Output + 'static,
        H: AsyncFn(&A, I) -> Result<O, Error<A::Refusal>> + Copy + Send + Sync + 'static,
    {
        let answer: Answer<A> = Box::new(move |area, params| {
            Box::pin(async move {
                let input = match I::decode(&area.call().request, &params) {
                    Ok(input) => input,
                    Err(why) => return Err(Error::Refused(A::malformed(why))),
                };
                let answered = handler(&area, input).await;
                if let Err(Error::Refused(refusal)) = &answered {
                    area.note_refusal(refusal);
                }
                answered.map(Output::render)
            })
        });
        self.row(method, path, need, std::any::type_name::<H>(), answer);
    }

    fn row<A: Area>(
        &mut self,
        method: Method,
        path: &'static str,
        need: A::Need,
        handler: &str,
        answer: Answer<A>,
    ) {
        self.push(Route {
            class: Class::of(&method, path, A::NAME),
            method,
            path,
            area: A::NAME,
            need: format!("{need:?}"),
            scope: A::scope(need),
            handler: short_name(handler),
            run: journey(need, answer),
        });
    }

    fn push(&mut self, route: Route) {
        let index = self.routes.len();
        match self.patterns.iter_mut().find(|(pattern, _)| *pattern == route.path) {
            Some((_, indexes)) => indexes.push(index),
            None => self.patterns.push((route.path, vec![index])),
        }
        self.routes.push(route);
    }

    /// Builds the matcher once all rows are in. A path that clashes with another is left out of it; the route test
    /// calls every row, so a clash cannot stay unnoticed.
    pub fn finish(mut self) -> Self {
        for (pattern, indexes) in &self.patterns {
            let _ = self.paths.insert(pattern.replace('{', ":").replace('}', ""), indexes.clone());
        }
        self
    }

    /// Every row, in the order in which they were added.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// The scopes that rows require or handlers look at, sorted and each once: the scope catalogue of the management API.
    pub fn management_scopes(&self) -> Vec<&'static str> {
        let required = self.routes.iter().filter_map(|route| route.scope);
        let scopes: BTreeSet<_> = required.chain(self.scopes.iter().copied()).collect();
        scopes.into_iter().collect()
    }

    /// Finds the operation for a request.
    pub fn find(&self, request: &Request) -> Found<'_> {
        let Ok(matched) = self.paths.at(&request.path) else { return Found::None };
        let rows = || matched.value.iter().filter_map(|index| self.routes.get(*index));
        let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
        let Some(route) = rows().find(|route| route.method == method) else {
            return Found::Methods(rows().map(|route| route.method.clone()).collect());
        };
        let params = matched.params.iter().map(|(name, value)| (name.to_owned(), decode(value)));
        Found::Route(route, Params(params.collect()))
    }
}

/// `gatehouse::resources::users::api::list` → `users::api::list`.
fn short_name(path: &str) -> String {
    let parts: Vec<&str> = path.split("::").collect();
    parts.get(parts.len().saturating_sub(3)..).unwrap_or_default().join("::")
}

/// Percent-decodes one path segment; `+` stays a plus (RFC 3986 §2.1). What is not UTF-8 becomes U+FFFD and so matches no id.
fn decode(segment: &str) -> String {
    let plus_kept = segment.replace('+', "%2B");
    form_urlencoded::parse(plus_kept.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}
