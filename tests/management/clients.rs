//! Clients: what is made of the little that is given, what is refused, and who sees a secret.

use crate::support::{Admin, Answer, Ask, World, world::MACHINE_ID};
use serde_json::{Value as Json, json};

fn made(admin: &Admin, body: &Json) -> Json {
    admin.post("clients", body).expect(201).json()
}

fn url(client: &Json) -> String {
    format!("clients/{}", client["client_id"].as_str().unwrap())
}

/// Whether the token endpoint takes these credentials: what comes after them is refused.
fn proves_itself(world: &World, client: &Json, secret: &str) -> bool {
    let fields = [("grant_type", "client_credentials"), ("audience", "https://nobody.example")];
    let id = client["client_id"].as_str().unwrap();
    let ask = Ask::post("", "/oauth/token")
        .form(&[&fields[..], &[("client_id", id), ("client_secret", secret)]].concat());
    world.another_isolate().send(ask).json()["error"] != "invalid_client"
}

fn refused(answer: Answer, words: &str) {
    let refusal = answer.expect(400).json();
    assert_eq!(refusal["errorCode"], "invalid_body");
    assert!(refusal["message"].as_str().unwrap().contains(words), "{words}: {refusal}");
}

#[test]
fn the_kind_decides_what_is_not_given() {
    let world = World::new();
    let admin = world.admin("create:clients");
    let login = json!(["authorization_code", "refresh_token"]);
    for (kind, method, grants) in [
        (json!("native"), "none", &login),
        (json!("spa"), "none", &login),
        (json!("regular_web"), "client_secret_post", &login),
        (Json::Null, "client_secret_post", &login),
        (json!("non_interactive"), "client_secret_post", &json!(["client_credentials"])),
    ] {
        let client = made(&admin, &json!({ "name": "App", "app_type": kind }));
        assert_eq!((&client["token_endpoint_auth_method"], &client["grant_types"]), (&json!(method), grants));
        assert_eq!(client["client_id"].as_str().unwrap().len(), 32);
        assert_eq!(client["app_type"], if kind.is_null() { json!("regular_web") } else { kind });
        let secret = client["client_secret"].as_str();
        assert_eq!(secret.map(str::len), (method != "none").then_some(64), "{client}");
        assert!(secret.is_none_or(|secret| proves_itself(&world, &client, secret)));
    }
    let given = json!({ "name": "App", "app_type": "spa", "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"], "sso": true, "addons": { "samlp": {} } });
    let client = made(&admin, &given);
    for (name, value) in given.as_object().unwrap() {
        assert_eq!(client[name], *value, "what is given counts, and what is not interpreted is kept");
    }
}

#[test]
fn a_secret_is_shown_once_and_later_to_who_may_read_keys() {
    let world = World::new();
    let admin = world.admin("read:clients create:clients update:clients");
    let client = made(&admin, &json!({ "name": "App" }));
    let secret = client["client_secret"].as_str().unwrap();
    assert!(
        !world.database("SHARED").contents("main").contains(secret),
        "it is stored digested and sealed only"
    );

    let shown = admin.get(&url(&client)).expect(200).json();
    assert_eq!(shown.get("client_secret"), None);
    let list = admin.get("clients").expect(200).json();
    assert!(list.as_array().unwrap().iter().all(|client| client.get("client_secret").is_none()));
    assert_eq!(
        admin.patch(&url(&client), &json!({ "name": "B" })).expect(200).json().get("client_secret"),
        None
    );

    let reader = world.admin("read:clients read:client_keys");
    assert_eq!(reader.get(&url(&client)).expect(200).json()["client_secret"], secret);
    let list = reader.get("clients").expect(200).json();
    let listed = list.as_array().unwrap().iter().find(|one| one["client_id"] == client["client_id"]).unwrap();
    assert_eq!(listed["client_secret"], secret);
}

