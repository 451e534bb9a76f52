-- Whether somebody who held everything stands for this client: only then does it get a person's permissions of the
-- management API without asking them. No document says so, because whoever may change a document could then say it.
alter table clients add column vouched integer not null default 0;

-- Who has let a client have what.
create index grants_by_client on grants (tenant_id, client_id);

-- Who holds what of an API.
create index user_permissions_by_api on user_permissions (tenant_id, resource_server_identifier, permission_name);
