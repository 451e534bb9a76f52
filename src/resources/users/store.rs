//! SQL for users.

use super::{
    attributes::{Attributes, columns},
    model::{Identity, NewUser, User},
};
use crate::{
    db::{Filter, Query, Row, Statement, page::Window, read, write},
    error::Fault,
    id::UserId,
    json,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::{Map, Value as Json};

/// The columns of a [`User`], with the identities that are linked to it.
const COLUMNS: &str = "user_id, connection, email, email_verified, username, phone_number, phone_verified, name,
    given_name, family_name, nickname, picture, profile, user_metadata, app_metadata, blocked, last_login, last_ip,
    logins_count, created_at, updated_at,
    (select json_group_array(json_object('user_id', l.user_id, 'connection', l.connection, 'email', l.email,
       'email_verified', json(iif(l.email_verified, 'true', 'false')), 'name', l.name, 'picture', l.picture,
       'profile_data', json(iif(json_valid(l.profile_data), l.profile_data, 'null'))))
     from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = users.user_id) as linked";

/// The columns of a [`User`] that hold documents, each with an empty one.
pub const DOCUMENTS: [(&str, &str); 4] =
    [("profile", "{}"), ("user_metadata", "{}"), ("app_metadata", "{}"), ("linked", "[]")];

/// The account with this id; one row or none. An identity that is linked to another account is none.
pub fn by_id(id: &UserId) -> Query<InTenant> {
    read(format!("select {COLUMNS} from users where tenant_id = ?1 and user_id = ?2 and linked_to is null"))
        .bind(id)
}

/// Whether there is an account with this id; one row or none.
pub fn exists(id: &UserId) -> Query<InTenant> {
    read("select user_id from users where tenant_id = ?1 and user_id = ?2 and linked_to is null").bind(id)
}

/// Which of `users` (a JSON array of ids) are accounts.
pub fn existing(users: &Json) -> Query<InTenant> {
    read(
        "select user_id from users where tenant_id = ?1 and linked_to is null
         and user_id in (select value from json_each(?2))",
    )
    .bind(users)
}

/// The accounts with this address, of whatever connection. `email` is lower case.
pub fn by_email(email: &str) -> Query<InTenant> {
    read(format!(
        "select {COLUMNS} from users indexed by users_by_email where tenant_id = ?1 and email = ?2 and linked_to is null
         order by created_at, user_id limit 100"
    ))
    .bind(email)
}

/// The number of the first parameter of a filter in [`page`] and [`count`].
pub const FILTER: usize = 2;

/// A page of the accounts that `filter` holds for, in `order`. Metadata that nobody has asked for is not read: it can be
/// longer than all the rest.
pub fn page(filter: &Filter, order: &str, window: Window, wants: impl Fn(&str) -> bool) -> Query<InTenant> {
    let mut columns = COLUMNS.to_owned();
    for name in ["user_metadata", "app_metadata"].into_iter().filter(|name| !wants(name)) {
        columns = columns.replace(name, &format!("'{{}}' as {name}"));
    }
    // One direction for both: only so does an index give the order.
    let tie = if order.ends_with(" desc") { "user_id desc" } else { "user_id" };
    let how = if filter.sql == "true" && order.starts_with("created_at") {
        "indexed by users_by_link"
    } else {
        "/* all rows: a search looks at each account, a sort by anything else too */"
    };
    let query = read(format!(
        "select {columns} from users {how} where tenant_id = ?1 and linked_to is null and {}
         order by {order}, {tie} limit {} offset {}",
        filter.sql,
        filter.after(0),
        filter.after(1)
    ));
    filter.bind(query).bind(window.size).bind(window.start)
}

/// How many accounts `filter` holds for, as `total`.
pub fn count(filter: &Filter) -> Query<InTenant> {
    filter.bind(read(format!(
        "select count(*) as total from users where tenant_id = ?1 and linked_to is null and {}",
        filter.sql
    )))
}

/// Who has this number in a connection whose users sign in with it; one row or none, also for any other connection. Stands
/// before what gives the number to somebody else, which then does nothing: numbers that are there twice since before this
/// was so do not hinder the database, as a unique index would.
pub fn phone_holder(id: &UserId, connection: &str, phone: &str) -> Query<InTenant> {
    read(
        "select user_id from users indexed by users_by_phone where tenant_id = ?1 and connection = ?3 and phone_number = ?4
         and user_id <> ?2 and provider = 'sms' limit 1",
    )
    .bind(id)
    .bind(connection)
    .bind(phone)
}

/// Adds a user. A taken id, address or name is a conflict of `users`; for a taken number see [`phone_holder`].
///
/// # Errors
/// A fault if the metadata does not serialize.
pub fn insert(id: &UserId, user: &NewUser, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let provider = id.as_str().split('|').next().unwrap_or_default();
    Ok(write(
        "insert into users (tenant_id, user_id, connection, provider, email, email_verified, username, phone_number,
           phone_verified, name, given_name, family_name, nickname, picture, profile, user_metadata, app_metadata,
           blocked, created_at, updated_at)
         select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19
         where ?4 <> 'sms' or not exists (select 1 from users o indexed by users_by_phone
           where o.tenant_id = ?1 and o.connection = ?3 and o.phone_number = ?8)",
    )
    .bind(id)
    .bind(user.connection.as_str())
    .bind(provider)
    .bind(user.email.as_deref())
    .bind(user.email_verified)
    .bind(user.username.as_deref())
    .bind(user.phone_number.as_deref())
    .bind(user.phone_verified)
    .bind(user.display_name())
    .bind(user.given_name.as_deref())
    .bind(user.family_name.as_deref())
    .bind(user.short_name())
    .bind(user.picture.as_deref())
    .bind(text(&user.profile)?)
    .bind(text(&user.user_metadata)?)
    .bind(text(&user.app_metadata)?)
    .bind(user.blocked)
    .bind(now))
}

