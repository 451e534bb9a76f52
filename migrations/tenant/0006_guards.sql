-- Guards: batches begin or end with an insert into one of these, which stores nothing and refuses the batch if it must.

-- What a change began from must still be there.
create view change_guard (tenant_id, expected, found) as select '', '', '' where false;

create trigger change_guard_same instead of insert on change_guard
when new.expected is not new.found
begin
  select raise(abort, 'gatehouse: outrun');
end;

-- A tenant has so many rows of a kind, or so many bytes of documents, and no more.
create view quota_guard (tenant_id, found, most) as select '', 0, 0 where false;

create trigger quota_guard_full instead of insert on quota_guard
when new.found > new.most
begin
  select raise(abort, 'gatehouse: quota');
end;
