"""The admin's ways for a language in and out as a file: from a language.toml, and to one."""

from __future__ import annotations

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header

from languages.admin_page import page
from languages.documents import toml_of
from languages.forms import LanguageFileForm
from languages.models import Language


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
    return page(admin, request, "languages/import.html", title="Import a language", form=form)
