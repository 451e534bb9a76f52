//! The bindings of the script. The API takes the whole list or nothing: whatever a list does not name is dropped, secrets
//! included. So everything that is not ours to change is inherited by name, and the result is read back and compared.

use super::{Api, Problem, api::Call};
use crate::{http::Method, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// How the names of the bindings begin that come and go with tenants. Every other binding is `wrangler.toml`'s.
pub const PREFIX: &str = "TENANT_";

/// A binding as the API shows it. A secret is shown without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Its name in the script.
    pub name: String,
    /// `d1`, `secret_text`, `durable_object_namespace`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The rest.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// A database that the script is to be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The name of the binding.
    pub name: String,
    /// The id of the database.
    pub uuid: String,
}

impl Binding {
    fn is_ours(&self) -> bool {
        self.kind == "d1" && self.name.starts_with(PREFIX)
    }

    /// Older answers call the database's id `id`.
    fn is(&self, attachment: &Attachment) -> bool {
        let id = self.other.get("database_id").or_else(|| self.other.get("id"));
        self.is_ours() && self.name == attachment.name && id.and_then(Json::as_str) == Some(&attachment.uuid)
    }
}

/// The list that makes `current` what is wanted: ours are attached or left out, every other one is inherited. Nothing if
/// it is so already.
pub fn list_for(current: &[Binding], wanted: &[Attachment]) -> Option<Vec<Json>> {
    let stays =
        |binding: &&Binding| !binding.is_ours() || wanted.iter().any(|attachment| binding.is(attachment));
    let kept: Vec<&Binding> = current.iter().filter(stays).collect();
    let new: Vec<&Attachment> =
        wanted.iter().filter(|attachment| !current.iter().any(|binding| binding.is(attachment))).collect();
    if kept.len() == current.len() && new.is_empty() {
        return None;
    }
    let kept = kept.into_iter().map(|binding| json!({ "type": "inherit", "name": binding.name }));
    let new = new
        .into_iter()
        .map(|attachment| json!({ "type": "d1", "name": attachment.name, "database_id": attachment.uuid }));
    Some(kept.chain(new).collect())
}

/// Whether `after` is what was wanted of `before`: all of ours, and every other binding as it was.
///
/// # Errors
/// What differs, in words for the operator.
pub fn check(before: &[Binding], after: &[Binding], wanted: &[Attachment]) -> Result<(), String> {
    if let Some(missing) =
        wanted.iter().find(|attachment| !after.iter().any(|binding| binding.is(attachment)))
    {
        return Err(format!("the script has no binding {} yet", missing.name));
    }
    let ours = after.iter().filter(|binding| binding.is_ours());
    if let Some(left) =
        ours.into_iter().find(|binding| !wanted.iter().any(|attachment| binding.is(attachment)))
    {
        return Err(format!("the script still has the binding {}", left.name));
    }
    let others = before.iter().filter(|binding| !binding.is_ours());
    if let Some(lost) = others.into_iter().find(|binding| !after.contains(binding)) {
        return Err(format!("the binding {} of the script is not as it was", lost.name));
    }
    Ok(())
}

/// Between the parts of a multipart body (RFC 2046 §5.1.1). JSON has no bare line break, so no text in it can end the part.
const BOUNDARY: &str = "gatehouse-settings";

impl Api {
    fn settings_path(&self) -> String {
        format!("/workers/scripts/{}/settings", self.script())
    }

    /// The bindings that the script has now.
    ///
    /// # Errors
    /// Any.
    pub async fn bindings(&self) -> Result<Vec<Binding>, Problem> {
        #[derive(Deserialize)]
        struct Settings {
            bindings: Vec<Binding>,
        }
        let what = "read bindings";
        let call = Call::plain(Method::GET, self.settings_path(), true);
        let settings = self.call(call).await.map_err(|problem| problem.during(what))?;
        let settings: Settings = serde_json::from_value(settings).map_err(|_| Problem::unreadable(what))?;
        Ok(settings.bindings)
    }

    /// Replaces the bindings of the script by a list from [`list_for`]. Never repeated by itself: after an answer that was
    /// lost, somebody else may have replaced them again. Not sent after `deadline`.
    ///
    /// # Errors
    /// Any.
    pub async fn set_bindings(&self, list: &[Json], deadline: Timestamp) -> Result<(), Problem> {
        let body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"settings\"\r\nContent-Type: application/json\r\n\r\n\
             {}\r\n--{BOUNDARY}--\r\n",
            json!({ "bindings": list })
        );
        let call = Call {
            method: Method::PATCH,
            path: self.settings_path(),
            content_type: "multipart/form-data; boundary=gatehouse-settings",
            body: body.into_bytes(),
            repeatable: false,
            deadline: Some(deadline),
        };
        self.call(call).await.map(drop).map_err(|problem| problem.during("set bindings"))
    }
}