/// Changes what `attributes` names and nothing else, so that two changes at once do not undo each other. The columns
/// travel as one JSON object: a member that is absent keeps its column, null clears it.
///
/// # Errors
/// A fault if the attributes do not serialize.
pub fn update(id: &UserId, attributes: &Attributes, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    update_row(id, None, attributes, now)
}

/// The same for an identity that is linked to `account`.
///
/// # Errors
/// A fault if the attributes do not serialize.
pub fn update_identity(
    id: &UserId,
    account: &UserId,
    attributes: &Attributes,
    now: Timestamp,
) -> Result<Statement<InTenant>, Fault> {
    update_row(id, Some(account), attributes, now)
}

fn update_row(
    id: &UserId,
    account: Option<&UserId>,
    attributes: &Attributes,
    now: Timestamp,
) -> Result<Statement<InTenant>, Fault> {
    let metadata = |patch: &Option<Map<String, Json>>| patch.as_ref().map(text).transpose();
    let kept = |column: &str| {
        format!("{column} = iif(json_type(?3, '$.{column}') is null, {column}, ?3 ->> '{column}')")
    };
    // Auth0 merges the first level only: a member is replaced whole, null removes it, an empty object removes all.
    // json_patch merges every level, so the members that come are removed first.
    let merged = |column: &str, patch: &str| {
        format!(
            "{column} = case when {patch} is null then {column} when {patch} = '{{}}' then '{{}}' else
               json_patch(json_patch({column}, (select json_group_object(key, null) from json_each({patch}))), {patch}) end"
        )
    };
    let sets = columns().map(kept).into_iter().chain([
        merged("profile", "?4"),
        merged("user_metadata", "?5"),
        merged("app_metadata", "?6"),
    ]);
    let sets: Vec<String> = sets.collect();
    Ok(write(format!(
        "update users set {}, updated_at = ?7 where tenant_id = ?1 and user_id = ?2 and linked_to is ?8
         and (provider <> 'sms' or not exists (select 1 from users o indexed by users_by_phone
           where o.tenant_id = ?1 and o.connection = users.connection and o.phone_number = ?3 ->> 'phone_number'
             and o.user_id <> ?2))",
        sets.join(", ")
    ))
    .counted_in(if attributes.user_metadata.is_some() || attributes.app_metadata.is_some() {
        vec![id.into()]
    } else {
        Vec::new()
    })
    .bind(id)
    .bind(text(&attributes.columns)?)
    .bind(Some(&attributes.profile).filter(|profile| !profile.is_empty()).map(text).transpose()?)
    .bind(metadata(&attributes.user_metadata)?)
    .bind(metadata(&attributes.app_metadata)?)
    .bind(now)
    .bind(account))
}

/// Has the identities of an account give up an address, so that the account itself can take it: two users of a connection
/// have never the same one.
pub fn give_up_address(account: &UserId, connection: &str, email: &str) -> Statement<InTenant> {
    write(
        "update users indexed by users_by_link set email = null, email_verified = 0
         where tenant_id = ?1 and linked_to = ?2 and connection = ?3 and email = ?4",
    )
    .bind(account)
    .bind(connection)
    .bind(email)
}

