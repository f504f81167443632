"""The demo's last three steps: declined by link and taken on by phone, unanswered and cancelled, and the reckoning."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Final

from exchange.cli import demo_documents as documents
from exchange.cli.demo_documents import PATIENTS, Json
from exchange.cli.demo_joining import HOSPITAL_EMAIL, NETWORK_EMAIL, Story
from exchange.cli.demo_parties import Person, text_of, wait_for
from exchange.cli.demo_steps import poll, send_together, stage_of, stands
from exchange.cli.demo_telling import Telling, hold
from exchange.cli.demo_wire import Wire
from exchange.db import audit, referral, timeline
from exchange.db.audit import Verification
from exchange.domain.actor import SYSTEM
from fhir_mapping.case_data.referral import Referral

DECLINED: Final = "We have no room until the first of next month."
CANCELLED: Final = "Nobody answered; the social worker found help elsewhere."
A_MINUTE: Final = timedelta(minutes=1)
ENDS: Final = {"first": "completed", "second": "rejected", "sent on": "accepted", "third": "cancelled"}


def is_declined_and_sent_on(story: Story, tell: Telling) -> None:
    """5: a link without an account, a new Task on the same ServiceRequest, a phone call."""
    decliner = story.cast.decliner
    mail = story.demo.mailbox.wait_for(decliner.email or "", "You have a referral")
    tell.say(f"{decliner.name} has not joined. Its mail has a link that answers one referral, without an account.")
    _decline(story, mail)
    task = stands(story, "second", "rejected")
    reason = task["statusReason"]["text"]
    hold(reason == DECLINED, "The hospital does not read the reason that the agency gave.")
    tell.sees("Agency", "Thank you. Declined: the sender knows why. The link answers nothing more.")
    tell.sees("Hospital", f"Task.status rejected: “{reason}”")
    _send_on(story, tell, task)
    _record_by_phone(story, tell)


def nobody_answers(story: Story, tell: Telling) -> None:
    """6: clock, reminder, clock; the status stays, the next step is the hospital's."""
    silent, mailbox = story.cast.silent, story.demo.mailbox
    story.tasks["third"] = send_together(story, PATIENTS[2], silent, "silent", 3)
    mailbox.wait_for(silent.email or "", "You have a referral")
    waits = _decision(story, "third")
    assert waits.remind_at is not None
    assert waits.due_at is not None
    tell.say(f"A third referral goes to {silent.name}. Nobody there answers.")
    story.demo.at_time(waits.remind_at + A_MINUTE)
    mailbox.wait_for(silent.email or "", "Reminder")
    stands(story, "third", "requested")
    tell.say(f"The demo moves its clock to {waits.remind_at:%A %d %B}, two business days on: the agency is reminded.")
    story.demo.at_time(waits.due_at + A_MINUTE)
    told = mailbox.wait_for(HOSPITAL_EMAIL, "Nobody answered")
    task = stands(story, "third", "requested", "no-answer")
    hold(_decision(story, "third").next_step == "sender", "The next step is not the hospital's.")
    tell.say(f"It moves on to {waits.due_at:%A %d %B}: silence is not a status, but it is told.")
    tell.sees("Hospital", f"a mail, “{told['Subject']}”; Task.status requested, businessStatus no-answer.")
    page = story.people["hospital"].open(f"/referrals/{story.tasks['third']}")
    hold(page.has_form("/answer/cancel"), "The hospital's page does not offer to cancel.")
    _cancel(story, task)
    tell.say("The next step is the hospital's, and it cancels.")
    tell.sees("Hospital", f"Task.status cancelled: “{stands(story, 'third', 'cancelled')['statusReason']['text']}”")


def the_reckoning(story: Story, tell: Telling) -> None:
    """7: the hospital polls, timelines, audit; and no health data where none may be."""
    found = poll(story, story.polled_until)
    by_id = {entry["resource"]["id"]: entry["resource"] for entry in found["entry"]}
    for which, status in ENDS.items():
        task = by_id.get(story.tasks[which])
        hold(task is not None and task["status"] == status, f"Polling does not show the {which} referral as {status}.")
        story.ends.append(_end(which, task or {}))
    procedures = [one for one in by_id.values() if one["resourceType"] == "Procedure"]
    hold(len(procedures) == 1, "Polling with _include does not bring the one Procedure.")
    tell.say(f"The hospital polls again: Task?_lastUpdated=ge{story.polled_until}&_include=Task:output")
    for end in story.ends:
        words = " · ".join(str(end[part]) for part in ("status", "stage", "reason") if end[part])
        tell.sees("Hospital", f"{end['which']}: {words} ({end['receiver']})")
    tell.sees("Hospital", f"what was done: “{procedures[0]['code']['text']}”")
    for which in ENDS:
        _tell_timeline(story, tell, which)
    story.audit = _audit(story)
    tell.say(f"The audit verifies: {story.audit.rows} rows in {story.audit.blocks} sealed blocks.")
    letters = _no_health_data(story)
    tell.say(f"No name, birth date, phone or address stands in any of {letters} mails, nor in the log.")


