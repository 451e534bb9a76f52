-- Who has a phone number. Not unique: in a database of before, a number may be there twice. What gives one to somebody asks
-- first, in its own transaction.
create index users_by_phone on users (tenant_id, connection, phone_number);