/// Has the identities of an account that have its old address follow it to the new one: the person has one address, and
/// would sign in with the old one otherwise.
pub fn follow_address(account: &UserId, old: &str, new: &str, verified: bool) -> Statement<InTenant> {
    write(
        "update users indexed by users_by_link set email = ?4, email_verified = ?5
         where tenant_id = ?1 and linked_to = ?2 and email = ?3 and provider in ('auth0', 'email')",
    )
    .bind(account)
    .bind(old)
    .bind(new)
    .bind(verified)
}

/// Sets the password of a user who exists.
pub fn set_password(id: &UserId, hash: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into passwords (tenant_id, user_id, hash, changed_at)
         select ?1, ?2, ?3, ?4 from users where tenant_id = ?1 and user_id = ?2
         on conflict (tenant_id, user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at",
    )
    .bind(id)
    .bind(hash)
    .bind(now)
}

/// Removes users with everything that is theirs; the log keeps what happened to their ids.
pub fn remove(whose: Whose<'_>) -> Vec<Statement<InTenant>> {
    let (users, value) = match whose {
        Whose::Account(id) => (
            "select ?2 union all
             select user_id from users indexed by users_by_link where tenant_id = ?1 and linked_to = ?2",
            id.as_str(),
        ),
        Whose::Connection(name) => (
            "select user_id from users indexed by users_email where tenant_id = ?1 and connection = ?2",
            name,
        ),
    };
    let theirs = |table: &str| format!("delete from {table} where tenant_id = ?1 and user_id in ({users})");
    OF_USERS.into_iter().map(|table| write(theirs(table)).bind(value)).collect()
}

/// Which users to remove.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// An account, with the identities linked to it.
    Account(&'a UserId),
    /// All that come through the connection of this name.
    Connection(&'a str),
}

/// The tables whose rows belong to a user, each with the index that finds them; the users themselves last.
const OF_USERS: [&str; 13] = [
    "sessions indexed by sessions_by_user",
    "refresh_tokens indexed by refresh_tokens_by_user",
    "codes indexed by codes_by_user",
    "passwords",
    "password_history",
    "authentication_methods indexed by authentication_methods_by_user",
    "spent_factors",
    "grants",
    "external_ids indexed by external_ids_by_user",
    "user_roles",
    "user_permissions",
    "organization_members indexed by organization_members_by_user",
    "users",
];

fn text(map: &Map<String, Json>) -> Result<String, Fault> {
    json::write(map)
}

/// Reads a row of [`by_id`], [`by_email`] or [`page`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn user(row: &Row) -> Result<User, Fault> {
    let user_id = row.text("user_id")?;
    let phone_number = row.optional_text("phone_number")?;
    let own = Identity::new(&user_id, row.text("connection")?, None);
    let linked: Vec<Map<String, Json>> = row.json("linked")?;
    Ok(User {
        user_id: UserId::new(user_id),
        email: row.optional_text("email")?,
        email_verified: row.flag("email_verified")?,
        username: row.optional_text("username")?,
        phone_verified: phone_number.is_some().then(|| row.flag("phone_verified")).transpose()?,
        phone_number,
        name: row.optional_text("name")?,
        given_name: row.optional_text("given_name")?,
        family_name: row.optional_text("family_name")?,
        nickname: row.optional_text("nickname")?,
        picture: row.optional_text("picture")?,
        profile: row.object("profile")?,
        user_metadata: row.object("user_metadata")?,
        app_metadata: row.object("app_metadata")?,
        blocked: row.flag("blocked")?,
        identities: std::iter::once(own).chain(linked.into_iter().map(linked_identity)).collect(),
        last_login: row.optional_time("last_login")?,
        last_ip: row.optional_text("last_ip")?,
        logins_count: row.int("logins_count")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// One member of `linked`: what is not an id of it is what it says of the person.
fn linked_identity(mut members: Map<String, Json>) -> Identity {
    let mut text = |name: &str| {
        members.remove(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let (user_id, connection) = (text("user_id"), text("connection"));
    // What its provider said of the person, under what is known of them here.
    let said = members.remove("profile_data");
    members.retain(|_, value| !value.is_null());
    if let Some(Json::Object(said)) = said {
        for (name, value) in said {
            members.entry(name).or_insert(value);
        }
    }
    Identity::new(&user_id, connection, Some(Json::Object(members)))
}
