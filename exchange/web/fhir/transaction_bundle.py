"""Transaction: every entry or none, in one transaction of the store. http://hl7.org/fhir/R4/http.html#transaction."""

from sqlalchemy.orm import Session

from exchange.actions.documents.receive_bundle import receive_bundle
from exchange.domain.errors import ExchangeError
from exchange.web.fhir.asking import Ask, Wishes
from exchange.web.fhir.entries import interaction_of, read_entries
from exchange.web.fhir.once import once
from exchange.web.fhir.replying import Reply, answer_of, written_reply
from exchange.web.fhir.scope import permit_interaction
from exchange.web.guard import current_actor
from fhir_mapping.bundle import Answer, Entry, transaction_response
from fhir_mapping.json_text import dump

READING = frozenset({"GET", "HEAD"})


def transaction_bundle(ask: Ask) -> Reply:
    """Carry out all entries, or refuse all, naming the entry. Raises whatever one of them raises."""
    entries = read_entries(ask.resource)

    def write(session: Session) -> Reply:
        writing = [entry for entry in entries if entry.method not in READING]
        done = receive_bundle(session, current_actor(), writing, permit=permit_interaction)
        answers = {one.place: answer_of(written_reply(session, ask, one.written)) for one in done}
        for entry in entries:
            if entry.method in READING:
                answers[entry.place] = _found(session, entry, ask.wishes)
        return Reply(200, dump(transaction_response(answers[place] for place in sorted(answers))))

    return once(ask, write)


def _found(session: Session, entry: Entry, wishes: Wishes) -> Answer:
    """Answer a reading entry from within the transaction: it sees what the others wrote."""
    try:
        interaction, ask = interaction_of(entry, wishes)
        permit_interaction(ask.type_name, interaction.code)
        assert interaction.reads is not None
        return answer_of(interaction.reads(session, ask))
    except ExchangeError as refusal:
        refusal.expression = f"{entry.expression}.request.url"
        raise
