"""Settings, from the environment only. Ours carry the GEXEC_ prefix; a value that cannot be read stops the start."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from environs import Env

from gexec.secret import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

GEXEC_DATA_DIR = env.path("GEXEC_DATA_DIR", BASE_DIR / "var").resolve()
GEXEC_HOST = env.str("GEXEC_HOST", "127.0.0.1")
GEXEC_PORT = env.int("GEXEC_PORT", 8080)
GEXEC_RATE_LIMIT = env.str("GEXEC_RATE_LIMIT", "10/m")
GEXEC_SLOTS = env.int("GEXEC_SLOTS", 0)
GEXEC_QUEUE = env.int("GEXEC_QUEUE", 0)
GEXEC_WAIT_MS = env.int("GEXEC_WAIT_MS", 10_000)
GEXEC_TRUSTED_PROXIES = env.int("GEXEC_TRUSTED_PROXIES", 0)
GEXEC_DOCKER_RUNTIME = env.str("GEXEC_DOCKER_RUNTIME", "")
GEXEC_REQUIRE_API_KEY = env.bool("GEXEC_REQUIRE_API_KEY", False)
GEXEC_SHUTDOWN_GRACE_S = env.float("GEXEC_SHUTDOWN_GRACE_S", 30.0)
GEXEC_MAX_SOURCE_BYTES = env.int("GEXEC_MAX_SOURCE_BYTES", 262_144)
GEXEC_MAX_MEMORY_MB = env.int("GEXEC_MAX_MEMORY_MB", 256)
GEXEC_WORKERS = env.int("GEXEC_WORKERS", 1)
GEXEC_THREADS = env.int("GEXEC_THREADS", 64)
GEXEC_DEBIAN_MIRROR = env.str("GEXEC_DEBIAN_MIRROR", "")

DEBUG = env.bool("GEXEC_DEBUG", False)
SECRET_KEY = env.str("GEXEC_SECRET_KEY", "") or secret_key(GEXEC_DATA_DIR)
ALLOWED_HOSTS = env.list("GEXEC_ALLOWED_HOSTS", ["*"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_api_key",
    "axes",
    "languages",
    "executions",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "gexec.urls"
WSGI_APPLICATION = "gexec.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

GEXEC_POSTGRES_RUN_DIR = Path("/tmp") / f"gexec-{hashlib.sha256(bytes(GEXEC_DATA_DIR)).hexdigest()[:16]}"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "gexec",
        "USER": "gexec",
        "HOST": str(GEXEC_POSTGRES_RUN_DIR),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
REST_FRAMEWORK: dict[str, Any] = {}
