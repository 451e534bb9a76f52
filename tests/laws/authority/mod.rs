//! Nobody ends with more than they had. Every scope of the route table, alone and in pairs that add up to something, on
//! every kind of bearer: each does everything that the table lets them do, to whomever and with whatever they can name,
//! and what that made is followed: secrets, passwords, clients, copies, links. What they can then do must be what they
//! could do before; and whoever could do more must still be able to.

mod bodies;
mod outcome;
mod scene;

use crate::support::{
    Ask, World,
    world::{ADMIN_EMAIL, MACHINE_ID, MACHINE_SECRET, MANAGEMENT_AUDIENCE},
};
use outcome::{Loot, objections};
use scene::{Bearer, Kind, Scene, catalogue};

/// Scopes that add up to something. The rest stand alone.
const TOGETHER: [&[&str]; 10] = [
    &["create:clients", "create:client_grants"],
    &["create:clients", "create:client_grants", "create:resource_servers"],
    &["create:clients", "read:clients", "update:clients", "update:client_keys", "read:client_keys"],
    &["create:users", "update:users", "read:users", "delete:users"],
    &["create:roles", "update:roles", "delete:roles", "update:users"],
    &["create:organizations", "create:organization_members", "create:organization_member_roles"],
    &["update:tenants", "read:tenants", "read:tenant_operations"],
    &["update:tenants", "create:tenants"],
    &["import:tenants", "create:tenants"],
    &["update:tenant_settings", "update:connections", "delete:authentication_methods", "delete:sessions"],
];

fn alone_and_together(kinds: &[Kind]) {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    let scene = Scene::new(&world);
    let alone = catalogue(&world).into_iter().map(|scope| vec![scope]);
    let together = TOGETHER.iter().map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
    let sets: Vec<Vec<String>> = alone.chain(together).collect();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for kind in kinds {
        for scopes in &sets {
            let world = scene.restored(&world);
            let bearer = scene.bearer(&world, *kind, scopes);
            let loot = scene.rampage(&world, &bearer);
            // Whoever may delete a tenant may: there is nobody left there to ask.
            let found = objections(&scene, &world, &bearer, &loot).into_iter();
            let found = found.filter(|one| {
                !(bearer.scopes.iter().any(|scope| scope == "delete:tenants") && one.contains("of acme"))
            });
            wrong.extend(found.map(|one| format!("{kind:?} with {}: {one}", bearer.scopes.join(" "))));
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried >= kinds.len() * 40);
}

#[test]
fn a_person_of_the_main_tenant_ends_with_what_they_had() {
    alone_and_together(&[Kind::PersonOfMain]);
}

#[test]
fn a_machine_of_the_main_tenant_ends_with_what_it_had() {
    alone_and_together(&[Kind::MachineOfMain]);
}

#[test]
fn a_machine_for_all_tenants_ends_with_what_it_had() {
    alone_and_together(&[Kind::MachineForAllTenants]);
}

#[test]
fn an_administrator_by_organization_ends_with_what_their_token_had() {
    alone_and_together(&[Kind::AdministratorByOrganization]);
}

#[test]
fn a_person_or_a_machine_of_a_tenant_ends_with_what_they_had() {
    alone_and_together(&[Kind::PersonOfTenant, Kind::MachineOfTenant]);
}

/// The law can fail: each of these is what a door without its check would leave behind.
#[test]
fn the_law_objects_to_what_a_door_without_its_check_leaves_behind() {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    let scene = Scene::new(&world);
    let scopes = ["create:clients".to_owned()];
    let shared = |sql: &str| drop(world.database("SHARED").query(sql));
    let objects = |words: &str, fault: &dyn Fn(&World, &Bearer, &mut Loot)| {
        let fresh = scene.restored(&world);
        let bearer = scene.bearer(&fresh, Kind::PersonOfMain, &scopes);
        let mut loot = scene.rampage(&fresh, &bearer);
        assert_eq!(objections(&scene, &fresh, &bearer, &loot), Vec::<String>::new());
        fault(&fresh, &bearer, &mut loot);
        let found = objections(&scene, &fresh.another_isolate(), &bearer, &loot);
        assert!(found.iter().any(|one| one.contains(words)), "{words}: {found:?}");
    };
    objects("eve@main.example of main gets a token in \"\": update:users", &|_, bearer, _| {
        shared(&format!(
            "insert into user_permissions (tenant_id, user_id, resource_server_identifier, permission_name, created_at)
             values ('main', '{}', '{MANAGEMENT_AUDIENCE}', 'update:users', 1)",
            bearer.user.as_ref().unwrap()
        ));
    });
    objects("gets a token in \"acme\"", &|world, bearer, _| {
        let person = crate::support::admin::Person { id: bearer.user.clone().unwrap(), token: String::new() };
        world.appoint(&person, "acme");
    });
    objects("gets a token of main: delete:users", &|_, _, loot| {
        let (_, id, _) = loot.clients.iter().find(|(of, _, _)| of == "main").unwrap();
        shared(&format!(
            "insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at)
             values ('main', 'cgr_x', '{id}', '{MANAGEMENT_AUDIENCE}', '[\"delete:users\"]', 1, 1)"
        ));
    });
    objects("is led to", &|_, _, _| {
        shared("update clients set vouched = 1 where document like '%evil.example%'")
    });
    objects("was shown the secret", &|_, _, loot| {
        loot.seen.insert(MACHINE_SECRET.to_owned());
    });
    objects("cannot sign in any more", &|_, _, _| {
        shared(&format!("update users set blocked = 1 where email = '{ADMIN_EMAIL}'"));
    });
    objects("is out of work", &|_, _, _| {
        shared(&format!("delete from client_grants where client_id = '{MACHINE_ID}'"));
    });
}
