"""Settings, from the environment only. Ours carry the GEXEC_ prefix; one that cannot be read stops the start.

What can be read but makes no sense is reported by gexec/checks.py, with a stable id each.
"""

from __future__ import annotations

import os
import re
from typing import Any

from corsheaders.defaults import default_headers

from executions.doors import paths_of
from gexec import logs, process
from gexec.addresses import is_loopback
from gexec.database_url import database_of
from gexec.embedded import DATABASE, POOL_CONNECTIONS, USER, run_dir
from gexec.environment import build_ca
from gexec.process import env
from gexec.secret import secret_key
from gexec.version import VERSION

BASE_DIR = process.BASE_DIR
_process = process.read()

# Where it serves, and how many of what.
GEXEC_HOST = _process.host
GEXEC_PORT = _process.port
GEXEC_WORKERS = _process.workers
GEXEC_THREADS = _process.threads
GEXEC_SHUTDOWN_GRACE_S = _process.shutdown_grace_s
GEXEC_RELOAD_GRACE_S = _process.reload_grace_s
GEXEC_KEEPALIVE_S = _process.keepalive_s
GEXEC_DATA_DIR = _process.data_dir

# Programs at once, requests that may wait for a slot, and for how long.
GEXEC_SLOTS = _process.slots
GEXEC_QUEUE = _process.queue
# Who watches executions at once, in one process.
GEXEC_WATCHERS = _process.watchers
# Interactive executions at once, in one process; for how long at most, without a connection,
# and without a word; how much each may print.
GEXEC_INTERACTIVE = _process.interactive
GEXEC_INTERACTIVE_CONNECTIONS = process.connections_of(GEXEC_INTERACTIVE)
GEXEC_INTERACTIVE_S = env.int("GEXEC_INTERACTIVE_S", 600)
GEXEC_INTERACTIVE_DETACH_S = env.int("GEXEC_INTERACTIVE_DETACH_S", 30)
GEXEC_INTERACTIVE_IDLE_S = env.int("GEXEC_INTERACTIVE_IDLE_S", 120)
GEXEC_INTERACTIVE_OUTPUT_MB = env.int("GEXEC_INTERACTIVE_OUTPUT_MB", 1024)
GEXEC_WAIT_MS = env.int("GEXEC_WAIT_MS", 10_000)
# What may wait to be run in the background, of one caller and of all.
GEXEC_CALLER_BACKLOG = env.int("GEXEC_CALLER_BACKLOG", 10_000)
GEXEC_BACKLOG = env.int("GEXEC_BACKLOG", 100_000)
GEXEC_CALLER_SHARE = env.float("GEXEC_CALLER_SHARE", 0.5)
# Where hosts are found that run programs; several addresses with commas between them. Empty: this process runs them.
GEXEC_NATS_URL = env.str("GEXEC_NATS_URL", "")
# Files: a seed or credentials by which NATS knows this process, and the certificates that NATS' own is signed by.
GEXEC_NATS_CREDENTIALS = env.str("GEXEC_NATS_CREDENTIALS", "")
GEXEC_NATS_CA = env.str("GEXEC_NATS_CA", "")
GEXEC_DISPATCH = env.str("GEXEC_DISPATCH", "nats" if GEXEC_NATS_URL else "inline")
GEXEC_DOCKER_RUNTIME = env.str("GEXEC_DOCKER_RUNTIME", "")
GEXEC_ISOLATION = env.str("GEXEC_ISOLATION", "container")
GEXEC_SHARE_CONTAINERS = env.bool("GEXEC_SHARE_CONTAINERS", False)
GEXEC_DEBIAN_MIRROR = env.str("GEXEC_DEBIAN_MIRROR", "")
# What builds of images trust when they fetch packages (a file of certificates), and what memory each may have.
GEXEC_BUILD_CA = build_ca(os.environ, env)
GEXEC_BUILD_MEMORY_MB = env.int("GEXEC_BUILD_MEMORY_MB", 4096)

# How long a statement may take in a request of the API, and in a page of the admin, waits for locks included.
GEXEC_DATABASE_TIMEOUT_MS = env.int("GEXEC_DATABASE_TIMEOUT_MS", 5_000)
GEXEC_DATABASE_ADMIN_TIMEOUT_MS = env.int("GEXEC_DATABASE_ADMIN_TIMEOUT_MS", 30_000)

