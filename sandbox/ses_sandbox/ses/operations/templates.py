"""SESv2: custom verification email templates, and the emails that are made by them.

Sources: API reference; Developer Guide, "Using custom verification email templates": 50 templates, 10 MB, tags and attributes, no
comments, only with production access.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from ses_sandbox.errors import AwsError, already_exists, bad_request, limit_exceeded, not_found
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.operations.identity import new_identity
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.models import MAX_TEMPLATES, VerificationTemplate
from ses_sandbox.ses.state.names import check_resource_name, identity_type, tag_list, tags_from
from ses_sandbox.ses.state.verification import Status, started

Params = Mapping[str, Any]
MAX_BYTES = 10_000_000
MAX_PAGE = 50
FIELDS = ("FromEmailAddress", "TemplateSubject", "TemplateContent", "SuccessRedirectionURL", "FailureRedirectionURL")
LISTED = tuple(name for name in FIELDS if name != "TemplateContent")
ANY_TAG = ("class", "id", "style", "title")
TAGS = """abbr acronym address area b bdo big blockquote:cite body br button caption center cite code col:span,width
colgroup:span,width dd del dfn dir div dl dt em fieldset font form h1 h2 h3 h4 h5 h6 head hr html i
img:align,alt,height,src,width input ins kbd label legend li map menu ol:start,type optgroup option p pre q:cite s samp select
small span strike strong sub sup table:summary,width tbody td:abbr,axis,colspan,rowspan,width textarea tfoot
th:abbr,axis,colspan,rowspan,scope,width thead tr tt u ul:type var"""
ATTRIBUTES = {tag: {*ANY_TAG, *more.split(",")} for tag, _, more in (entry.partition(":") for entry in TAGS.split())}


class _Check(HTMLParser):
    """Raises BadRequestException for what the table of the Developer Guide does not have."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name not in ATTRIBUTES.get(tag, ()) for name, _ in attrs) or tag not in ATTRIBUTES:
            raise bad_request(
                f"The template content contains the tag <{tag}> or an attribute of it that is not allowed."
            )

    def handle_comment(self, data: str) -> None:
        raise bad_request(f"The template content must not contain comments: {data[:20]}")


def _check(ctx: Context, params: Params) -> None:
    content: str = params["TemplateContent"]
    if len(content.encode()) > MAX_BYTES:
        raise bad_request("The template content must be less than 10 MB.")
    _Check().feed(content)
    if not ctx.state.may_send_as(params["FromEmailAddress"]):
        raise not_found(f"The from address <{params['FromEmailAddress']}> is not verified.")


def _get(ctx: Context, name: str) -> VerificationTemplate:
    if (found := ctx.state.templates.get(name)) is None:
        raise not_found(f"The custom verification email template <{name}> does not exist.")
    return found


def create_template(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a template."""
    name: str = params["TemplateName"]
    check_resource_name(name, "Template names")
    if name in ctx.state.templates:
        raise already_exists(f"The custom verification email template <{name}> already exists.")
    if len(ctx.state.templates) >= MAX_TEMPLATES:
        raise limit_exceeded(f"You have reached the limit of {MAX_TEMPLATES} custom verification email templates.")
    tags = tags_from(params.get("Tags", ()), {})
    _check(ctx, params)
    ctx.state.templates[name] = VerificationTemplate(name, {field: params[field] for field in FIELDS}, tags)
    return {}


def get_template(ctx: Context, params: Params) -> dict[str, Any]:
    """Return a template with its content."""
    found = _get(ctx, params["TemplateName"])
    return {"TemplateName": found.name, **found.fields, "Tags": tag_list(found.tags)}


def update_template(ctx: Context, params: Params) -> dict[str, Any]:
    """Overwrite all of a template; its tags stay."""
    found = _get(ctx, params["TemplateName"])
    _check(ctx, params)
    found.fields.update({field: params[field] for field in FIELDS})
    return {}


def delete_template(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove a template; emails that were sent keep their links."""
    del ctx.state.templates[_get(ctx, params["TemplateName"]).name]
    return {}


def list_templates(ctx: Context, params: Params) -> dict[str, Any]:
    """Return templates by pages, without their content."""
    templates, size = ctx.state.templates, params.get("PageSize", MAX_PAGE)
    if not 1 <= size <= MAX_PAGE:
        raise bad_request(f"PageSize must be between 1 and {MAX_PAGE}.")
    page = page_of(sorted(templates), lambda _: True, size, params.get("NextToken"))
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    views = [{"TemplateName": name, **{key: templates[name].fields[key] for key in LISTED}} for name in page.names]
    return {"CustomVerificationEmailTemplates": views, **token}


def send_custom_verification_email(ctx: Context, params: Params) -> dict[str, Any]:
    """Register an address, unless it is registered, and send it the email of a template."""
    address: str = params["EmailAddress"]
    template = _get(ctx, params["TemplateName"])
    if "@" not in address:
        raise bad_request(f"Invalid email address <{address}>.")
    identity_type(address)
    if not ctx.state.settings.production_access:
        raise bad_request("ProductionAccessNotGranted: the account is in the sandbox.")
    if not ctx.state.may_send_as(template.fields["FromEmailAddress"]):
        sender = template.fields["FromEmailAddress"]
        raise AwsError(400, "MailFromDomainNotVerifiedException", f"The from address <{sender}> is not verified.")
    if (configuration_set := params.get("ConfigurationSetName")) is not None:
        ctx.configuration_set(configuration_set)
    identity = ctx.state.find(address)
    if identity is None:
        if len(ctx.state.identities) >= ctx.state.settings.max_identities:
            raise limit_exceeded(f"You have reached the limit of {ctx.state.settings.max_identities} identities.")
        identity = new_identity(ctx, address)
        ctx.state.add(identity)
    if identity.verification.status is not Status.SUCCESS:
        identity.verification = started(ctx.now)
    message = ctx.store.outbox.send_verification(
        identity.account, identity.region, identity.name, ctx.now, template.fields
    )
    ctx.store.watch(identity)
    return {"MessageId": message.id}


OPERATIONS: Mapping[str, Operation] = {
    "CreateCustomVerificationEmailTemplate": create_template,
    "GetCustomVerificationEmailTemplate": get_template,
    "UpdateCustomVerificationEmailTemplate": update_template,
    "DeleteCustomVerificationEmailTemplate": delete_template,
    "ListCustomVerificationEmailTemplates": list_templates,
    "SendCustomVerificationEmail": send_custom_verification_email,
}
