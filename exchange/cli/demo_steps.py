"""The demo's first four steps: from a token to a closed loop. Each thing that is told has been checked first."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from exchange.cli import demo_documents as documents
from exchange.cli.demo_cast import RADIUS_KM, Agency
from exchange.cli.demo_documents import PATIENTS, Json, PatientFacts
from exchange.cli.demo_joining import HOSPITAL_PHONE, Story
from exchange.cli.demo_telling import Telling, hold

#  what is asked and what is given, of an agency that gives food and of any other
ASKED: Final = {True: "Groceries for the coming two weeks", False: "Help in the coming two weeks"}
GIVEN: Final = {True: "Groceries for two weeks, picked up on Tuesday.", False: "Helped in person on Tuesday."}


def gets_a_token(story: Story, tell: Telling) -> None:
    """1: SMART Backend Services, and what the exchange can do."""
    granted = story.ehr.fetch_token()
    hold(granted.get("token_type", "").lower() == "bearer", "The token endpoint gave no bearer token.")
    tell.say(
        f"The EHR of {story.hospital} signs an assertion with its own ES384 key and gets a token "
        f"for {granted['expires_in']} seconds (private_key_jwt)."
    )
    statement = story.ehr.wire.ask("GET", "/fhir/metadata")
    hold(statement.status_code == 200, "/fhir/metadata did not answer.")
    said: Json = statement.json()
    types = [one["type"] for one in said["rest"][0]["resource"]]
    hold("Task" in types and said["fhirVersion"] == "4.0.1", "The CapabilityStatement does not speak of Task in R4.")
    tell.sees("Hospital", f"FHIR {said['fhirVersion']}, {len(types)} types of documents, Task among them.")


def finds_a_pantry(story: Story, tell: Telling) -> None:
    """2: the directory, by the search for people and programs and by the FHIR door."""
    pantry, home = story.cast.pantry, story.cast.home
    asked = {"need": pantry.search_need or "", "limit": "100"}
    asked |= {"zip": home, "radius_km": str(RADIUS_KM)} if pantry.distance_km is not None else {}
    found = story.ehr.api(f"directory/search?{urlencode({name: value for name, value in asked.items() if value})}")
    hit = next((one for one in found["hits"] if one["organization_id"] == pantry.id), None)
    if hit is None:
        hold(False, f"The search did not find {pantry.name}, which the directory lists.")
        return
    near = f", {hit['distance_km']} km from the middle of {home}" if hit["distance_km"] is not None else ""
    tell.say(f"The directory search near {home} answers {len(found['hits'])} services; the EHR takes {pantry.name}.")
    tell.sees("Hospital", f"{hit['service']}, {hit['organization']}{near}. {' '.join(hit['reasons'][:2])}".strip())
    offered = story.ehr.fhir("GET", f"HealthcareService?organization=Organization/{pantry.id}").json()
    names = [entry["resource"]["name"] for entry in offered.get("entry", ()) if entry["search"]["mode"] == "match"]
    hold(hit["service"] in names, "The FHIR door does not list the service that the search found.")
    tell.sees("Hospital", f"the same at the FHIR door: HealthcareService {', '.join(names)}.")


def sends_two_referrals(story: Story, tell: Telling) -> None:
    """3: once as a transaction Bundle, once as single POSTs."""
    pantry, decliner, began = story.cast.pantry, story.cast.decliner, documents.instant(story.demo.house.now())
    story.tasks["first"] = send_together(story, PATIENTS[0], pantry, "pantry", 1)
    tell.say("One transaction Bundle brings Patient, Condition, Consent, ServiceRequest and Task: all or none.")
    tell.sees("Hospital", f"{_stand(story, 'first')}; {pantry.name} has it.")
    story.tasks["second"] = _send_one_by_one(story, PATIENTS[1], decliner, "decliner")
    tell.say(
        "Five single POSTs bring the same for a second person: each document answers with its address and version."
    )
    tell.sees("Hospital", f"{_stand(story, 'second')}; {decliner.name} has it.")
    found = poll(story, began)
    hold(len(found["entry"]) == 2, "Polling does not show the two referrals.")
    story.polled_until = found["meta"]["lastUpdated"]


def closes_the_loop(story: Story, tell: Telling) -> None:
    """4: mail, portal, accepted, started, completed with a Procedure."""
    worker, task_id = story.people["pantry"], story.tasks["first"]
    given = GIVEN[story.cast.pantry.is_about_food]
    mail = story.demo.mailbox.wait_for(story.joined.pantry_email, "You have a referral")
    tell.say(f"A mail comes to {story.cast.pantry.name}: “{mail['Subject']}”, with a link and no health data.")
    worker.sign_in()
    page = worker.open(story.demo.mailbox.link_in(mail))
    hold(PATIENTS[0].family in page.text, "The agency does not see whom the referral is about.")
    told = {
        "the language": PATIENTS[0].language_name, "that an interpreter is needed": "Interpreter needed",
        "the person's phone": PATIENTS[0].phone, "what is asked": ASKED[story.cast.pantry.is_about_food],
        "by when to answer": "Answer by", "whom to call at the hospital": HOSPITAL_PHONE,
    }  # fmt: skip
    for what, words in told.items():
        hold(words in page.text, f"The agency's page does not say {what}.")
    tell.sees("Agency", "who it is for, their language and phone, what is asked, by when, whom to call with questions.")
    for verb, status in (("accept", "accepted"), ("start", "in-progress")):
        page = worker.submit(page, f"/answer/{verb}")
        stands(story, "first", status)
    tell.say("The agency accepts, and starts. The hospital reads each at once.")
    page = worker.submit(page, "/answer/complete", outcome=given)
    task = stands(story, "first", "completed")
    procedure = story.ehr.fhir("GET", task["output"][0]["valueReference"]["reference"]).json()
    hold(procedure["resourceType"] == "Procedure", "The Task's output is not a Procedure.")
    hold(procedure["code"]["text"] == given, "The Procedure does not say what was done.")
    tell.say("The agency records the service given and completes.")
    hold("Completed" in page.text, "The agency's page does not say that the referral is completed.")
    tell.sees("Agency", "Completed. The loop is closed.")
    tell.sees("Hospital", f"{_stand(story, 'first')}; {task_id[:13]}… has a Procedure: “{procedure['code']['text']}”")


def poll(story: Story, since: str) -> Json:
    """Return the Tasks that changed since a moment, with what they brought, in one Bundle."""
    path = f"Task?{urlencode({'_lastUpdated': f'ge{since}', '_include': 'Task:output'})}"
    whole: Json = story.ehr.fhir("GET", path).json()
    page = whole
    while following := next((one["url"] for one in page.get("link", ()) if one["relation"] == "next"), None):
        page = story.ehr.fhir("GET", following.partition("/fhir/")[2]).json()
        whole.setdefault("entry", []).extend(page.get("entry", ()))
    return whole


def stands(story: Story, which: str, status: str, stage: str | None = None) -> Json:
    """Return a referral's Task as the hospital reads it. Raises DemoFailed when it does not stand there."""
    task = story.ehr.task(story.tasks[which])
    found = stage_of(task)
    hold(task["status"] == status, f"The {which} referral is {task['status']} and should be {status}.")
    hold(stage is None or found == stage, f"The {which} referral's businessStatus is {found} and should be {stage}.")
    return task