# What a request may ask for, and who may ask.
GEXEC_RATE_LIMIT = env.str("GEXEC_RATE_LIMIT", "10/m")
GEXEC_KEY_RATE_LIMIT = env.str("GEXEC_KEY_RATE_LIMIT", "off")
GEXEC_READ_RATE_LIMIT = env.str("GEXEC_READ_RATE_LIMIT", "1200/m")
GEXEC_REQUIRE_API_KEY = env.bool("GEXEC_REQUIRE_API_KEY", False)
GEXEC_TRUSTED_PROXIES = env.int("GEXEC_TRUSTED_PROXIES", 0)
GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY = env.int("GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY", 60_000)
GEXEC_MAX_SOURCE_BYTES = env.int("GEXEC_MAX_SOURCE_BYTES", 262_144)
GEXEC_MAX_MEMORY_MB = env.int("GEXEC_MAX_MEMORY_MB", 256)
GEXEC_MAX_OUTPUT_BYTES = env.int("GEXEC_MAX_OUTPUT_BYTES", 8 * 1024 * 1024)
# Of a request to /api/v1, as it is sent; what is larger is uploaded as files before.
GEXEC_MAX_REQUEST_BYTES = env.int("GEXEC_MAX_REQUEST_BYTES", 8 * 1024 * 1024)

# What one caller may have stored in a day: an address without a key, and a key. 0: as much as it sends.
GEXEC_STORAGE_MB_PER_DAY = env.int("GEXEC_STORAGE_MB_PER_DAY", 256)
GEXEC_KEY_STORAGE_MB_PER_DAY = env.int("GEXEC_KEY_STORAGE_MB_PER_DAY", 4096)
# How large a file may be, and all files of one client together (0: as many as it sends); and how many megabytes of them
# a process keeps at hand.
GEXEC_MAX_FILE_BYTES = env.int("GEXEC_MAX_FILE_BYTES", 64 * 1024 * 1024)
GEXEC_CLIENT_FILES_MB = env.int("GEXEC_CLIENT_FILES_MB", 1024)
GEXEC_FILE_CACHE_MB = env.int("GEXEC_FILE_CACHE_MB", 64)
# Whether webhooks may go to http:// addresses, and which networks they may reach though they are private.
GEXEC_WEBHOOK_HTTP = env.bool("GEXEC_WEBHOOK_HTTP", False)
GEXEC_WEBHOOK_NETWORKS = env.list("GEXEC_WEBHOOK_NETWORKS", [])
# Events that are kept in memory for those who watch: of one execution, and in MB of all together.
GEXEC_EVENTS_BYTES = env.int("GEXEC_EVENTS_BYTES", 1024 * 1024)
GEXEC_EVENTS_MB = env.int("GEXEC_EVENTS_MB", 64)
# The page at / on which programs can be tried: on, for the staff alone, or off; and whom its readers tell of holes.
GEXEC_PLAYGROUND = env.str("GEXEC_PLAYGROUND", "on")
# Who may store programs for whoever has their link (off, keys, on), how many in a time, and how many days after the
# last look at one it goes; 0: never.
GEXEC_SNIPPETS = env.str("GEXEC_SNIPPETS", "keys")
GEXEC_SNIPPET_RATE_LIMIT = env.str("GEXEC_SNIPPET_RATE_LIMIT", "10/m")
GEXEC_SNIPPET_DAYS = env.int("GEXEC_SNIPPET_DAYS", 90)
GEXEC_SECURITY_CONTACT = env.list("GEXEC_SECURITY_CONTACT", [])
# How long executions are kept, and what is large in them, which may go before; 0: until somebody deletes them. And how
# long those with certain outcomes: rejected=7,cancelled=30.
GEXEC_RETENTION_DAYS = env.int("GEXEC_RETENTION_DAYS", 0)
GEXEC_CONTENTS_DAYS = env.int("GEXEC_CONTENTS_DAYS", 0)
GEXEC_OUTCOME_DAYS = env.list("GEXEC_OUTCOME_DAYS", [])
# With less of its disk free, sources and outputs are kept no more; and then nothing is taken in. 0: never.
GEXEC_DISK_LOW_MB = env.int("GEXEC_DISK_LOW_MB", 2048)
GEXEC_DISK_FULL_MB = env.int("GEXEC_DISK_FULL_MB", 512)

# Images that builds have left are removed when they are so old; 0: only by `manage.py languages prune`.
GEXEC_PRUNE_DAYS = env.int("GEXEC_PRUNE_DAYS", 0)

