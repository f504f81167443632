"""The CapabilityStatement, made from the tables that route and search, so that it cannot lie."""

from datetime import datetime
from typing import Final

from fhir_mapping import systems
from fhir_mapping.datatypes import coding, instant, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType
from fhir_mapping.search_parameters import parameters_of

_SYSTEM_INTERACTIONS: Final = ("transaction", "batch")
_ORDER: Final = ("read", "vread", "update", "history-instance", "create", "search-type")


def capability_statement(
    *,
    base_url: str,
    oauth_token_url: str,
    published_at: datetime,
    version: str,
    oauth_introspect_url: str | None = None,
    oauth_revoke_url: str | None = None,
    oauth_authorize_url: str | None = None,
    oauth_register_url: str | None = None,
    formats: tuple[str, ...] = ("application/fhir+json", "json"),
) -> Json:
    """Return the CapabilityStatement of this server.

    Security names SMART on FHIR and carries the `oauth-uris` extension, which SMART has withdrawn but by which a widely
    used client finds the token address, and nowhere else (docs/decisions/0023).
    """
    addresses = {
        "authorize": oauth_authorize_url,
        "token": oauth_token_url,
        "register": oauth_register_url,
        "introspect": oauth_introspect_url,
        "revoke": oauth_revoke_url,
    }
    uris = [{"url": name, "valueUri": address} for name, address in addresses.items() if address]
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base_url}/metadata",
        "version": version,
        "name": "ReferralExchange",
        "title": "Referral Exchange",
        "status": "active",
        "date": instant(published_at),
        "publisher": "Referral Exchange",
        "description": "Referrals to social care, as SDOH Clinical Care 3.0.0 describes a coordination platform.",
        "kind": "instance",
        "instantiates": [
            "http://hl7.org/fhir/us/sdoh-clinicalcare/CapabilityStatement/SDOHCC-CoordinationPlatform",
        ],
        "software": {"name": "Referral Exchange", "version": version},
        "implementation": {"description": "Referral Exchange", "url": base_url},
        "fhirVersion": "4.0.1",
        "format": list(formats),
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": systems.OAUTH_URIS, "extension": uris}],
                    "cors": False,
                    "service": [{"coding": [coding(systems.RESTFUL_SECURITY, "SMART-on-FHIR", "SMART-on-FHIR")]}],
                    "description": "SMART Backend Services: client_credentials with private_key_jwt (RS384, ES384).",
                },
                "resource": [_resource(kind) for kind in RESOURCE_TYPES.values()],
                "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
            }
        ],
    }


def _resource(kind: ResourceType) -> Json:
    return without_nothing(
        {
            "type": kind.name,
            "supportedProfile": list(kind.profiles),
            "interaction": [{"code": code} for code in _ORDER if code in kind.interactions],
            "versioning": "versioned-update" if kind.name == "Task" else "versioned",
            "readHistory": "vread" in kind.interactions,
            "updateCreate": False,
            "conditionalCreate": kind.conditional_create,
            "conditionalUpdate": kind.conditional_update,
            "conditionalDelete": "not-supported",
            "referencePolicy": ["literal", "local"],
            "searchInclude": [f"{kind.name}:{code}" for code in kind.includes],
            "searchParam": [
                without_nothing(
                    {
                        "name": parameter.code,
                        "definition": parameter.definition,
                        "type": parameter.kind,
                        "documentation": parameter.path,
                    }
                )
                for parameter in parameters_of(kind.name).values()
            ],
        }
    )
