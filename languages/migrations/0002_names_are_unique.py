"""A slug or alias names one language, also when two admins save at the same moment."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

CREATE = """
CREATE FUNCTION languages_refuse_name_clash() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    clash text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('languages_language names'));
    SELECT other.slug INTO clash FROM languages_language other
        WHERE other.id <> NEW.id AND other.slug::text || other.aliases::text[] && (NEW.slug::text || NEW.aliases::text[])
        LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING
            MESSAGE = format('a name of %s already names %s', NEW.slug, clash), CONSTRAINT = 'language_names_are_unique';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER language_names_are_unique AFTER INSERT OR UPDATE OF slug, aliases ON languages_language
    FOR EACH ROW EXECUTE FUNCTION languages_refuse_name_clash();
"""
DROP = """
DROP TRIGGER language_names_are_unique ON languages_language;
DROP FUNCTION languages_refuse_name_clash();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0001_language")]
    operations: ClassVar = [migrations.RunSQL(CREATE, DROP)]
