//! Machines that act inside organizations: which grants are associated with which, and what their tokens say.

use crate::{
    oauth::{error, opened},
    support::{Admin, Answer, Ask, World},
};
use serde_json::{Value as Json, json};

const API: &str = "https://orders.example/";

/// A world with an API, a machine that was granted it like this, and two organizations.
struct Scene {
    world: World,
    machine: Json,
    grant: String,
    organizations: [String; 2],
}

impl Scene {
    fn new(grant: &Json) -> Self {
        let world = World::new();
        let admin = world.admin("");
        admin
            .post("resource-servers", &json!({ "identifier": API, "scopes": [{ "value": "read" }] }))
            .expect(201);
        let machine = json!({ "name": "Machine", "app_type": "non_interactive" });
        let machine = admin.post("clients", &machine).expect(201).json();
        let mut body = json!({ "client_id": machine["client_id"], "audience": API, "scope": ["read"] });
        for (name, value) in grant.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = admin.post("client-grants", &body).expect(201).json();
        for (name, value) in grant.as_object().unwrap() {
            assert_eq!(made[name], *value);
        }
        let organizations = ["red_team", "blue_team"].map(|name| {
            let made = admin.post("organizations", &json!({ "name": name })).expect(201).json();
            made["id"].as_str().unwrap().to_owned()
        });
        let grant = made["id"].as_str().unwrap().to_owned();
        Self { world, machine, grant, organizations }
    }

    fn admin(&self) -> Admin<'_> {
        self.world.admin("")
    }

    fn associate(&self, organization: &str) -> Answer {
        let path = format!("organizations/{organization}/client-grants");
        self.admin().post(&path, &json!({ "grant_id": self.grant }))
    }

    fn token(&self, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.machine["client_id"].as_str().unwrap()),
            ("client_secret", self.machine["client_secret"].as_str().unwrap()),
            ("audience", API),
        ];
        form.extend_from_slice(more);
        self.world.send(Ask::post("", "/oauth/token").form(&form))
    }

    fn refused(&self, more: &[(&str, &str)], status: u16) -> String {
        error(&self.token(more).expect(status))
    }
}

fn claims(answer: &Answer) -> Json {
    opened(answer.json()["access_token"].as_str().unwrap()).1
}

#[test]
fn a_machine_acts_in_the_organizations_that_its_grant_is_associated_with() {
    let scene = Scene::new(&json!({ "organization_usage": "allow" }));
    let [red, blue] = &scene.organizations;
    assert_eq!(scene.refused(&[("organization", red)], 403), "access_denied");
    assert_eq!(scene.associate(red).expect(201).json()["id"], scene.grant.as_str());
    scene.associate(red).expect(201);
    scene.token(&[]).expect(200);
    let answer = scene.token(&[("organization", red)]).expect(200);
    assert_eq!(answer.round_trips(), 1);
    assert_eq!((&claims(&answer)["org_id"], &claims(&answer)["org_name"]), (&json!(red), &json!("red_team")));
    assert_eq!(claims(&scene.token(&[("organization", "Red_Team")]).expect(200))["org_id"], red.as_str());
    assert_eq!(scene.refused(&[("organization", blue)], 403), "access_denied");
    assert_eq!(scene.refused(&[("organization", "org_nope")], 400), "invalid_request");
    assert!(claims(&scene.token(&[]).expect(200)).get("org_id").is_none(), "allowed, not required");
    let entries = "select description from logs where type = 'seccft' and description like '%organization'";
    assert_eq!(scene.world.database("SHARED").query(entries).len(), 2, "a refusal is no success");

    scene.admin().delete(&format!("organizations/{red}/client-grants/{}", scene.grant)).expect(204);
    assert_eq!(scene.refused(&[("organization", red)], 403), "access_denied");
}

#[test]
fn a_grant_denies_allows_or_requires_an_organization() {
    for (usage, without, within) in [("deny", 200, 403), ("allow", 200, 200), ("require", 400, 200)] {
        let scene = Scene::new(&json!({ "organization_usage": usage, "allow_any_organization": true }));
        assert_eq!(scene.token(&[]).status(), without, "{usage}");
        let organization = [("organization", scene.organizations[0].as_str())];
        assert_eq!(scene.token(&organization).status(), within, "{usage}");
    }
    let scene = Scene::new(&json!({}));
    assert_eq!(scene.refused(&[("organization", &scene.organizations[0])], 403), "access_denied");
}

#[test]
fn any_organization_is_any_that_there_is() {
    let scene = Scene::new(&json!({ "organization_usage": "require", "allow_any_organization": true }));
    for organization in &scene.organizations {
        assert_eq!(
            claims(&scene.token(&[("organization", organization)]).expect(200))["org_id"],
            organization.as_str()
        );
    }
    assert_eq!(scene.refused(&[("organization", "org_nope")], 400), "invalid_request");
    let url = format!("client-grants/{}", scene.grant);
    scene.admin().patch(&url, &json!({ "allow_any_organization": false })).expect(200);
    assert_eq!(scene.refused(&[("organization", &scene.organizations[0])], 403), "access_denied");
}

