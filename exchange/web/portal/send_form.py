"""The form of `/send`: who, what, to whom, on what consent."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField, TelField, TextAreaField
from wtforms.validators import Optional, Regexp

from directory.languages import NAMES
from exchange.actions.directory.find_receivers import Receiver
from exchange.actions.people.find_known_people import KnownPerson
from exchange.actions.referrals.compose_referral import ReferralRequest
from exchange.web.portal.forms import LONGEST_TEXT, RADII, PageForm, at_most, choices, needed, stripped
from exchange.web.portal.wording import NEED, PRIORITY
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Priority

NETWORK = "network"
NEW_PERSON = "new"
FIRST_STEP = (
    "key", "patient_id", "given", "family", "birth_date", "phone", "language", "interpreter", "zip_code",
    "contact_prohibited", "need", "requested", "words", "speaks", "radius",
)  # fmt: skip
OF_A_NEW_PERSON = ("given", "family", "birth_date", "phone")
CONSENT = {
    "written": _("Signed: the person signed a form that we keep"),
    "verbal": _("Spoken: the person agreed in conversation"),
    "attested": _("Another legal basis: our organisation vouches for it"),
}


class SendForm(PageForm):
    """All of a referral. The second step's choices are filled from the directory before they are checked."""

    key = HiddenField()
    patient_id = HiddenField()
    given = StringField(_("First name"), [needed(_("Give the first name.")), at_most(100)], filters=[stripped])
    family = StringField(_("Last name"), [needed(_("Give the last name.")), at_most(100)], filters=[stripped])
    birth_date = DateField(_("Date of birth"), [needed(_("Give the date of birth: the agency checks it."))])
    phone = TelField(
        _("Phone"), [needed(_("Give a phone number: the agency calls it.")), at_most(40)], filters=[stripped]
    )
    language = SelectField(_("Language"), choices=choices(NAMES.items()), default="en")
    interpreter = BooleanField(_("An interpreter is needed"))
    zip_code = StringField(
        _("ZIP code"),
        [
            needed(_("Give the ZIP code: agencies near it are found.")),
            Regexp(r"\d{5}\Z", message=_("Five digits, please.")),
        ],
        filters=[stripped],
    )
    contact_prohibited = BooleanField(_("Nobody may contact this person directly"))
    need = SelectField(
        _("What is needed"),
        [needed(_("Choose what the person needs."))],
        choices=choices([("", _("Choose…")), *NEED.items()]),
    )
    requested = TextAreaField(
        _("What you ask of the agency"),
        [needed(_("Say in a sentence what you ask for.")), at_most(LONGEST_TEXT)],
        filters=[stripped],
    )
    words = StringField(_("Agency or service (optional)"), [Optional(), at_most(100)], filters=[stripped])
    speaks = BooleanField(_("Only agencies that speak the person's language"))
    radius = SelectField(_("How far away"), choices=choices(RADII), default="25")
    person = RadioField(_("Is it one of these people?"), choices=[], validate_choice=False)
    receiver = RadioField(_("Send to"), [needed(_("Choose an agency."))], choices=[], validate_choice=False)
    consent = RadioField(
        _("How did the person agree?"),
        [needed(_("Say how the person agreed to be referred."))],
        choices=choices(CONSENT.items()),
    )
    priority = SelectField(
        _("How urgent is it?"),
        choices=choices((priority.value, words) for priority, words in PRIORITY.items()),
        default=Priority.ROUTINE.value,
    )
    note = TextAreaField(_("Note to the agency (optional)"), [Optional(), at_most(LONGEST_TEXT)], filters=[stripped])

    def validates(self, *, for_sending: bool) -> bool:
        """Check the first step, or all of it. A known person needs no name typed again."""
        wanted = set(self._fields) if for_sending else set(FIRST_STEP)
        if self.is_known:
            wanted -= set(OF_A_NEW_PERSON)
        return all([field.validate(self) for name, field in self._fields.items() if name in wanted])

    @property
    def is_known(self) -> bool:
        """Whether the person comes from a record of ours."""
        return bool(self.patient_id.data)

    def fill(self, patient_id: str, person: Person) -> None:
        """Fill in a person of ours; only the id is taken from the form when it is sent."""
        self.patient_id.data = patient_id
        self.given.data, self.family.data = " ".join(person.given), person.family or person.name
        self.language.data = person.language.partition("-")[0] or "en"
        self.interpreter.data, self.zip_code.data = person.interpreter_needed, person.zip_code[:5]

    def offer_people(self, known: Iterable[KnownPerson]) -> None:
        """Offer the people of this name and birth date whom we know."""
        people: list[tuple[str, Any]] = [
            (one.patient_id, ", ".join(filter(None, (one.person.name, one.person.zip_code, *one.person.phones[:1]))))
            for one in known
        ]
        self.person.choices = choices([*people, (NEW_PERSON, _("No, somebody else"))] if people else [])

    def says_who(self) -> bool:
        """Return whether it is settled who is meant; nobody is taken for somebody else without being asked."""
        if not self.person.choices or self.person.data:
            return True
        self.person.errors = [_("You have records of this name and date of birth: say whether it is one of them.")]
        return False

    def offer_agencies(self, receivers: Iterable[Receiver], *, has_network: bool) -> None:
        """Offer what the directory found, and the network's coordinator where there is one."""
        found: list[tuple[str, Any]] = [(value_of(one), one.name) for one in receivers]
        network = [(NETWORK, _("Let our network choose"))] if has_network else []
        self.receiver.choices = choices([*found, *network])

    def request(self) -> ReferralRequest:
        """Return what is asked, as the action takes it."""
        chosen = self.person.data if self.person.data not in (None, "", NEW_PERSON) else None
        patient_id = self.patient_id.data or chosen or None
        kind, _colon, receiver_id = (self.receiver.data or "").partition(":")
        return ReferralRequest(
            need=self.need.data,
            requested=self.requested.data,
            consent=self.consent.data,
            person=None if patient_id else self._new_person(),
            patient_id=patient_id,
            receiver_id=receiver_id if kind == "organization" else None,
            service_id=receiver_id if kind == "service" else None,
            priority=Priority(self.priority.data),
            note=self.note.data or None,
            contact_prohibited=bool(self.contact_prohibited.data),
        )

    def _new_person(self) -> Person:
        return Person(
            family=self.family.data,
            given=tuple(self.given.data.split()),
            birth_date=self.birth_date.data.isoformat(),
            phones=(self.phone.data,),
            zip_code=self.zip_code.data,
            language=self.language.data,
            language_name=NAMES[self.language.data],
            interpreter_needed=bool(self.interpreter.data),
        )


def value_of(receiver: Receiver) -> str:
    """Return the value of an agency's radio button: its service where it is listed, else itself."""
    return f"service:{receiver.service_id}" if receiver.service_id else f"organization:{receiver.organization_id}"
