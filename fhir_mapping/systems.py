"""Every canonical URL and code system that the exchange reads or writes, once.

Sources: HL7 FHIR R4 4.0.1, US Core 7.0.0, SDOH Clinical Care 3.0.0, SMART App Launch 2.2, IHE BALP.
"""

from typing import Final

# HL7 FHIR R4
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
TASK_STATUS: Final = "http://hl7.org/fhir/task-status"
REQUEST_STATUS: Final = "http://hl7.org/fhir/request-status"
REQUEST_INTENT: Final = "http://hl7.org/fhir/request-intent"
REQUEST_PRIORITY: Final = "http://hl7.org/fhir/request-priority"
EVENT_STATUS: Final = "http://hl7.org/fhir/event-status"
ADMINISTRATIVE_GENDER: Final = "http://hl7.org/fhir/administrative-gender"
CONDITION_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_POLICY: Final = "http://terminology.hl7.org/CodeSystem/consentpolicycodes"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
DATA_ABSENT_REASON: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
ORGANIZATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/organization-type"
AUDIT_EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
AUDIT_ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
AUDIT_OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
RESTFUL_INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
RESTFUL_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
PROVENANCE_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
DOCUMENT_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
LANGUAGE: Final = "urn:ietf:bcp:47"
UUID_URN: Final = "urn:ietf:rfc:3986"

# Terminologies
SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
NPI: Final = "http://hl7.org/fhir/sid/us-npi"
TAX_ID: Final = "urn:oid:2.16.840.1.113883.4.4"
SSN: Final = "http://hl7.org/fhir/sid/us-ssn"

# US Core 7.0.0
US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"
US_CORE_PROVENANCE: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
US_CORE_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
US_CORE_CONDITION_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"

# SDOH Clinical Care 3.0.0
SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/"
SDOHCC_CODES: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
SDOHCC_TASK: Final = SDOHCC + "SDOHCC-TaskForReferralManagement"
SDOHCC_PATIENT_TASK: Final = SDOHCC + "SDOHCC-TaskForPatient"
SDOHCC_SERVICE_REQUEST: Final = SDOHCC + "SDOHCC-ServiceRequest"
SDOHCC_CONDITION: Final = SDOHCC + "SDOHCC-Condition"
SDOHCC_GOAL: Final = SDOHCC + "SDOHCC-Goal"
SDOHCC_PROCEDURE: Final = SDOHCC + "SDOHCC-Procedure"
SDOHCC_CONSENT: Final = SDOHCC + "SDOHCC-Consent"
SDOHCC_GROUP: Final = SDOHCC + "SDOHCC-Group"
SDOHCC_HEALTHCARE_SERVICE: Final = SDOHCC + "SDOHCC-HealthcareService"
SDOHCC_LOCATION: Final = SDOHCC + "SDOHCC-Location"
SDOHCC_PRACTITIONER_ROLE: Final = SDOHCC + "SDOHCC-practitionerrole"
SDOHCC_SCREENING_RESPONSE: Final = SDOHCC + "SDOHCC-ObservationScreeningResponse"
SDOHCC_ASSESSMENT: Final = SDOHCC + "SDOHCC-ObservationAssessment"
SDOHCC_ENROLLMENT: Final = SDOHCC + "SDOHCC-ObservationProgramEnrollmentStatus"
SDOHCC_CONDITION_ASSERTER: Final = SDOHCC + "SDOHCC-ExtensionConditionAsserter"
SDOHCC_TASK_OUTPUT_PARAMETER: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/SearchParameter/Task-output-reference"
SDOHCC_SUPPORTING_INFO_PARAMETER: Final = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/SearchParameter/ServiceRequest-supporting-info"
)
SDC_CODES: Final = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
PERTAINS_TO_GOAL: Final = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"

# SMART App Launch
OAUTH_URIS: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

# Extensions of R4 that we read or write
INTERPRETER_REQUIRED: Final = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
INTERPRETER_NEEDED: Final = US_CORE + "us-core-interpreter-needed"
DATA_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

# BALP (IHE Basic Audit Log Patterns)
BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
BALP_ENTITY_TYPE: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"

# Ours: codes that no published system has. The names are URNs, so they need no address and never move.
AUDIT_INTERACTION: Final = "urn:referral-exchange:audit-interaction"
REFERRAL_STAGE: Final = "urn:referral-exchange:referral-stage"
REFERRAL_REASON: Final = "urn:referral-exchange:referral-reason"
REFERRAL_OUTCOME: Final = "urn:referral-exchange:referral-outcome"
REFERRAL_ID: Final = "urn:referral-exchange:referral"
ORGANIZATION_ID: Final = "urn:referral-exchange:organization"