#[test]
fn rotating_a_secret_ends_the_old_one() {
    let world = World::new();
    let admin = world.admin("");
    let client = made(&admin, &json!({ "name": "App" }));
    let old = client["client_secret"].as_str().unwrap();
    let rotated = admin.post(&format!("{}/rotate-secret", url(&client)), &json!({})).expect(200).json();
    let new = rotated["client_secret"].as_str().unwrap();
    assert_ne!(old, new);
    assert!(proves_itself(&world, &client, new) && !proves_itself(&world, &client, old));
    assert_eq!(admin.get(&url(&client)).expect(200).json(), rotated);

    let public = made(&admin, &json!({ "name": "App", "app_type": "native" }));
    let refusal = admin.post(&format!("{}/rotate-secret", url(&public)), &json!({})).expect(400).json();
    assert_eq!(refusal["errorCode"], "public_client");
    world.admin("update:clients").post(&format!("{}/rotate-secret", url(&client)), &json!({})).expect(403);
}

#[test]
fn the_secret_of_a_machine_is_not_for_those_who_may_do_less() {
    let world = World::new();
    let scope = "read:clients read:client_keys update:clients update:client_keys";
    world.admin("").get("clients").expect(200);
    let holder = |user: &str, scope: &str| {
        world.holder("", &world.signed("main", &json!({ "sub": user, "scope": scope })))
    };
    let app = made(&holder("auth0|clerk", "create:clients"), &json!({ "name": "App" }));
    let clerk = holder("auth0|clerk", scope);
    let machine = format!("clients/{MACHINE_ID}");
    assert_eq!(clerk.get(&machine).expect(200).json().get("client_secret"), None);
    assert_eq!(clerk.get(&url(&app)).expect(200).json()["client_secret"], app["client_secret"]);
    let list = clerk.get("clients").expect(200).json();
    let shown = list.as_array().unwrap().iter().filter(|client| client.get("client_secret").is_some());
    assert_eq!(shown.map(|client| &client["client_id"]).collect::<Vec<_>>(), [&app["client_id"]]);

    clerk.post(&format!("{machine}/rotate-secret"), &json!({})).expect(403);
    let public = json!({ "token_endpoint_auth_method": "none", "grant_types": [] });
    let confidential =
        json!({ "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"] });
    let stored = || world.database("SHARED").query("select * from clients order by client_id");
    let before = stored();
    clerk.patch(&machine, &json!({ "token_endpoint_auth_method": "none" })).expect(403);
    clerk.patch(&machine, &public).expect(403);
    assert_eq!(stored(), before, "nobody makes a client public that may do more than they");
    clerk.patch(&url(&app), &public).expect(200);
    clerk.patch(&url(&app), &confidential).expect(200);
    clerk.post(&format!("{}/rotate-secret", url(&app)), &json!({})).expect(200);

    let administrator =
        world.database("SHARED").query("select user_id from users where email = 'admin@example.com'");
    let administrator = administrator[0]["user_id"].as_str().unwrap();
    // Their token says what they may do, and not that they could get another one.
    holder(administrator, scope).patch(&machine, &public).expect(403);
    let administrator = holder(administrator, &format!("{scope} tenant:admin"));
    assert_eq!(administrator.patch(&machine, &public).expect(200).json().get("client_secret"), None);
    clerk.patch(&machine, &confidential).expect(403);
    let again = administrator.patch(&machine, &confidential).expect(200).json();
    let secret = again["client_secret"].as_str().unwrap();
    assert_eq!(administrator.get(&machine).expect(200).json()["client_secret"], secret);
    assert_eq!(clerk.get(&machine).expect(200).json().get("client_secret"), None);
}

