"""The Organization as we show it: a member, a listed agency, or both under one id. Read-only to clients."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from directory import records
from fhir_mapping import systems
from fhir_mapping.datatypes import Token, concept, identifier, instant, reference, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.resources.contact_points import telecoms

_KINDS: Final = {
    "hospital": ("prov", "Healthcare Provider"),
    "agency": ("cg", "Community Group"),
    "network": ("bus", "Non-Healthcare Business or Corporation"),
}


def organization(
    organization_id: str,
    *,
    name: str,
    last_updated: datetime,
    listed: records.Organization | None = None,
    kind: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    identifiers: Iterable[Token] = (),
    active: bool = True,
) -> Json:
    """Return the Organization. What membership says (e-mail, phone) goes before what the directory lists."""
    phones = [records.Phone(number=phone)] if phone else list(listed.phones if listed else ())
    own = [identifier(systems.ORGANIZATION_ID, organization_id)]
    own += [identifier(token.system, token.value) for token in identifiers]
    if listed and listed.tax_id:
        own.append(identifier(systems.TAX_ID, listed.tax_id))
    also = [listed.alternate_name] if listed and listed.alternate_name else None
    parent = listed.parent_organization_id if listed else None
    code = _KINDS.get(kind or "agency")
    return without_nothing(
        {
            "resourceType": "Organization",
            "id": organization_id,
            "meta": {
                "lastUpdated": instant(last_updated),
                "profile": [f"{systems.US_CORE}us-core-organization"],
            },
            "identifier": own,
            "active": active,
            "type": [concept(systems.ORGANIZATION_TYPE, *code)] if code else None,
            "name": name,
            "alias": also,
            "telecom": telecoms(
                phones,
                email=email or (listed.email if listed else None),
                url=listed.website if listed else None,
            ),
            "partOf": reference(f"Organization/{parent}") if parent else None,
        }
    )
