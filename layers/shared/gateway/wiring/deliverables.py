"""Builds what delivers results of tasks, in the function that sends webhooks."""

from __future__ import annotations

from gateway.agents.deliverables import Deliverables
from gateway.agents.journal import Journals
from gateway.people.attempts import Attempts
from gateway.stores.aws.ses import SesMail
from gateway.webhooks.posting import Posting
from gateway.wiring.job_stores import jobs, writer
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process
from gateway.wiring.sessions import people_store


def deliverables_by(posting: Posting) -> Deliverables:
    """The delivery of results to the places that their owners named."""
    on, chosen = process(), process().settings
    journals = Journals(jobs(), writer(), bucket_objects(chosen.responses_bucket))
    mail, attempts = SesMail(on.aws, chosen.mail_identity), Attempts(people_store(), on.clock)
    return Deliverables(jobs(), writer(), journals, mail, attempts, posting)