# The doors of other services that are open, and which of them is at the root of the server.
GEXEC_COMPAT = env.list("GEXEC_COMPAT", [])
GEXEC_COMPAT_ROOT = env.str("GEXEC_COMPAT_ROOT", "")
# Whether Judge0's door deletes submissions for keys with the right admin; lists the ids of languages that later
# releases have, which it takes in either case; and tells of a signal what its own shell makes of it.
GEXEC_JUDGE0_DELETE = env.bool("GEXEC_JUDGE0_DELETE", False)
GEXEC_JUDGE0_NEW_IDS = env.bool("GEXEC_JUDGE0_NEW_IDS", False)
GEXEC_JUDGE0_SHELL_CODES = env.bool("GEXEC_JUDGE0_SHELL_CODES", False)
GEXEC_COMPAT_PATHS = tuple(path for path, _ in paths_of(GEXEC_COMPAT, GEXEC_COMPAT_ROOT))

# Of Piston's door: the most that a stage may take in ms, which is what it gets where a request names none; and what
# becomes of a version that there is not.
GEXEC_PISTON_RUN_TIMEOUT = env.int("GEXEC_PISTON_RUN_TIMEOUT", 3_000)
GEXEC_PISTON_COMPILE_TIMEOUT = env.int("GEXEC_PISTON_COMPILE_TIMEOUT", 10_000)
GEXEC_PISTON_VERSIONS = env.str("GEXEC_PISTON_VERSIONS", "any")

# LibreChat's tokens: the public key that they are verified with, and the API key by which their holders act.
GEXEC_LIBRECHAT_JWT_KEY = env.str("GEXEC_LIBRECHAT_JWT_KEY", "")
GEXEC_LIBRECHAT_API_KEY = env.str("GEXEC_LIBRECHAT_API_KEY", "")

# Production: served over TLS by a proxy in front; and lines for a log collector instead of a person.
GEXEC_SECURE = env.bool("GEXEC_SECURE", False)
GEXEC_LOG_JSON = _process.log_json
# Whether OpenTelemetry's variables say where traces are sent to.
GEXEC_TRACES = _process.traces

DEBUG = env.bool("GEXEC_DEBUG", False)
SECRET_KEY = env.str("GEXEC_SECRET_KEY", "") or secret_key(GEXEC_DATA_DIR)
# On loopback only its own names are answered, which keeps a web page from reaching the admin by a name of its own.
_ANY_HOST = ["localhost", "127.0.0.1", "[::1]"] if is_loopback(GEXEC_HOST) else ["*"]
ALLOWED_HOSTS = env.list("GEXEC_ALLOWED_HOSTS", _ANY_HOST)
# Pages of other origins that may call the API from a browser.
GEXEC_ALLOWED_ORIGINS = env.list("GEXEC_ALLOWED_ORIGINS", [])

DATABASE_URL = _process.database_url
GEXEC_DATABASE_DIRECT_URL = env.str("GEXEC_DATABASE_DIRECT_URL", "")
DOCKER_HOST = env.str("DOCKER_HOST", "")
GEXEC_VERSION = VERSION
GEXEC_NAMES = frozenset(env.names)

INSTALLED_APPS = [
    "gexec",
    "gexec.admin_config.GexecAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_api_key",
    "axes",
    "corsheaders",
    "drf_spectacular",
    "rest",
    "periodic",
    "clients",
    "files",
    "webhooks",
    "dispatch",
    "languages",
    "executions",
    "executions.compat.librechat",
    "snippets",
    "pages",
]

# Those of gexec.middleware are Django's and axes' own, run for /admin/ only: the API has no session and no cookies. It
# passes over all of them that stand together in one step.
MIDDLEWARE = [
    "gexec.middleware.correlate",
    "gexec.middleware.ApiCors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gexec.middleware.refuse_foreign_pages",
    "gexec.middleware.refuse_nul_in_admin",
    "gexec.middleware.AdminContentSecurityPolicy",
    "gexec.middleware.AdminSession",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gexec.middleware.AdminCsrf",
    "gexec.middleware.AdminAuthentication",
    "gexec.middleware.AdminMessages",
    "gexec.middleware.AdminAxes",
]

