"""The lists people work from: the inbox of an agency, what a hospital sent, a network's queue."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from exchange.actions.referrals.list_referrals import Which, list_referrals
from exchange.domain.actor import OrganizationKind
from exchange.domain.permissions import Permission
from exchange.web.audit_trail import note_read
from exchange.web.guard import Who, access, current_actor
from exchange.web.transaction import reading

blueprint = Blueprint("lists", __name__)

HOME = {OrganizationKind.HOSPITAL: "portal.lists.sent", OrganizationKind.NETWORK: "portal.lists.queue"}


@blueprint.get("/")
@access(Who.PERSON, Permission.READ_REFERRAL)
def inbox() -> ResponseReturnValue:
    """Show what the agency was asked; a hospital and a network start at their own list."""
    home = HOME.get(current_actor().organization_kind or OrganizationKind.AGENCY)
    if home is not None:
        return redirect(url_for(home), 303)
    return _listed(
        "inbox",
        _("Inbox"),
        _("What hospitals ask of you, the most urgent first."),
        _("Nothing is waiting for you. New referrals appear here, and you are told by e-mail."),
    )


@blueprint.get("/received")
@access(Who.PERSON, Permission.READ_REFERRAL)
def received() -> ResponseReturnValue:
    """Show what a hospital or a network was asked itself, or has claimed; their own start page is another list."""
    return _listed(
        "inbox",
        _("Received"),
        _("What your organisation was asked or has claimed, the most urgent first."),
        _("Your organisation has no open referral of somebody else."),
    )


@blueprint.get("/sent")
@access(Who.PERSON, Permission.READ_REFERRAL)
def sent() -> ResponseReturnValue:
    """Show what the viewer's organisation sent, overdue first."""
    return _listed(
        "sent",
        _("Our referrals"),
        _("Everything your organisation sent, overdue first."),
        _("You have no open referrals. Send one, and you see here who has it and by when they answer."),
    )


@blueprint.get("/queue")
@access(Who.PERSON, Permission.READ_REFERRAL)
def queue() -> ResponseReturnValue:
    """Show a network's open referrals: what is asked, and no person."""
    return _listed(
        "queue",
        _("Routing queue"),
        _("Referrals without an agency yet. Claim one, and you see the person's details."),
        _("No referral is waiting for an agency."),
    )


def _listed(which: Which, heading: object, lead: object, empty: object) -> str:
    ended = request.args.get("show") == "ended"
    actor = current_actor()
    with reading() as session:
        lines = list_referrals(session, actor, which, ended=ended)
    note_read("search-type", type_name="Task", query=f"the portal's list: {which}")
    return render_template(
        "portal/list.html", lines=lines, which=which, heading=heading, lead=lead, empty=empty, ended=ended
    )
