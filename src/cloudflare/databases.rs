//! D1 databases: made, found, deleted.

use super::{Api, Problem, api::Call, problem::Kind};
use crate::{http::Method, time::Timestamp};
use serde::Deserialize;
use serde_json::json;

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
}