def stage_of(task: Json) -> str | None:
    """Return the code of Task.businessStatus."""
    codings: list[Any] = task.get("businessStatus", {}).get("coding", [])
    return codings[0].get("code") if codings else None


def _stand(story: Story, which: str) -> str:
    task = story.ehr.task(story.tasks[which])
    return f"Task.status {task['status']}, version {task['meta']['versionId']}"


def send_together(story: Story, one: PatientFacts, receiver: Agency, part: str, number: int) -> str:
    """Send a person's referral as one transaction Bundle and return the id of its Task."""
    names = {kind: f"urn:uuid:{uuid4()}" for kind in ("Patient", "Condition", "Consent", "ServiceRequest", "Task")}
    drawn = _drawn(story, one, receiver, part, number, names)
    sent = {names[kind]: document for kind, document in drawn.items()}
    bundle = documents.transaction(sent, only_once=f"identifier={documents.MRN}|{one.number}")
    answer = story.ehr.fhir("POST", "", bundle).json()
    statuses = [entry["response"]["status"][:3] for entry in answer["entry"]]
    hold(statuses == ["201"] * 5, f"The transaction answered {', '.join(statuses)}.")
    return str(answer["entry"][-1]["response"]["location"].partition("/Task/")[2].partition("/")[0])


def _send_one_by_one(story: Story, one: PatientFacts, receiver: Agency, part: str) -> str:
    """Send a person's referral as five POSTs, each with the addresses that the ones before were given."""
    addresses: dict[str, str] = {}
    for kind in ("Patient", "Condition", "Consent", "ServiceRequest", "Task"):
        drawn = _drawn(story, one, receiver, part, 2, addresses)
        once = {"If-None-Exist": f"identifier={documents.MRN}|{one.number}"} if kind == "Patient" else {}
        answer = story.ehr.fhir("POST", kind, drawn[kind], expect=(201,), headers=once)
        hold("ETag" in answer.headers, f"The answer to the POST of {kind} has no ETag.")
        addresses[kind] = f"{kind}/{answer.json()['id']}"
    return addresses["Task"].partition("/")[2]


def _drawn(
    story: Story, one: PatientFacts, receiver: Agency, part: str, number: int, at: dict[str, str]
) -> dict[str, Json]:
    """Return the five documents of a referral; `at` holds the addresses by which they name each other."""
    moment: datetime = story.demo.house.now().replace(microsecond=0)
    hospital, owner = f"Organization/{story.joined.ids['hospital']}", f"Organization/{story.joined.ids[part]}"
    asked = ASKED[receiver.is_about_food]
    person, why, agreed, request = (at.get(k, "") for k in ("Patient", "Condition", "Consent", "ServiceRequest"))
    return {
        "Patient": documents.patient(one, story.cast.home, story.cast.place),
        "Condition": documents.condition(person, receiver.category, moment),
        "Consent": documents.consent(person, hospital, owner if number == 1 else None, moment),
        "ServiceRequest": documents.service_request(person, hospital, why, agreed, receiver.category, asked, moment),
        "Task": documents.task(f"R-{number}", request, person, hospital, (owner, receiver.name), moment),
    }
