\echo leaving
DO $$ BEGIN RAISE EXCEPTION 'the end'; END $$;
\echo not here
