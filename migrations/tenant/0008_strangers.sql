-- What anybody can have written into the log, by whom it came: counted before more of it is written.
create index logs_by_stranger on logs (tenant_id, client_id, type, date)
where type in ('f', 'fu', 'fp', 'fs', 'fapi', 'feacft', 'feccft', 'fertft', 'limit_wc', 'limit_mu', 'limit_sul');
