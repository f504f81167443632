"""What a Task asks for and brings. Sources: HL7 FHIR R4 task-code; SDOHCC 3.0.0 SDOHCC-CodeSystemTemporaryCodes."""

from typing import Final

FULFILL: Final = "fulfill"
FULFILL_DISPLAY: Final = "Fulfill the focal request"

RESULTING_ACTIVITY: Final = "resulting-activity"
ADDITIONAL_CONTENT: Final = "additional-content"
OUTPUT_DISPLAYS: Final = {RESULTING_ACTIVITY: "Resulting Activity", ADDITIONAL_CONTENT: "Additional Content"}

CONTACTING_SUBJECT_PROHIBITED: Final = "contacting-subject-prohibited"
CONTACTING_SUBJECT_PROHIBITED_DISPLAY: Final = "Contacting Subject Prohibited"