# What holds for every endpoint unless its view says otherwise: JSON only, closed where a key is required, no session.
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["clients.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest.permissions.KeyWhereRequired", "clients.permissions.MayCall"],
    "DEFAULT_THROTTLE_CLASSES": ["clients.throttling.ApiThrottle"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest.renderers.FirstOfEach",
    "DEFAULT_PARSER_CLASSES": ["rest.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "rest.problems.handle",
    "DEFAULT_SCHEMA_CLASS": "rest.openapi.Schema",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "gexec",
    "DESCRIPTION": "Runs code that strangers wrote and says exactly what happened. docs/api.md is the guide; "
    "GET /api/v1/executions/ws is a WebSocket, which docs/interactive.md describes.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["rest.openapi.only_ours"],
    "POSTPROCESSING_HOOKS": ["rest.openapi.with_what_all_have"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    # The tests compare the schema with the one in docs/.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

ROOT_URLCONF = "gexec.urls"
WSGI_APPLICATION = "gexec.wsgi.application"
APPEND_SLASH = False
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

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "gexec.postgresql",
        **(
            database_of(DATABASE_URL)
            if DATABASE_URL
            else {"NAME": DATABASE, "USER": USER, "HOST": str(run_dir(GEXEC_DATA_DIR)), "OPTIONS": {}}
        ),
    }
}
# With a pooler between, the next statement may be another session's, which has no such cursor.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = bool(GEXEC_DATABASE_DIRECT_URL)
# A host that is gone is noticed within 10 seconds: asked for when it is silent, given up when it acknowledges nothing.
_TCP = {"tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# Both time-outs are in seconds: a request that gets no connection by then is answered with 503, and may come again.
# What statements may take in a server process, gexec/postgresql/lanes.py bounds.
DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5} | _TCP | DATABASES["default"]["OPTIONS"]
# A pool that failed to connect tries at longer and longer intervals, and nobody else tries meanwhile: it is to give up
# after two seconds, upon which the next request tries at once.
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": POOL_CONNECTIONS,
    "timeout": 5,
    "reconnect_timeout": 2,
}
# The rate limit counts in PostgreSQL: any other cache lets more through than it should when requests come at once.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "ratelimit": {"BACKEND": "rest.counters.CounterCache"},
}
RATELIMIT_USE_CACHE = "ratelimit"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "gexec.middleware.client_ip"
AXES_VERBOSE = False

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["gexec.formats"]

STATIC_URL = "/static/"
# Served from where the applications keep them: there is nothing to collect, and nothing to forget.
WHITENOISE_USE_FINDERS = True
# Served at the root: what pages of others name, /embed/v1.js. Like all of these any page may load it.
WHITENOISE_ROOT = BASE_DIR / "pages" / "static" / "pages" / "built" / "at_root"
# Names in which esbuild has put a hash of what is in the file.
WHITENOISE_IMMUTABLE_FILE_TEST = r"-[A-Z0-9]{8}\.(js|css)$"

# Six bytes may stand for one in JSON (\\u0000), and 64 KiB are for all that is not the source. What is larger than a
# request with the longest source can be is not read at all.
DATA_UPLOAD_MAX_MEMORY_SIZE = GEXEC_MAX_SOURCE_BYTES * 6 + 65_536
# A file that is sent to the admin never reaches the disk; one that is too large for memory is not kept at all.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# The API and the doors alone: no page but its own is given the admin. Keys are sent by name, never by a browser's own
# doing.
CORS_URLS_REGEX = "|".join(
    [r"^/(?:execute|ping|metrics|api/.*)$", *(rf"^{re.escape(path)}(?:/.*)?$" for path in GEXEC_COMPAT_PATHS)]
)
CORS_ALLOWED_ORIGINS = GEXEC_ALLOWED_ORIGINS
CORS_ALLOW_HEADERS = [
    *default_headers,
    "idempotency-key",
    "last-event-id",
    "prefer",
    "x-access-token",
    "x-request-id",
    # Where clients of other services have their key.
    "x-api-key",
    "x-auth-token",
    "x-auth-user",
    "x-rapidapi-host",
    "x-rapidapi-key",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Execution-Id",
    "X-Request-Id",
]
SESSION_COOKIE_SECURE = GEXEC_SECURE
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = GEXEC_SECURE
CSRF_COOKIE_HTTPONLY = True
# Where a log-in leads whose `next` is another site's; Django's own default is no page here.
LOGIN_REDIRECT_URL = "admin:index"
SECURE_SSL_REDIRECT = GEXEC_SECURE
# A health check asks the server itself, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^(ping|healthz|readyz)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if GEXEC_SECURE else 0
# The header can be believed only when a proxy of ours sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GEXEC_TRUSTED_PROXIES else None
SILENCED_SYSTEM_CHECKS = [
    # Whether every other name below this host speaks TLS, and whether browsers should ship that with them, is for the
    # owner of the domain to say, at the proxy.
    "security.W005",
    "security.W021",
    # All four are of GEXEC_SECURE, which gexec.W103 says once, by the name that an operator sets.
    "security.W004",
    "security.W008",
    "security.W010",
    "security.W016",
    # They look for the middleware by name; ours are the same classes, for /admin/ only.
    "axes.W002",
    "security.W003",
]

LOGGING = logs.configuration(as_json=GEXEC_LOG_JSON)
