"""The admin's ways for a language in and out: from a language.toml, from the catalogue, to a language.toml."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header

from languages import folders
from languages.documents import toml_of
from languages.forms import LanguageFileForm
from languages.models import Language
from languages.toolchain import installs
from languages.toolchain.errors import InstallError


def export_view(admin: ModelAdmin[Language], request: HttpRequest, pk: int) -> HttpResponse:
    """The language as language.toml."""
    language = get_object_or_404(Language, pk=pk)
    if not admin.has_view_permission(request, language):
        raise PermissionDenied
    response = HttpResponse(toml_of(language), content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{language.slug}.toml")
    return response


def import_view(admin: ModelAdmin[Language], request: HttpRequest) -> HttpResponse:
    """A language from a language.toml, disabled until it is tested."""
    if not admin.has_add_permission(request):
        raise PermissionDenied
    form = LanguageFileForm(request.POST, request.FILES) if request.method == "POST" else LanguageFileForm()
    if form.is_valid():
        language = form.language
        language.save()
        admin.log_addition(request, language, f"Imported from {form.cleaned_data['file'].name}.")
        admin.message_user(request, f"{language.name} was imported. Build or pull its image, then test and enable it.")
        return redirect("admin:languages_language_change", language.pk)
    return _page(admin, request, "languages/import.html", title="Import a language", form=form)


def catalogue_view(admin: ModelAdmin[Language], request: HttpRequest) -> HttpResponse:
    """The languages that come with a folder and are not in the list yet."""
    if not admin.has_add_permission(request):
        raise PermissionDenied
    listed = set(Language.objects.values_list("slug", flat=True))
    available = [folders.read(slug) for slug in folders.slugs() if slug not in listed]
    slug = request.POST.get("slug", "")
    if slug in {folder.slug for folder in available}:
        return _add(admin, request, slug)
    title = "Add a language from the catalogue"
    return _page(admin, request, "languages/language_catalogue.html", title=title, folders=available)


def _add(admin: ModelAdmin[Language], request: HttpRequest, slug: str) -> HttpResponse:
    try:
        language = installs.load_folder(slug)
    except InstallError as error:
        admin.message_user(request, str(error), messages.ERROR)
        return redirect("admin:languages_language_catalogue")
    admin.log_addition(request, language, "Added from the catalogue.")
    admin.message_user(request, f"{language.name} was added. Build its image, then test and enable it.")
    return redirect("admin:languages_language_change", language.pk)


def _page(admin: ModelAdmin[Language], request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(
        request, template, {**admin.admin_site.each_context(request), "opts": admin.opts, **context}
    )
