"""The words of Task.businessStatus, system `systems.REFERRAL_STAGE`. The codes are `case_data.referral.Stage`."""

from typing import Final

from fhir_mapping.case_data.referral import Stage

STAGE_DISPLAYS: Final = {
    Stage.NO_ANSWER: "Nobody has answered",
    Stage.UNDELIVERABLE: "The message could not be delivered",
    Stage.CONSENT_NEEDED: "A consent is needed before the referral is released",
    Stage.MUST_BE_PHONED: "The agency must be phoned",
    Stage.WAITLISTED: "The client is on a waiting list",
    Stage.INFORMATION_REQUESTED: "The agency asks for information",
    Stage.CLIENT_REACHED: "The client has been reached",
    Stage.APPOINTMENT_MADE: "An appointment has been made",
    Stage.REFERRED_ONWARD: "The referral has been sent on",
}
