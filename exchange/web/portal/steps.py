"""What a side can do with a referral from a page: one row per move, and the form it needs."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from exchange.domain.referral import RECEIVER_STAGES
from exchange.web.portal.forms import LONGEST_TEXT, PageForm, at_most, choices, chosen, needed, stripped
from exchange.web.portal.viewer import zone_name
from exchange.web.portal.wording import REASON as REASON_WORDS
from exchange.web.portal.wording import STAGE
from fhir_mapping.case_data.referral import Reason, ReferralStatus, Stage
from fhir_mapping.codes.decline_reasons import reasons_for

REASON: Final = ("code", "text")
NOTE: Final = ("note",)


@dataclass(frozen=True, slots=True)
class Step:
    """A move: its words, the fields it asks for, how loud its button is, and what is said when it is done.

    `leads_to` picks the reasons that may be given.
    """

    verb: str
    button: Any
    explains: Any
    done: Any
    fields: tuple[str, ...] = NOTE
    tone: str = "plain"
    leads_to: ReferralStatus | None = None


STEPS: Final = {
    step.verb: step
    for step in (
        Step(
            "accept",
            _("Accept"),
            _("You take this on. The sender is told at once."),
            _("Accepted. The sender knows. Start when you first work on it."),
            tone="main",
        ),
        Step(
            "claim",
            _("Claim and accept"),
            _("Your organisation takes this on, and then sees the person's details."),
            _("Claimed. You now see the person's details."),
            tone="main",
        ),
        Step("start", _("Start"), _("You have begun to work on it."), _("Started. The sender knows."), tone="main"),
        Step("resume", _("Take up again"), _("You go on working on it."), _("Taken up again."), tone="main"),
        Step(
            "complete",
            _("Complete"),
            _("The service was given. Say what was done: the sender reads it, and the loop is closed."),
            _("Completed. The loop is closed, thank you."),
            ("outcome", "note"),
            "main",
        ),
        Step(
            "hold",
            _("Put on hold"),
            _("You wait for something. Say for what, and until when: at most 30 days."),
            _("Put on hold. You are asked again on the day you gave."),
            ("hold_until", *REASON),
            leads_to=ReferralStatus.ON_HOLD,
        ),
        Step(
            "reject",
            _("Decline"),
            _("You cannot take this on. The sender is told why and looks for another agency."),
            _("Declined. The sender knows why and takes it from here."),
            REASON,
            "stop",
            ReferralStatus.REJECTED,
        ),
        Step(
            "fail",
            _("End without completion"),
            _("You took it on but it cannot be completed. Say why, so that the sender can find another way."),
            _("Ended. The sender knows why."),
            REASON,
            "stop",
            ReferralStatus.FAILED,
        ),
        Step("send", _("Send now"), _("The draft goes to the agency."), _("Sent."), tone="main"),
        Step(
            "cancel",
            _("Cancel"),
            _("The referral ends here. The other side is told."),
            _("Cancelled. The other side is told."),
            REASON,
            "stop",
            ReferralStatus.CANCELLED,
        ),
        Step(
            "retract",
            _("Sent by mistake"),
            _("The referral should never have been sent. The agency no longer sees it."),
            _("Withdrawn. The agency no longer sees it."),
            (),
            "stop",
        ),
    )
}


class AnswerForm(PageForm):
    """Every field a move may ask for; `answer_form` leaves those that its step needs."""

    answered_by = StringField(
        _("Who answered the phone?"),
        [needed(_("Write down who answered, with their role if you know it.")), at_most(100)],
        filters=[stripped],
    )
    outcome = TextAreaField(
        _("What was done?"),
        [needed(_("Say what was done, in a sentence: it is the outcome the sender waits for.")), at_most(LONGEST_TEXT)],
        filters=[stripped],
    )
    hold_until = DateField(_("Until when?"), [needed(_("Give the day on which you look at it again."))])
    code = SelectField(_("Reason"), [chosen(_("Choose a reason."))])
    text = TextAreaField(
        _("In your words"),
        [needed(_("Add a sentence: the other side acts on it.")), at_most(LONGEST_TEXT)],
        filters=[stripped],
    )
    note = TextAreaField(
        _("Note to the other side (optional)"), [Optional(), at_most(LONGEST_TEXT)], filters=[stripped]
    )

    def said(self) -> dict[str, Any]:
        """Return the arguments of `answer_referral` that this form filled in."""
        found: dict[str, Any] = {}
        for name in ("note", "outcome"):
            if name in self._fields and self[name].data:
                found[name] = self[name].data
        if "code" in self._fields:
            found["reason"] = Reason(self["code"].data, self["text"].data)
        if "hold_until" in self._fields:
            found["hold_until"] = end_of_day(self["hold_until"].data)
        return found


class NewsForm(PageForm):
    """A note to the other side; for the agency also how far it has come."""

    stage = SelectField(_("How far are you?"), [Optional()])
    note = TextAreaField(_("Note to the other side"), [Optional(), at_most(LONGEST_TEXT)], filters=[stripped])


def answer_form(step: Step, *, by_phone: bool = False, fresh: bool = False) -> AnswerForm:
    """Return the form of a step, filled with what was posted unless `fresh`."""
    form = AnswerForm(formdata=None, prefix="") if fresh else AnswerForm()
    keep = {*step.fields, *(("answered_by",) if by_phone else ())}
    for name in [name for name in form._fields if name not in keep]:
        del form[name]
    if "code" in form:
        rows = reasons_for(step.leads_to) if step.leads_to else ()
        form["code"].choices = choices(
            [("", _("Choose…")), *((row.code.value, REASON_WORDS[row.code]) for row in rows)]
        )
        form["code"].validators = [needed(_("Choose a reason."))]
    return form


def news_form(*, of_agency: bool, fresh: bool = False) -> NewsForm:
    """Return the form for news, with the stages only an agency sets."""
    form = NewsForm(formdata=None) if fresh else NewsForm()
    stages = [stage for stage in Stage if stage in RECEIVER_STAGES]
    form.stage.choices = choices([("", _("No change")), *((stage.value, STAGE[stage].words) for stage in stages)])
    if not of_agency:
        del form["stage"]
    return form


def end_of_day(day: date) -> datetime:
    """Return 17:00 of a day in the viewer's zone: when an office looks at what is due."""
    return datetime.combine(day, time(17), ZoneInfo(zone_name()))
