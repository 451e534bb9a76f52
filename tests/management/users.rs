//! Users: made, found, listed, changed, removed.

use super::{DATABASE, beside, contents, segment};
use crate::support::{Admin, Ask, World};
use serde_json::{Value as Json, json};

fn ann() -> Json {
    json!({ "connection": DATABASE, "email": "Ann@Acme.Test", "password": "Tr0ub4dor-3" })
}

fn make(admin: &Admin, email: &str) -> Json {
    admin.post("users", &json!({ "connection": DATABASE, "email": email })).expect(201).json()
}

fn path(user: &Json) -> String {
    format!("users/{}", segment(user["user_id"].as_str().unwrap()))
}

#[test]
fn a_user_is_made_as_auth0_makes_one() {
    let world = World::new();
    let admin = world.admin("");
    let answer = admin.post("users", &ann()).expect(201);
    assert_eq!(
        answer.round_trips(),
        1,
        "one batch: the user, the password, the log entry, and the user read back"
    );
    let made = answer.json();
    let id = made["user_id"].as_str().unwrap();
    let (provider, own) = id.split_once('|').unwrap();
    assert_eq!(provider, "auth0");
    assert!(own.len() == 24 && own.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(
        made,
        json!({
            "user_id": id, "email": "ann@acme.test", "email_verified": false, "name": "ann@acme.test",
            "nickname": "ann", "user_metadata": {}, "app_metadata": {}, "blocked": false, "logins_count": 0,
            "identities": [{ "connection": DATABASE, "user_id": own, "provider": "auth0", "isSocial": false }],
            "created_at": "2027-01-15T08:00:00.000Z", "updated_at": "2027-01-15T08:00:00.000Z",
        })
    );
    assert_eq!(admin.get(&path(&made)).expect(200).json(), made);
    let hashes =
        world.database("SHARED").query(&format!("select hash from passwords where user_id = '{id}'"));
    assert!(hashes[0]["hash"].as_str().unwrap().starts_with("$argon2id$"));
    let logged =
        world.database("SHARED").query("select type, description from logs order by id desc limit 1");
    assert_eq!(json!(logged), json!([{ "type": "sapi", "description": "Create a User" }]));
}

#[test]
fn every_attribute_is_kept_and_shown_again() {
    let world = World::new();
    let admin = world.admin("");
    let all = json!({
        "email": "bob@acme.test", "email_verified": true, "username": "Bob_1", "phone_number": "+14155550100",
        "phone_verified": true, "name": "Bob", "given_name": "Robert", "family_name": "Builder", "nickname": "bobby",
        "picture": "https://acme.test/bob.png", "blocked": true, "locale": "sv-SE", "zoneinfo": "Europe/Stockholm",
        "address": { "country": "SE" }, "user_metadata": { "theme": { "dark": true }, "nothing": null },
        "app_metadata": { "plan": "gold", "big": 9_007_199_254_740_991_i64 },
    });
    let mut body = all.clone();
    body["connection"] = DATABASE.into();
    body["user_id"] = "bob".into();
    body["verify_email"] = false.into();
    let made = admin.post("users", &body).expect(201).json();
    let mut expected = all;
    expected["username"] = "bob_1".into();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(made["user_id"], "auth0|bob");
    body["user_id"] = "auth0|robert".into();
    body["email"] = "robert@acme.test".into();
    body["username"] = "robert".into();
    assert_eq!(
        admin.post("users", &body).expect(201).json()["user_id"],
        "auth0|robert",
        "an id of an export"
    );
}

#[test]
fn what_cannot_be_a_user_is_refused_and_nothing_is_written() {
    let world = World::new();
    let (admin, token) = (world.admin(""), world.machine_token(""));
    let before = contents(&world);
    let with = |name: &str, value: Json| {
        let mut body = ann();
        body[name] = value;
        body
    };
    for (body, code, words) in [
        (json!({}), "invalid_body", "connection"),
        (json!({ "connection": DATABASE }), "invalid_body", "email"),
        (with("connection", json!("nowhere")), "inexistent_connection", "connection"),
        (with("connection", json!(["a"])), "invalid_body", "'connection'"),
        (with("email", json!("not-an-email")), "invalid_body", "'email'"),
        (with("email", json!("a@b")), "invalid_body", "'email'"),
        (with("email", json!("a b@acme.test")), "invalid_body", "'email'"),
        (with("email", json!(null)), "invalid_body", "'email'"),
        (with("email", json!(7)), "invalid_body", "'email'"),
        (with("email_verified", json!("true")), "invalid_body", "'email_verified'"),
        (with("username", json!("eve@acme.test")), "invalid_body", "'username'"),
        (with("username", json!("a b")), "invalid_body", "'username'"),
        (with("phone_number", json!("12345")), "invalid_body", "'phone_number'"),
        (with("picture", json!("javascript:alert(1)")), "invalid_body", "'picture'"),
        (with("user_metadata", json!([])), "invalid_body", "'user_metadata'"),
        (with("address", json!({ "planet": "Mars" })), "invalid_body", "address.planet"),
        (with("is_admin", json!(true)), "invalid_body", "is_admin"),
        (with("linked_to", json!("auth0|x")), "invalid_body", "linked_to"),
        (with("user_id", json!("a|b|c")), "invalid_body", "'user_id'"),
        (with("user_id", json!("")), "invalid_body", "'user_id'"),
        (with("name", json!("x".repeat(301))), "invalid_body", "'name'"),
        (with("password", json!("a")), "password_too_short", "8"),
        (with("password", json!("Password1!")), "password_too_common", "common"),
        (with("password", json!("only-lowercase")), "password_too_simple", "PasswordStrengthError"),
    ] {
        let refused = admin.post("users", &body).expect(400).json();
        assert_eq!(refused["errorCode"], code, "{refused}");
        assert!(refused["message"].as_str().unwrap().contains(words), "{words} in {refused}");
    }
    for body in ["", "[]", "\"x\"", "{", "null", "{\"email\":"] {
        let ask = Ask::post("", "/api/v2/users").bearer(&token);
        world.send(ask.body(body.as_bytes())).expect(400);
    }
    assert!(contents(&world) == before);
}

#[test]
fn an_address_a_name_and_an_id_can_be_taken_once_per_connection() {
    let world = World::new();
    let admin = world.admin("");
    let body =
        json!({ "connection": DATABASE, "email": "ann@acme.test", "username": "ann", "user_id": "ann" });
    admin.post("users", &body).expect(201);
    let before = contents(&world);
    for (email, username, id) in
        [("ANN@acme.test", "x", "x"), ("x@acme.test", "Ann", "x"), ("x@acme.test", "x", "ann")]
    {
        let body = json!({ "connection": DATABASE, "email": email, "username": username, "user_id": id, "password": "Tr0ub4dor-3" });
        let refused = admin.post("users", &body).expect(409).json();
        assert_eq!(
            refused,
            json!({ "statusCode": 409, "error": "Conflict", "message": "The user already exists.", "errorCode": "user_exists" })
        );
    }
    assert!(contents(&world) == before);
}

#[test]
fn a_list_is_paged_counted_sorted_and_cut_to_fields() {
    let world = World::new();
    let admin = world.admin("");
    for number in 0..120 {
        world.database("SHARED").query(&format!(
            "insert into users (tenant_id, user_id, connection, provider, email, name, created_at, updated_at, logins_count)
             values ('main', 'auth0|{number:03}', '{DATABASE}', 'auth0', 'u{number:03}@acme.test', 'U', {number}, 0, {})",
            number % 7
        ));
    }
    let answer = admin.get("users?per_page=100&include_totals=true&page=1").expect(200);
    assert_eq!(answer.round_trips(), 1);
    let page = answer.json();
    assert_eq!(page["start"], 100);
    assert_eq!(page["limit"], 100);
    assert_eq!(page["length"], 21);
    assert_eq!(page["total"], 121, "with the administrator");
    assert_eq!(page["users"][0]["user_id"], "auth0|100");
    let first = admin.get("users?per_page=100").expect(200).json();
    assert_eq!(first.as_array().unwrap().len(), 100);
    assert_eq!(admin.get("users").expect(200).json().as_array().unwrap().len(), 50);

    let sorted = admin.get("users?sort=email:-1&per_page=3&q=email:u*&fields=email").expect(200).json();
    assert_eq!(
        sorted,
        json!([{ "email": "u119@acme.test" }, { "email": "u118@acme.test" }, { "email": "u117@acme.test" }])
    );
    let sorted = admin
        .get("users?sort=logins_count:1&per_page=2&q=logins_count:[5%20TO%20*]&fields=user_id,logins_count");
    assert_eq!(
        sorted.expect(200).json(),
        json!([{ "user_id": "auth0|005", "logins_count": 5 }, { "user_id": "auth0|012", "logins_count": 5 }]),
        "equals come by id"
    );
    let without =
        admin.get("users?per_page=1&fields=identities,email&include_fields=false").expect(200).json();
    assert!(
        without[0].get("email").is_none()
            && without[0].get("identities").is_none()
            && without[0]["name"] == "U"
    );

    for query in [
        "per_page=101",
        "per_page=0",
        "per_page=-1",
        "per_page=abc",
        "page=-1",
        "page=1.5",
        "page=99999999999999999999",
        "sort=password:1",
        "sort=email:2",
        "sort=email;drop",
        "q=app_metadata:gold",
        "q=(",
        "q=email:%22",
    ] {
        let refused = admin.get(&format!("users?{query}")).expect(400).json();
        assert_eq!(refused["errorCode"], "invalid_query_string", "{query}");
    }
}

#[test]
fn q_finds_people_on_the_real_schema() {
    let world = World::new();
    let admin = world.admin("");
    make(&admin, "ann@acme.test");
    let body = json!({ "connection": DATABASE, "email": "bob@acme.test", "name": "Bob Söderström", "blocked": true });
    admin.post("users", &body).expect(201);
    let emails = |q: &str| {
        let encoded: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let answer = admin.get(&format!("users?q={encoded}&sort=email:1&include_totals=true")).expect(200);
        assert_eq!(answer.round_trips(), 1);
        let page = answer.json();
        let users = page["users"].as_array().unwrap();
        assert_eq!(page["total"], users.len(), "{q}");
        users.iter().map(|user| user["email"].as_str().unwrap()[..3].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(emails("email:*@acme.test"), "ann bob");
    assert_eq!(emails("acme -blocked:true"), "ann");
    assert_eq!(emails("name:\"bob söderström\""), "bob");
    assert_eq!(emails("created_at:[2027-01-15 TO 2027-01-15] NOT email:ann*"), "adm bob");
    assert_eq!(
        emails("identities.connection:\"Username-Password-Authentication\" AND NOT _exists_:last_login"),
        "adm ann bob"
    );
    assert_eq!(emails("user_id:nobody"), "");
    let long = "x".repeat(300);
    assert_eq!(emails(&format!("email:*{long}* OR name:{long}*")), "", "no LIKE, so no limit of 50 bytes");
    let many: Vec<String> = (0..40).map(|number| format!("\"auth0|{number}\"")).collect();
    assert_eq!(emails(&format!("user_id:({})", many.join(" OR "))), "");
}

#[test]
fn a_search_by_address_ignores_case_and_finds_every_connection() {
    let world = World::new();
    let admin = world.admin("");
    let made = make(&admin, "ann@acme.test");
    assert_eq!(admin.get("users-by-email?email=ANN%40acme.test").expect(200).json(), json!([made]));
    assert_eq!(
        admin.get("users-by-email?email=ann%40acme.test&fields=user_id").expect(200).json(),
        json!([{ "user_id": made["user_id"] }])
    );
    assert_eq!(admin.get("users-by-email?email=nobody%40acme.test").expect(200).json(), json!([]));
    admin.get("users-by-email").expect(400);
}

#[test]
fn a_change_touches_what_it_names_and_nothing_else() {
    let world = World::new();
    let admin = world.admin("");
    let body = json!({ "connection": DATABASE, "email": "ann@acme.test", "email_verified": true, "given_name": "Ann",
        "locale": "en", "user_metadata": { "keep": 1, "nested": { "a": 1, "b": 2 }, "go": 1 }, "app_metadata": { "plan": "gold" } });
    let made = admin.post("users", &body).expect(201).json();
    world.advance(gatehouse::time::Lifetime::seconds(1));
    let change = json!({ "given_name": null, "nickname": "Annie", "locale": null, "zoneinfo": "Europe/Rome",
        "user_metadata": { "nested": { "a": 2 }, "go": null, "we\"ird.key": "x" } });
    let answer = admin.patch(&path(&made), &change).expect(200);
    assert_eq!(answer.round_trips(), 2);
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().retain(|name, _| !["given_name", "locale"].contains(&name.as_str()));
    expected["nickname"] = "Annie".into();
    expected["zoneinfo"] = "Europe/Rome".into();
    // Auth0 merges the first level: what is nested is replaced, and null removes.
    expected["user_metadata"] = json!({ "keep": 1, "nested": { "a": 2 }, "we\"ird.key": "x" });
    expected["updated_at"] = "2027-01-15T08:00:01.000Z".into();
    assert_eq!(answer.json(), expected);
    assert_eq!(admin.get(&path(&made)).expect(200).json(), expected);

    let cleared = admin.patch(&path(&made), &json!({ "user_metadata": {} })).expect(200).json();
    assert_eq!(
        (&cleared["user_metadata"], &cleared["app_metadata"]),
        (&json!({}), &json!({ "plan": "gold" }))
    );
    assert_eq!(
        admin.patch(&path(&made), &json!({})).expect(200).json(),
        cleared,
        "nothing named, nothing changed"
    );
}

#[test]
fn a_new_address_is_not_proven() {
    let world = World::new();
    let admin = world.admin("");
    let body = json!({ "connection": DATABASE, "email": "ann@acme.test", "email_verified": true });
    let made = admin.post("users", &body).expect(201).json();
    let same = admin.patch(&path(&made), &json!({ "email": "ANN@acme.test" })).expect(200).json();
    assert_eq!(same["email_verified"], true, "the same address stays proven");
    let other = admin.patch(&path(&made), &json!({ "email": "Anna@acme.test" })).expect(200).json();
    assert_eq!((&other["email"], &other["email_verified"]), (&json!("anna@acme.test"), &json!(false)));
    let said = json!({ "email": "annette@acme.test", "email_verified": true });
    assert_eq!(admin.patch(&path(&made), &said).expect(200).json()["email_verified"], true);
    make(&admin, "bob@acme.test");
    let taken = admin.patch(&path(&made), &json!({ "email": "BOB@acme.test" })).expect(400).json();
    assert_eq!(
        (&taken["errorCode"], &taken["message"]),
        (&json!("user_exists"), &json!("The specified new email already exists"))
    );
}

#[test]
fn a_change_that_cannot_be_is_refused() {
    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("users", &ann()).expect(201).json();
    let before = contents(&world);
    for body in [
        json!({ "email": null }),
        json!({ "email": "x" }),
        json!({ "blocked": "yes" }),
        json!({ "user_id": "auth0|other" }),
        json!({ "created_at": 7 }),
        json!({ "identities": [] }),
        json!({ "connection": "elsewhere" }),
        json!({ "password": "short" }),
        json!({ "password": "Ann@acme.Test1" }),
        json!({ "password": "Newname-was-new1", "username": "newname" }),
        json!({ "user_metadata": null }),
    ] {
        let status = admin.patch(&path(&made), &body).status();
        assert_eq!(status, 400, "{body}");
    }
    assert!(contents(&world) == before);
    admin.patch("users/auth0%7Cnobody", &json!({ "name": "x" })).expect(404);
    admin.get("users/auth0%7Cnobody").expect(404);
    admin.delete("users/auth0%7Cnobody").expect(204);
    assert!(contents(&world) == before);
}

/// A session, a refresh token and a code of a user, by SQL: what a login leaves behind.
fn signed_in(world: &World, id: &str) {
    let database = world.database("SHARED");
    let later = crate::support::world::BEGINNING + 1_000_000;
    database.query(&format!(
        "insert into sessions (tenant_id, id, digest, user_id, authenticated_at, created_at, used_at, expires_at, idle_expires_at)
         values ('main', 's', 'd', '{id}', 1, 1, 1, {later}, {later})"
    ));
    database.query(&format!(
        "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, audience, scope, rotating,
           authenticated_at, created_at) values ('main', 'r', 'l', 'd', 'f', 'c', '{id}', '', '', 1, 1, 1)"
    ));
    database.query(&format!(
        "insert into codes (tenant_id, digest, client_id, user_id, session_id, family_id, request, authenticated_at, created_at,
           expires_at) values ('main', 'd', 'c', '{id}', 's', 'f', '{{}}', 1, 1, {later})"
    ));
}

fn alive(world: &World) -> usize {
    let alive = "select id from sessions where revoked_at is null union all
                 select id from refresh_tokens where revoked_at is null union all select digest from codes";
    world.database("SHARED").query(alive).len()
}

#[test]
fn blocking_a_new_password_and_a_new_address_sign_out_everywhere_and_nothing_else_does() {
    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("users", &ann()).expect(201).json();
    signed_in(&world, made["user_id"].as_str().unwrap());
    admin
        .patch(&path(&made), &json!({ "name": "Ann", "email": made["email"], "blocked": false }))
        .expect(200);
    assert_eq!(alive(&world), 3, "the same address again is no other one");
    assert_eq!(admin.patch(&path(&made), &json!({ "blocked": true })).expect(200).json()["blocked"], true);
    assert_eq!(alive(&world), 0);

    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("users", &ann()).expect(201).json();
    signed_in(&world, made["user_id"].as_str().unwrap());
    admin.patch(&path(&made), &json!({ "email": "anna@acme.test" })).expect(200);
    assert_eq!(alive(&world), 0);

    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("users", &ann()).expect(201).json();
    signed_in(&world, made["user_id"].as_str().unwrap());
    world.advance(gatehouse::time::Lifetime::seconds(1));
    admin.patch(&path(&made), &json!({ "password": "N3w-and-better", "connection": DATABASE })).expect(200);
    assert_eq!(alive(&world), 0);
    let hashes =
        world.database("SHARED").query("select changed_at from passwords where changed_at > 1800000000000");
    assert_eq!(hashes.len(), 1);
}

#[test]
fn a_removed_user_leaves_nothing_but_the_log() {
    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("users", &ann()).expect(201).json();
    let id = made["user_id"].as_str().unwrap();
    signed_in(&world, id);
    let database = world.database("SHARED");
    for statement in [
        format!(
            "insert into user_roles (tenant_id, user_id, role_id, created_at) values ('main', '{id}', 'r', 1)"
        ),
        format!(
            "insert into user_permissions (tenant_id, user_id, resource_server_identifier, permission_name, created_at) values ('main', '{id}', 'a', 'p', 1)"
        ),
        format!(
            "insert into organization_members (tenant_id, organization_id, user_id, created_at) values ('main', 'o', '{id}', 1)"
        ),
        format!(
            "insert into users (tenant_id, user_id, connection, provider, linked_to, created_at, updated_at) values ('main', 'google-oauth2|1', 'google', 'google-oauth2', '{id}', 1, 1)"
        ),
    ] {
        database.query(&statement);
    }
    let linked = admin.get(&path(&made)).expect(200).json();
    assert_eq!(
        linked["identities"][1],
        json!({ "connection": "google", "provider": "google-oauth2", "user_id": "1", "isSocial": true, "profileData": { "email_verified": false } })
    );
    admin.get("users/google-oauth2%7C1").expect(404);
    assert_eq!(
        admin.get("users?q=provider:google-oauth2").expect(200).json(),
        json!([]),
        "no account, only an identity of one"
    );

    let answer = admin.delete(&path(&made)).expect(204);
    assert_eq!(answer.round_trips(), 2);
    assert!(answer.text().is_empty());
    admin.get(&path(&made)).expect(404);
    let left = database.contents("main");
    let tables: Vec<&str> =
        left.lines().filter(|line| line.contains(id)).map(|line| line.split(':').next().unwrap()).collect();
    assert!(tables.iter().all(|table| *table == "logs"), "{tables:?}");
    assert!(!left.contains("google-oauth2|1"));
}

#[test]
fn scopes_are_needed_one_by_one() {
    let world = World::new();
    let made = make(&world.admin(""), "ann@acme.test");
    let reader = world.admin("read:users");
    reader.get(&path(&made)).expect(200);
    for answer in [
        reader.post("users", &ann()),
        reader.patch(&path(&made), &json!({ "name": "x" })),
        reader.delete(&path(&made)),
        world.admin("create:users").get("users"),
    ] {
        assert_eq!(answer.expect(403).json()["errorCode"], "insufficient_scope");
    }
}

#[test]
fn another_tenants_users_are_not_there() {
    let world = World::new();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    let ours = make(&main, "ann@acme.test");
    let theirs = make(&acme, "ann@acme.test");
    let before = contents(&world);
    acme.get(&path(&ours)).expect(404);
    acme.patch(&path(&ours), &json!({ "name": "taken over", "password": "Tr0ub4dor-3" })).expect(404);
    acme.delete(&path(&ours)).expect(204);
    let listed = acme.get("users").expect(200).json();
    assert_eq!(listed, json!([theirs]));
    assert_eq!(acme.get("users-by-email?email=ann%40acme.test").expect(200).json(), json!([theirs]));
    assert!(contents(&world) == before);
}
