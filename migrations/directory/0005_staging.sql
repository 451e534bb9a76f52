-- A tenant that is active but not open yet: its pages are for those who were sent a pass. It has a column of its own because
-- the states that `status` allows were fixed before there was this one.
alter table tenants add column staged integer not null default 0;