def _decline(story: Story, mail: EmailMessage) -> None:
    holder = Person(Wire(story.demo.base_url, story.demo.transcript, f"Somebody at {story.cast.decliner.name}"))
    link = story.demo.mailbox.link_in(mail)
    page = holder.open(link)
    seen = [word for word in PATIENTS[1].canaries if word in page.text]
    hold(not seen, "The page behind the link shows health data before anybody asked.")
    stands(story, "second", "requested")
    sure = holder.submit(page, "/answer/reject")
    stands(story, "second", "requested")
    after = holder.submit(sure, "/answer/reject", code="no-capacity", text=DECLINED)
    hold("Thank you" in after.text, "The agency is not told that its answer was recorded.")
    holder.open(link, expect=404)


def _send_on(story: Story, tell: Telling, declined: Json) -> None:
    """Post a new Task on the same ServiceRequest, to an agency that must be phoned."""
    phoned, hospital = story.cast.phoned, f"Organization/{story.joined.ids['hospital']}"
    task = documents.task(
        "R-2b", declined["focus"]["reference"], declined["for"]["reference"], hospital,
        (f"Organization/{story.joined.ids['phoned']}", phoned.name), story.demo.house.now(),
    )  # fmt: skip
    answer = story.ehr.fhir("POST", "Task", task, expect=(201,), headers={"Prefer": "return=OperationOutcome"})
    story.tasks["sent on"] = answer.headers["Location"].partition("/Task/")[2].partition("/")[0]
    said = " ".join(issue.get("diagnostics", "") for issue in answer.json()["issue"])
    hold("must be phoned" in said and (phoned.phone or "") in said, "The hospital is not told whom to phone.")
    stands(story, "sent on", "requested", "must-be-phoned")
    tell.say(f"The hospital sends it on: a new Task on the same ServiceRequest, to {phoned.name}.")
    tell.sees("Hospital", f"must be phoned: {phoned.phone or 'no number is known'}")


def _record_by_phone(story: Story, tell: Telling) -> None:
    facilitator, task_id = story.people["network"], story.tasks["sent on"]
    story.demo.mailbox.wait_for(NETWORK_EMAIL, "must be phoned")
    facilitator.sign_in()
    listed = facilitator.open("/phone-list")
    hold(story.cast.phoned.name in listed.text, "The facilitator's list does not name the agency to be phoned.")
    call = facilitator.open(f"/referrals/{task_id}/call")
    facilitator.submit(call, "/call/accept", answered_by="Pat at the front desk")
    stands(story, "sent on", "accepted")
    left = facilitator.open("/phone-list")
    hold(story.cast.phoned.name not in left.text, "The agency is still on the list of those to be phoned.")
    tell.say(f"{facilitator.wire.party} is told, phones, and records that Pat at the front desk accepts.")
    tell.sees("Facilitator", "the list of those to be phoned, the sheet to read out, and now nobody left on it.")
    tell.sees("Hospital", "Task.status accepted, recorded by phone.")


def _cancel(story: Story, task: Json) -> None:
    """Put the Task as it was read, cancelled and with a reason."""
    version = task["meta"]["versionId"]
    changed = task | {"status": "cancelled", "statusReason": {"text": CANCELLED}}
    story.ehr.fhir("PUT", f"Task/{task['id']}", changed, headers={"If-Match": f'W/"{version}"'})


def _decision(story: Story, which: str) -> Referral:
    with story.demo.house.database.read() as session:
        found = referral.find(session, story.tasks[which], visible_to=SYSTEM)
    assert found is not None
    return found


def _end(which: str, task: Json) -> dict[str, str | None]:
    return {
        "which": which,
        "id": task["id"],
        "status": task["status"],
        "stage": stage_of(task),
        "reason": task.get("statusReason", {}).get("text"),
        "receiver": task["owner"].get("display"),
        "output": next((one["valueReference"]["reference"] for one in task.get("output", ())), None),
    }


def _tell_timeline(story: Story, tell: Telling, which: str) -> None:
    with story.demo.house.database.read() as session:
        entries = timeline.timeline(session, [story.tasks[which]])
    told = " → ".join(f"{entry.at:%H:%M:%S} {entry.kind.value}" for entry in entries)
    tell.say(f"Timeline, {which}: {told}")


def _audit(story: Story) -> Verification:
    """Return the check of the whole audit, once the worker has sealed what is there."""

    def sealed() -> Verification | None:
        with story.demo.house.database.read() as session:
            found = audit.verify(session)
        return found if not found.unsealed or found.broken else None

    found = wait_for(sealed, "The audit was not sealed: is the worker running?")
    hold(not found.broken, " ".join(found.broken))
    return found


def _no_health_data(story: Story) -> int:
    """Return how many mails were written. Raises DemoFailed when one, or the log, names anybody of the story."""
    mails = [f"{mail['Subject']}\n{text_of(mail)}" for _name, mail in story.demo.mailbox.mails()]
    log = story.demo.log.read_text(encoding="utf-8", errors="replace")
    for canary in (word for one in PATIENTS for word in one.canaries):
        hold(not any(canary in letter for letter in mails), "A mail holds something of a person.")
        hold(canary not in log, "The log holds something of a person.")
    return len(mails)