#[test]
fn a_change_replaces_what_it_names_and_null_takes_away() {
    let world = World::new();
    let admin = world.admin("");
    let client = made(
        &admin,
        &json!({ "name": "App", "description": "One", "callbacks": ["https://a.example/cb"], "logo_uri": "https://a.example/l",
            "client_metadata": { "kept": "1", "gone": "2" }, "refresh_token": { "leeway": 3, "rotation_type": "rotating" } }),
    );
    let change = json!({ "name": "Renamed", "description": null, "callbacks": ["https://b.example/cb"],
        "client_metadata": { "gone": null, "new": "3" }, "refresh_token": { "leeway": 5 }, "logo_uri": null });
    let changed = admin.patch(&url(&client), &change).expect(200).json();
    let mut expected = client.clone();
    for (name, value) in [
        ("name", json!("Renamed")),
        ("callbacks", json!(["https://b.example/cb"])),
        ("client_metadata", json!({ "kept": "1", "new": "3" })),
        ("refresh_token", json!({ "leeway": 5, "rotation_type": "rotating", "expiration_type": "expiring" })),
    ] {
        expected[name] = value;
    }
    expected.as_object_mut().unwrap().retain(|name, _| name != "description" && name != "logo_uri");
    assert_eq!(changed, expected);
    assert_eq!(admin.get(&url(&client)).expect(200).json(), expected);
}

#[test]
fn a_client_that_becomes_public_loses_its_secret_and_one_that_becomes_confidential_gets_one() {
    let world = World::new();
    let admin = world.admin("read:clients create:clients update:clients");
    let client = made(&admin, &json!({ "name": "App" }));
    let secret = client["client_secret"].as_str().unwrap();
    let public = json!({ "token_endpoint_auth_method": "none" });
    assert_eq!(admin.patch(&url(&client), &public).expect(200).json().get("client_secret"), None);
    assert!(!proves_itself(&world, &client, secret));
    let stored = "select 1 from clients where name = 'App' and (secret_digest is not null or sealed_secret is not null)";
    assert_eq!(world.database("SHARED").query(stored).len(), 0);

    let confidential = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let again = admin.patch(&url(&client), &confidential).expect(200).json();
    let new = again["client_secret"].as_str().unwrap();
    assert!(new != secret && proves_itself(&world, &client, new));
}

#[test]
fn what_a_client_may_not_be_is_refused_by_name_and_changes_nothing() {
    let world = World::new();
    let admin = world.admin("");
    let client = made(&admin, &json!({ "name": "App" }));
    let before = world.database("SHARED").but_for_logs("main");
    let long = "x".repeat(256);
    for (body, words) in [
        (json!({}), "name must have"),
        (json!({ "name": "<b>" }), "name must have"),
        (json!({ "name": long }), "name must have"),
        (json!({ "name": 5 }), "name: invalid type"),
        (json!({ "name": "A", "app_type": "toaster" }), "app_type: unknown variant"),
        (json!({ "name": "A", "app_type": ["spa"] }), "app_type: "),
        (json!({ "name": "A", "callbacks": "https://a.example" }), "callbacks: invalid type"),
        (json!({ "name": "A", "callbacks": [1] }), "callbacks: invalid type"),
        (json!({ "name": "A", "grant_types": {} }), "grant_types: invalid type"),
        (json!({ "name": "A", "is_first_party": "yes" }), "is_first_party: invalid type"),
        (json!({ "name": "A", "refresh_token": { "leeway": "1" } }), "refresh_token: invalid type"),
        (json!({ "name": "A", "refresh_token": { "leeway": -1 } }), "leeway must be 0"),
        (
            json!({ "name": "A", "refresh_token": { "token_lifetime": 1_i64 << 60 } }),
            "token_lifetime must be 1",
        ),
        (json!({ "name": "A", "refresh_token": { "rotation_type": "always" } }), "rotation_type must be"),
        (json!({ "name": "A", "organization_usage": "maybe" }), "organization_usage: unknown variant"),
        (
            json!({ "name": "A", "token_endpoint_auth_method": "guess" }),
            "token_endpoint_auth_method: unknown variant",
        ),
        (
            json!({ "name": "A", "app_type": "spa", "grant_types": ["client_credentials"] }),
            "grant_types: client_cred",
        ),
        (json!({ "name": "A", "description": "x".repeat(141) }), "description can have 140"),
        (json!({ "name": "A", "client_metadata": { "a": 1 } }), "client_metadata can hold"),
        (json!({ "name": "A", "client_id": "mine" }), "client_id cannot be set"),
        (json!({ "name": "A", "client_secret": "mine" }), "client_secret cannot be set"),
        (json!({ "name": "A", "created_at": "now" }), "created_at cannot be set"),
        (json!(null), "the body is not a JSON object"),
    ] {
        refused(admin.post("clients", &body), words);
    }
    for (body, words) in [
        (json!({ "name": null }), "name must have"),
        (json!({ "client_id": "mine" }), "client_id cannot be set"),
        (json!({ "client_secret": "mine" }), "client_secret must be 16"),
        (json!({ "callbacks": ["/relative"] }), "callbacks: \"/relative\" must be an absolute URL"),
        (json!({ "grant_types": 1 }), "grant_types: invalid type"),
    ] {
        refused(admin.patch(&url(&client), &body), words);
    }
    for raw in ["{", "{\"name\":\"A\"", "name=A", "\u{0}", "[{}]"] {
        let ask = Ask::post("", "/api/v2/clients").bearer(&world.machine_token("")).body(raw.as_bytes());
        refused(world.send(ask), "the body is not a JSON object");
    }
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
}

