\echo started
\echo -n half a line
DO $$ BEGIN LOOP END LOOP; END $$;
