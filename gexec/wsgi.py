"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from gexec.bodies import checked

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gexec.settings")

application = checked(get_wsgi_application())
