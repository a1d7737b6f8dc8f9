"""An execution says in `job` what is run and in `steps` how each step went, instead of in columns for two of them.

Of rows of before it is known what they were allowed, not which commands they ran.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

import executions.outcomes

_COLUMNS = (
    "limits", "args", "stdout", "stderr", "stdout_truncated", "stderr_truncated", "compile_stdout", "compile_stderr",
    "compile_exit_code", "compile_wall_ms", "compile_cpu_ms",
)  # fmt: skip

# What was printed is kept in the order compile stdout, compile stderr, stdout, stderr.
FILL = """
UPDATE executions_execution SET
    job = CASE WHEN limits = '{}'::jsonb THEN '{}'::jsonb ELSE jsonb_build_object(
        'profile', jsonb_build_object('image', image_digest, 'processes', limits->'processes',
            'cpu_quota_us', limits->'cpu_quota_us', 'memory_bytes', (limits->>'memory_mb')::bigint * 1048576),
        'files', '[]'::jsonb,
        'steps', jsonb_build_array(jsonb_build_object('name', 'run', 'limits', jsonb_build_object(
            'wall_ms', limits->'wall_ms', 'output_bytes', limits->'output_bytes',
            'memory_bytes', (limits->>'memory_mb')::bigint * 1048576)))) END,
    output = compile_stdout || compile_stderr || stdout || stderr,
    steps = CASE WHEN compile_exit_code IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
            'name', 'compile', 'exit_code', compile_exit_code, 'signal', CASE WHEN wall_ms IS NULL THEN signal END,
            'outcome', CASE WHEN compile_exit_code = 0 THEN 'ok' WHEN outcome = 'compile_error' THEN 'nonzero_exit'
                ELSE outcome END,
            'stdout', jsonb_build_object('from', 0, 'bytes', length(compile_stdout), 'truncated', false),
            'stderr', jsonb_build_object('from', length(compile_stdout), 'bytes', length(compile_stderr),
                'truncated', false),
            'wall_ms', coalesce(compile_wall_ms, 0), 'cpu_ms', compile_cpu_ms,
            'peak_memory_bytes', CASE WHEN wall_ms IS NULL THEN peak_memory_bytes END, 'detail', '')) END
        || CASE WHEN wall_ms IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
            'name', 'run', 'exit_code', coalesce(exit_code, -1), 'signal', signal, 'outcome', outcome,
            'stdout', jsonb_build_object('from', length(compile_stdout) + length(compile_stderr),
                'bytes', length(stdout), 'truncated', stdout_truncated),
            'stderr', jsonb_build_object('from', length(compile_stdout) + length(compile_stderr) + length(stdout),
                'bytes', length(stderr), 'truncated', stderr_truncated),
            'wall_ms', wall_ms, 'cpu_ms', cpu_ms, 'peak_memory_bytes', peak_memory_bytes, 'detail', '')) END
"""

_STREAM = "substring(output from 1 + (step->'{0}'->>'from')::int for (step->'{0}'->>'bytes')::int)"
EMPTY = f"""
UPDATE executions_execution SET
    limits = CASE WHEN job = '{{}}'::jsonb THEN '{{}}'::jsonb ELSE jsonb_build_object(
        'wall_ms', (SELECT step->'limits'->'wall_ms' FROM jsonb_array_elements(job->'steps') step
            WHERE step->>'name' = 'run'),
        'output_bytes', (SELECT step->'limits'->'output_bytes' FROM jsonb_array_elements(job->'steps') step
            WHERE step->>'name' = 'run'),
        'memory_mb', (SELECT (step->'limits'->>'memory_bytes')::bigint / 1048576
            FROM jsonb_array_elements(job->'steps') step WHERE step->>'name' = 'run'),
        'cpu_quota_us', job->'profile'->'cpu_quota_us',
        'processes', job->'profile'->'processes') END;
UPDATE executions_execution SET stdout = {_STREAM.format("stdout")}, stderr = {_STREAM.format("stderr")},
    stdout_truncated = (step->'stdout'->>'truncated')::boolean,
    stderr_truncated = (step->'stderr'->>'truncated')::boolean
    FROM (SELECT id AS key, step FROM executions_execution, jsonb_array_elements(steps) step
          WHERE step->>'name' <> 'compile') found WHERE id = key;
UPDATE executions_execution SET compile_stdout = {_STREAM.format("stdout")},
    compile_stderr = {_STREAM.format("stderr")},
    compile_exit_code = (step->>'exit_code')::int, compile_wall_ms = (step->>'wall_ms')::float8,
    compile_cpu_ms = (step->>'cpu_ms')::float8
    FROM (SELECT id AS key, step FROM executions_execution, jsonb_array_elements(steps) step
          WHERE step->>'name' = 'compile') found WHERE id = key;
"""  # noqa: S608 (made of constants)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0005_rows_move_to_their_rooms")]
    operations: ClassVar = [
        migrations.AddField(
            "execution",
            "job",
            models.JSONField(blank=True, default=dict, help_text="What is run, and in what: see executions.jobs."),
        ),
        migrations.AddField(
            "execution",
            "steps",
            models.JSONField(blank=True, default=list, help_text="How each step went: see executions.results."),
        ),
        migrations.AddField(
            "execution",
            "output",
            models.BinaryField(blank=True, default=b"", help_text="What all steps printed."),
        ),
        migrations.RunSQL(FILL, EMPTY),
        *(migrations.RemoveField("execution", name) for name in _COLUMNS),
        # A new outcome is a line of executions.outcomes, and no migration.
        migrations.AlterField(
            "execution",
            "outcome",
            models.CharField(blank=True, choices=executions.outcomes.choices, default="", max_length=16),
        ),
        migrations.RemoveConstraint("execution", "execution_outcome_when_finished"),
        migrations.AddConstraint(
            "execution",
            models.CheckConstraint(
                name="execution_outcome_when_finished",
                condition=(Q(status="finished") & ~Q(outcome="")) | (Q(outcome="") & ~Q(status="finished")),
            ),
        ),
        migrations.AddConstraint(
            "execution",
            models.CheckConstraint(
                name="execution_open_has_job", condition=~Q(status__in=["queued", "running"], job={})
            ),
        ),
    ]
