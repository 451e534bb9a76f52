//! D1 databases: made, found, deleted.

use super::{Api, Problem, api::Call, problem::Kind};
use crate::{http::Method, time::Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// What is kept of a database that the API shows.
#[derive(Debug, Deserialize)]
struct Database {
    uuid: String,
    name: String,
}

/// Where a database is made.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// Where Cloudflare likes.
    Anywhere,
    /// Near there, if possible.
    Near(&'a str),
    /// Nowhere else.
    Within(&'a str),
}

impl Api {
    /// Makes a database and answers its id. Never repeated by itself: when no answer came back, look for it by name.
    /// Not sent after `deadline`.
    ///
    /// # Errors
    /// [`Kind::Exists`], [`Kind::Limit`], [`Kind::Unknown`], or any other.
    pub async fn create_database(
        &self,
        name: &str,
        place: Place<'_>,
        deadline: Timestamp,
    ) -> Result<String, Problem> {
        let mut body = json!({ "name": name });
        match (place, body.as_object_mut()) {
            (Place::Near(hint), Some(members)) => {
                members.insert("primary_location_hint".to_owned(), hint.into());
            }
            (Place::Within(jurisdiction), Some(members)) => {
                members.insert("jurisdiction".to_owned(), jurisdiction.into());
            }
            _ => {}
        }
        let what = "create database";
        let call = Call::json(Method::POST, "/d1/database".to_owned(), &body, false);
        let call = Call { deadline: Some(deadline), ..call };
        let made = self.call(call).await.map_err(|problem| problem.during(what))?;
        let made: Database = serde_json::from_value(made).map_err(|_| Problem::unreadable(what))?;
        Ok(made.uuid)
    }

    /// The id of the database with this name, if there is one. The API's own filter is a search, so names are compared.
    ///
    /// # Errors
    /// Any but [`Kind::NotFound`].
    pub async fn database_by_name(&self, name: &str) -> Result<Option<String>, Problem> {
        let what = "find database";
        let path = format!("/d1/database?name={name}&per_page=100");
        let list =
            self.call(Call::plain(Method::GET, path, true)).await.map_err(|problem| problem.during(what))?;
        let list: Vec<Database> = serde_json::from_value(list).map_err(|_| Problem::unreadable(what))?;
        Ok(list.into_iter().find(|database| database.name == name).map(|database| database.uuid))
    }

    /// Deletes a database. One that is gone already has been deleted.
    ///
    /// # Errors
    /// Any but [`Kind::NotFound`].
    pub async fn delete_database(&self, uuid: &str) -> Result<(), Problem> {
        let call = Call::plain(Method::DELETE, format!("/d1/database/{uuid}"), true);
        match self.call(call).await {
            Ok(_) | Err(Problem { kind: Kind::NotFound, .. }) => Ok(()),
            Err(problem) => Err(problem.during("delete database")),
        }
    }

    /// A name for the state that a database has now.
    ///
    /// # Errors
    /// Any.
    pub async fn bookmark(&self, uuid: &str) -> Result<String, Problem> {
        let what = "read bookmark";
        let path = format!("/d1/database/{uuid}/time_travel/bookmark");
        let answer = self.call(Call::plain(Method::GET, path, true)).await;
        let answer = answer.map_err(|problem| problem.during(what))?;
        bookmark_in(&answer, "bookmark").ok_or_else(|| Problem::unreadable(what))
    }

    /// Takes a database to a state that it had: whatever came since is gone. Doing it twice is doing it once, while nobody
    /// writes.
    ///
    /// # Errors
    /// Any.
    pub async fn travel(&self, uuid: &str, to: Past<'_>) -> Result<(), Problem> {
        let query = match to {
            Past::Moment(moment) => format!("timestamp={}", moment.iso()),
            Past::Bookmark(bookmark) => format!("bookmark={bookmark}"),
        };
        let path = format!("/d1/database/{uuid}/time_travel/restore?{query}");
        let answer = self.call(Call::plain(Method::POST, path, true)).await;
        answer.map(drop).map_err(|problem| problem.during("time travel"))
    }
}

/// A state that a database had.
#[derive(Debug, Clone, Copy)]
pub enum Past<'a> {
    /// At this moment, at most 30 days ago (Cloudflare: D1, time travel).
    Moment(Timestamp),
    /// Under this name.
    Bookmark(&'a str),
}

/// A bookmark is made of letters, digits and hyphens: it goes into a URL as it is, or not at all.
fn bookmark_in(answer: &Json, member: &str) -> Option<String> {
    let text = answer.get(member)?.as_str()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !text.is_empty()).then(|| text.to_owned())
}
