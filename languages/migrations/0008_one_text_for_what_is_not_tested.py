"""The constraint on enabled languages explains itself in the words of the one rule, Language.why_not_enabled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("languages", "0007_verdicts_name_the_problem"),
    ]

    operations = [
        migrations.AlterConstraint(
            model_name="language",
            name="language_enabled_is_tested",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("enabled", False),
                    models.Q(models.Q(("image_digest", ""), _negated=True), ("tested_at__isnull", False)),
                    _connector="OR",
                ),
                name="language_enabled_is_tested",
                violation_error_message="Its self-test has not passed yet: build or pull the image, then test it.",
            ),
        ),
    ]
