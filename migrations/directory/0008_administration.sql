-- The first start after this seeds the installation once more: the machine that manages every tenant may do what has come
-- since, and holds the scope that stands for everything.
insert into meta (key, value) values ('administration', '1') on conflict (key) do nothing;