#[test]
fn a_url_that_a_code_may_be_sent_to_is_absolute_private_and_exact() {
    let world = World::new();
    let admin = world.admin("create:clients");
    let register = |kind: &str, member: &str, url: &str| {
        admin.post("clients", &json!({ "name": "A", "app_type": kind, member: [url] }))
    };
    for (kind, url) in [
        ("regular_web", "https://app.example.com/cb?x=1"),
        ("regular_web", "https://*.example.com/cb"),
        ("spa", "https://app-*-team.vercel.app/cb"),
        ("spa", "http://localhost:3000/cb"),
        ("spa", "http://acme.localhost:3000"),
        ("native", "http://127.0.0.1:4000/cb"),
        ("native", "http://[::1]/cb"),
        ("native", "com.example.app:/oauth"),
        ("native", "exampleapp://callback"),
    ] {
        register(kind, "callbacks", url).expect(201);
        register(kind, "allowed_logout_urls", url).expect(201);
    }
    for (kind, url, words) in [
        ("regular_web", "", "must be an absolute URL"),
        ("regular_web", "/cb", "must be an absolute URL"),
        ("regular_web", "//app.example.com/cb", "must be an absolute URL"),
        ("regular_web", "https://", "must be an absolute URL"),
        ("regular_web", "https://app.example.com/cb#x", "must not have a fragment"),
        ("regular_web", "https://app.example.com/cb#", "must not have a fragment"),
        ("regular_web", "https://me@app.example.com/cb", "must not have a user name"),
        ("regular_web", "https://app.example.com/\\cb", "must not have spaces"),
        ("regular_web", "https://app.example.com/ cb", "must not have spaces"),
        ("regular_web", "https://app.example.com/\ncb", "must not have spaces"),
        ("regular_web", "http://app.example.com/cb", "must use https"),
        ("regular_web", "http://localhost.example.com/cb", "must use https"),
        ("regular_web", "com.example.app:/oauth", "only a native app"),
        ("native", "http://app.example.com/cb", "must use https"),
        ("native", "javascript:alert(1)", "must not use this scheme"),
        ("native", "data:text/html,x", "must not use this scheme"),
        ("spa", "https://*", "can have one *"),
        ("spa", "https://*.com/cb", "can have one *"),
        ("spa", "https://app.*.com/cb", "can have one *"),
        ("spa", "https://*.co.uk/cb", "can have one *"),
        ("spa", "https://*.vercel.app/cb", "can have one *"),
        ("spa", "https://app.example.com/*", "can have one *"),
        ("native", "com.example.app://*.example.com/cb", "can have one *"),
        ("spa", "https://*.*.example.com/cb", "can have one *"),
        ("spa", "https://app.example.com/*", "can have one *"),
        ("spa", "https://app.example.com/?next=*", "can have one *"),
    ] {
        refused(register(kind, "callbacks", url), words);
        refused(register(kind, "allowed_logout_urls", url), words);
    }
    register("spa", "web_origins", "https://app.example.com").expect(201);
    register("spa", "allowed_origins", "https://*.example.com:8443").expect(201);
    for url in ["https://app.example.com/cb", "https://app.example.com?x", "https://app.example.com/#x"] {
        refused(register("spa", "web_origins", url), "must be an origin");
    }
    let many = vec!["https://app.example.com"; 101];
    refused(admin.post("clients", &json!({ "name": "A", "callbacks": many })), "callbacks can hold 100");
}

