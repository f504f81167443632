"""A collection of linked documents, played over HTTP: each party writes its own, and every Task ends as it is written.

Organizations of the collection join and are given ids here; services and places stand for listed ones. What a party
refers to it has sent before, under our ids; a receiver refers to the sender's documents where it can see them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.backend_client import BackendClient, Json, address, load

#  types that clients only read: what a sender writes of them cannot be kept at an address of its own
READ_ONLY = frozenset({"Organization", "HealthcareService", "Location", "Provenance", "AuditEvent"})
#  how a Task comes to the state it is written in
MOVES = {
    "requested": (),
    "accepted": ("accepted",),
    "completed": ("accepted", "in-progress", "completed"),
}
PATIENT_MOVES = {"ready": (), "completed": ("in-progress", "completed")}


def documents_of(*folders: Path) -> dict[str, Json]:
    """Return the documents of some folders by their references, Bundles left out; numbers stay as written."""
    found = [load(path.read_text(encoding="utf-8")) for folder in folders for path in sorted(folder.glob("*.json"))]
    return {address(one): one for one in found if one["resourceType"] != "Bundle"}


def is_referral(document: Json) -> bool:
    """Return whether a document is a Task that asks an organisation to fulfill something."""
    return document["resourceType"] == "Task" and document["code"]["coding"][0]["code"] == "fulfill"


def references_in(value: Any) -> Iterator[str]:
    """Yield the references of a document, those to its own contained resources left out."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str) and not value["reference"].startswith("#"):
            yield value["reference"]
        for one in value.values():
            yield from references_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from references_in(one)


def rewritten(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy in which every reference is changed and all else stands."""
    if isinstance(value, dict):
        copy = {name: rewritten(one, change) for name, one in value.items()}
        if isinstance(value.get("reference"), str) and not value["reference"].startswith("#"):
            copy["reference"] = change(value["reference"])
        return copy
    return [rewritten(one, change) for one in value] if isinstance(value, list) else value


def without(document: Json, *names: str) -> Json:
    """Return a copy without some elements."""
    return {name: value for name, value in document.items() if name not in names}


def told(document: Json) -> Json:
    """Return what must come back as it went in: all but id, what the server writes into meta, and whom it names.

    A reference is told by its type; which document it names is compared apart.
    """
    meta = without(document.get("meta", {}), "versionId", "lastUpdated")
    whole = without(document, "id", "meta", "lastModified") | ({"meta": meta} if meta else {})
    told_by_type: Json = rewritten(whole, lambda reference: reference.partition("/")[0])
    return told_by_type


@dataclass
class Party:
    """An organisation of the collection, its program, and what it has written by the collection's references."""

    program: BackendClient
    written: dict[str, str] = field(default_factory=dict)


@dataclass
class Play:
    """A collection with its parties.

    `listed` are our references for services and places; `named` says which documents each of ours named when it was
    last sent.
    """

    documents: dict[str, Json]
    parties: dict[str, Party]
    listed: dict[str, str]
    provider: Party
    tasks: dict[str, str] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def party_of(self, reference: str) -> Party:
        """Return the organisation that a reference stands for: itself, a role's employer, a service's provider."""
        if reference.startswith("HealthcareService/"):
            return self.provider
        document = self.documents.get(reference, {})
        return self.parties[document.get("organization", {}).get("reference", reference)]

    def ours(self, party: Party, reference: str, beside: Party | None = None) -> str:
        """Return our reference for one of the collection: written first where need be.

        `beside` is another party, whose documents are used where this one can read them.
        """
        if reference in self.parties:
            return self.parties[reference].program.organization
        if reference in self.listed:
            return self.listed[reference]
        if reference.startswith("Task/"):
            return self.task(reference)
        theirs = beside.written.get(reference) if beside else None
        if theirs and party.program.ask("GET", theirs).status_code == 200:
            return theirs
        return party.written.get(reference) or self.write(party, reference, beside)

    def as_ours(self, party: Party, document: Json, beside: Party | None = None) -> Json:
        """Return a document with our references and without its id."""
        return rewritten(without(document, "id"), lambda reference: self.ours(party, reference, beside))

    def write(self, party: Party, reference: str, beside: Party | None = None) -> str:
        """Let a party write a document, and before it what it refers to; return our reference."""
        party.written[reference] = self._create(party, self.as_ours(party, self.documents[reference], beside))
        return party.written[reference]

    def task(self, reference: str) -> str:
        """Return our reference for a Task of the collection, sent and driven to its state where it was not yet."""
        if reference not in self.tasks:
            drive = self._drive_referral if is_referral(self.documents[reference]) else self._drive_patient_task
            drive(reference, self.documents[reference])
        return self.tasks[reference]

    def _drive_referral(self, reference: str, task: Json) -> None:
        sender, receiver = (self.party_of(task[role]["reference"]) for role in ("requester", "owner"))
        fresh = self.as_ours(sender, without(task, "output")) | {"status": "requested"}
        self.tasks[reference] = ours = self._create(sender, fresh)
        for status in MOVES[task["status"]]:
            moved = receiver.program.read(ours) | {"status": status}
            if status == "completed":
                moved["output"] = [self._output(one, receiver, sender) for one in task["output"]]
            self._update(receiver, moved)

    def _output(self, output: Json, receiver: Party, sender: Party) -> Json:
        """Return an output that the receiver has written for this Task, about the person as the sender named it."""
        fresh = Party(receiver.program)
        return rewritten(output, lambda reference: self.write(fresh, reference, beside=sender))

    def _drive_patient_task(self, reference: str, task: Json) -> None:
        writer = self.party_of(task["requester"]["reference"])
        whole = self.as_ours(writer, task)
        self.tasks[reference] = ours = self._create(writer, without(whole, "output") | {"status": "ready"})
        for status in PATIENT_MOVES[task["status"]]:
            moved = writer.program.read(ours) | {"status": status}
            if status == "completed" and "output" in whole:
                moved["output"] = whole["output"]
            self._update(writer, moved)

    def _create(self, party: Party, document: Json) -> str:
        ours = address(party.program.create(document))
        self.named[ours] = sorted(references_in(document))
        return ours

    def _update(self, party: Party, document: Json) -> None:
        self.named[address(document)] = sorted(references_in(document))
        party.program.update(document, If_Match=f'W/"{document["meta"]["versionId"]}"')
