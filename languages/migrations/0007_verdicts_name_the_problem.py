"""What was wrong in a self-test is called its problem; the verdicts of before are renamed."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

RENAME = """
UPDATE languages_languagetask SET verdicts = (
    SELECT jsonb_agg(
        verdict - %(old)s::text || jsonb_build_object(%(new)s::text, verdict -> %(old)s::text) ORDER BY place
    )
    FROM jsonb_array_elements(verdicts) WITH ORDINALITY AS each (verdict, place)
) WHERE verdicts @> '[{}]'
"""
BEFORE, NOW = "complaint", "problem"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("languages", "0006_one_table_of_options")]
    operations: ClassVar = [
        migrations.RunSQL([(RENAME, {"old": BEFORE, "new": NOW})], [(RENAME, {"old": NOW, "new": BEFORE})])
    ]
