\echo before
DO $$ BEGIN ASSERT 1 + 1 = 3, 'one and one'; END $$;