#[test]
fn a_machine_may_have_an_organization_by_default() {
    let scene = Scene::new(&json!({ "organization_usage": "require", "allow_any_organization": true }));
    let [red, blue] = &scene.organizations;
    let default =
        json!({ "default_organization": { "organization_id": red, "flows": ["client_credentials"] } });
    let url = format!("clients/{}", scene.machine["client_id"].as_str().unwrap());
    scene.admin().patch(&url, &default).expect(200);
    assert_eq!(claims(&scene.token(&[]).expect(200))["org_id"], red.as_str());
    assert_eq!(claims(&scene.token(&[("organization", blue)]).expect(200))["org_id"], blue.as_str());
}

#[test]
fn associations_are_listed_from_both_sides_and_go_with_either() {
    let scene = Scene::new(&json!({ "organization_usage": "allow" }));
    let ([red, blue], admin) = (&scene.organizations, scene.admin());
    scene.associate(red).expect(201);
    scene.associate(blue).expect(201);
    let grants =
        |query: &str| admin.get(&format!("organizations/{red}/client-grants{query}")).expect(200).json();
    assert_eq!(grants("")[0]["id"], scene.grant.as_str());
    assert_eq!(grants("?include_totals=true")["total"], 1);
    assert_eq!(grants("?audience=https%3A%2F%2Fother.example"), json!([]));
    let of_grant = format!("client-grants/{}/organizations", scene.grant);
    let listed = admin.get(&format!("{of_grant}?include_totals=true")).expect(200).json();
    assert_eq!((&listed["total"], listed["organizations"].as_array().unwrap().len()), (&json!(2), 2));

    admin.delete(&format!("organizations/{blue}")).expect(204);
    assert_eq!(admin.get(&of_grant).expect(200).json().as_array().unwrap().len(), 1);
    admin.delete(&format!("client-grants/{}", scene.grant)).expect(204);
    assert_eq!(grants(""), json!([]));
    let left = scene.world.database("SHARED").query("select grant_id from organization_client_grants");
    assert!(left.is_empty());
}

#[test]
fn what_goes_with_its_client_or_its_api_leaves_no_association() {
    for path in ["clients/{client}", "resource-servers/https%3A%2F%2Forders.example%2F"] {
        let scene = Scene::new(&json!({ "organization_usage": "allow" }));
        scene.associate(&scene.organizations[0]).expect(201);
        let client = scene.machine["client_id"].as_str().unwrap();
        scene.admin().delete(&path.replace("{client}", client)).expect(204);
        let left = scene.world.database("SHARED").query("select grant_id from organization_client_grants");
        assert!(left.is_empty(), "{path}");
    }
}

#[test]
fn what_cannot_be_associated_is_refused() {
    let scene = Scene::new(&json!({}));
    let ([red, _], admin) = (&scene.organizations, scene.admin());
    let stored = || {
        let database = scene.world.database("SHARED");
        let associations = database.query("select grant_id from organization_client_grants");
        (
            database.query("select id, organization_usage, allow_any_organization from client_grants"),
            associations,
        )
    };
    let before = stored();
    let refusal = scene.associate(red).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("organization_usage"), "{refusal}");
    let path = format!("organizations/{red}/client-grants");
    for body in [
        json!({}),
        json!({ "grant_id": "cgr_nope" }),
        json!({ "grant_id": 1 }),
        json!({ "grant_id": scene.grant, "x": 1 }),
    ] {
        admin.post(&path, &body).expect(400);
    }
    admin.post("organizations/org_nope/client-grants", &json!({ "grant_id": scene.grant })).expect(404);
    admin.get("organizations/org_nope/client-grants").expect(404);
    admin.get("client-grants/cgr_nope/organizations").expect(404);
    // The management API knows no organizations inside the tenant, so a machine would manage all of it.
    let management = json!({ "client_id": scene.machine["client_id"], "audience": "http://localhost:8787/api/v2/",
        "organization_usage": "require" });
    let refusal = admin.post("client-grants", &management).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("organization_usage"), "{refusal}");
    for (member, value) in
        [("subject_type", "user"), ("organization_usage", "always"), ("allow_any_organization", "yes")]
    {
        let refusal = admin
            .patch(&format!("client-grants/{}", scene.grant), &json!({ member: value }))
            .expect(400)
            .json();
        assert!(refusal["message"].as_str().unwrap().contains(member), "{refusal}");
    }
    assert_eq!(stored(), before);
}

#[test]
fn grants_are_found_by_what_they_allow() {
    let scene = Scene::new(&json!({ "organization_usage": "allow", "allow_any_organization": true }));
    let count = |query: &str| {
        scene.admin().get(&format!("client-grants?{query}")).expect(200).json().as_array().unwrap().len()
    };
    assert_eq!(["allow_any_organization=true", "allow_any_organization=false"].map(count), [1, 1]);
    assert_eq!(["subject_type=client", "subject_type=user", ""].map(count), [2, 0, 2]);
    scene.admin().get("client-grants?subject_type=machine").expect(400);
    scene.admin().get("client-grants?allow_any_organization=1").expect(400);
}
