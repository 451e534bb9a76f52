-- What a tenant can be brought back from. And the first start after a migration seeds the installation once more: from here on
-- the machine that manages every tenant holds the scope that stands for everything.
create index backups_by_reason on backups (tenant_id, reason);
