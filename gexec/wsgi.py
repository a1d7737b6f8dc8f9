"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

import django

from gexec.bodies import checked
from gexec.request import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gexec.settings")

# As django.core.wsgi does it, with a handler of ours.
django.setup(set_prefix=False)
application = checked(Handler())