#[test]
fn a_client_goes_with_its_grants_and_tokens() {
    let world = World::new();
    let admin = world.admin("");
    let client = made(&admin, &json!({ "name": "App", "app_type": "non_interactive" }));
    let id = client["client_id"].as_str().unwrap();
    let audience = "http://localhost:8787/api/v2/";
    let grant = json!({ "client_id": id, "audience": audience, "scope": ["read:clients"] });
    admin.post("client-grants", &grant).expect(201);
    world.database("SHARED").query(&format!(
        "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, audience, scope, rotating,
           authenticated_at, created_at) values ('main', 'a', 'a', 'a', 'a', '{id}', 'u', 'x', '', 1, 1, 1),
           ('main', 'b', 'b', 'b', 'b', 'another', 'u', 'x', '', 1, 1, 1)"
    ));
    admin.delete(&url(&client)).expect(204);
    admin.delete(&url(&client)).expect(204);
    assert_eq!(admin.get(&url(&client)).expect(404).json()["errorCode"], "inexistent_client");
    assert_eq!(
        admin.patch(&url(&client), &json!({ "name": "X" })).expect(404).json()["errorCode"],
        "inexistent_client"
    );
    let database = world.database("SHARED");
    assert_eq!(
        database.query("select id from client_grants where client_id <> 'management-machine'").len(),
        0
    );
    let tokens = database.query("select id from refresh_tokens");
    assert_eq!(json!(tokens), json!([{ "id": "b" }]));
}

#[test]
fn a_list_of_clients_pages() {
    let world = World::new();
    let admin = world.admin("");
    for _ in 0..3 {
        made(&admin, &json!({ "name": "App" }));
    }
    admin.get("clients").expect(200);
    let first = admin.get("clients?per_page=3&include_totals=true").expect(200);
    assert_eq!(first.round_trips(), 2, "the list, and the entry that says that secrets were shown");
    let (first, second) = (first.json(), admin.get("clients?per_page=3&page=1").expect(200).json());
    assert_eq!([&first["total"], &first["length"], &first["start"]], [&json!(4), &json!(3), &json!(0)]);
    let ids = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["client_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&admin.get("clients").expect(200).json());
    assert_eq!([ids(&first["clients"]), ids(&second)].concat(), all);
}

#[test]
fn a_list_of_clients_is_narrowed_by_what_it_is_asked_for_and_by_nothing_else() {
    let world = World::new();
    let admin = world.admin("");
    let ours = made(&admin, &json!({ "name": "Ours", "app_type": "spa" }));
    let theirs = made(&admin, &json!({ "name": "Theirs", "app_type": "native", "is_first_party": false }));
    let names = |query: &str| -> Vec<String> {
        let found = admin.get(&format!("clients?{query}")).expect(200).json();
        let mut names: Vec<_> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|client| client["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("app_type=spa,native"), ["Ours", "Theirs"]);
    assert_eq!(names("is_first_party=false"), ["Theirs"]);
    assert_eq!(names("is_global=true"), Vec::<String>::new());
    for query in ["q=name:x", "external_client_id=x", "is_first_party=maybe"] {
        admin.get(&format!("clients?{query}")).expect(400);
    }
    // The types of SDKs ask for both.
    let life = &admin.get(&url(&ours)).expect(200).json()["refresh_token"];
    assert_eq!(life, &json!({ "rotation_type": "rotating", "expiration_type": "expiring" }));
    let narrow = admin.get(&format!("{}?fields=name,client_id", url(&theirs))).expect(200).json();
    assert_eq!(narrow, json!({ "name": "Theirs", "client_id": theirs["client_id"] }));
}
