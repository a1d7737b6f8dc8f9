"""Every change of a language is written down by the database, with who made it; the admin's log of before comes along."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

CREATE = """
CREATE FUNCTION languages_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) END;
    either jsonb := before || after;
    differing jsonb;
BEGIN
    SELECT jsonb_object_agg(field, jsonb_build_array(before -> field, after -> field)) INTO differing
        FROM jsonb_object_keys(either) AS field
        WHERE field NOT IN ('id', 'updated_at') AND before -> field IS DISTINCT FROM after -> field;
    IF differing IS NOT NULL THEN
        INSERT INTO languages_languagechange (at, who, language_key, slug, kind, what, changes) VALUES (
            clock_timestamp(),
            coalesce(nullif(current_setting('gexec.who', true), ''), 'database user ' || session_user),
            (either ->> 'id')::bigint, either ->> 'slug',
            CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'DELETE' THEN 'removed' ELSE 'changed' END, '', differing);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER language_changed AFTER INSERT OR UPDATE OR DELETE ON languages_language
    FOR EACH ROW EXECUTE FUNCTION languages_record_change();
"""
DROP = """
DROP TRIGGER language_changed ON languages_language;
DROP FUNCTION languages_record_change();
"""
BRING_ALONG = """
INSERT INTO languages_languagechange (at, who, language_key, slug, kind, what, changes)
SELECT log.action_time, person.username, log.object_id::bigint, coalesce(language.slug, left(log.object_repr, 64)),
    'noted',
    CASE WHEN log.action_flag = 3 THEN 'Removed.' WHEN left(log.change_message, 1) <> '[' THEN log.change_message
        WHEN log.action_flag = 1 THEN 'Added.' ELSE 'Saved.' END,
    '{}'
FROM django_admin_log log
JOIN django_content_type type ON type.id = log.content_type_id AND (type.app_label, type.model) = ('languages', 'language')
JOIN auth_user person ON person.id = log.user_id
LEFT JOIN languages_language language ON language.id::text = log.object_id
WHERE log.object_id ~ '^[0-9]{1,18}$' ORDER BY log.id
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("languages", "0013_stacks"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="LanguageChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("who", models.CharField(max_length=200)),
                (
                    "language_key",
                    models.BigIntegerField(help_text="The language's own key. Another may have its slug later."),
                ),
                ("slug", models.CharField(db_index=True, max_length=64, verbose_name="language")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("removed", "Removed"),
                            ("noted", "Noted"),
                        ],
                        max_length=8,
                    ),
                ),
                ("what", models.TextField(blank=True, default="", help_text="Of a note: its text.")),
                (
                    "changes",
                    models.JSONField(blank=True, default=dict, help_text="By field: the old value and the new one."),
                ),
            ],
            options={
                "verbose_name": "change of a language",
                "verbose_name_plural": "changes of languages",
                "ordering": ["-id"],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(BRING_ALONG, migrations.RunSQL.noop),
    ]
